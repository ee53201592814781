import { useMemo, useRef } from "react";

import { repositoryKey } from "../api";
import { dollars, wasted } from "../costs";
import type { AuditedRepository } from "../types";
import { useWidth } from "./Bars";
import { TILE } from "./colours";
import { treemap } from "./treemap";

const MAX_TILES = 60;
const HEIGHT = 180;
const LETTER_WIDTH = 7.5;

/** The most wasteful repositories, each as large as what it wastes. The table below has the same, for a keyboard. */
export function CostMap({ repositories, onChoose }: { repositories: AuditedRepository[]; onChoose: (repository: AuditedRepository) => void }) {
  const tiles = useMemo(() => repositories.filter((repository) => wasted(repository) > 0).slice(0, MAX_TILES), [repositories]);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const areas = useMemo(() => treemap(tiles, wasted, width, HEIGHT), [tiles, width]);
  const [first] = tiles;
  if (tiles.length < 2 || !first) {
    return null;
  }
  const text = `Wasted in a month, by repository. The most: ${first.repository_name} with ${dollars(wasted(first))}.`;
  return (
    <figure className="chart" aria-label={text}>
      <div ref={box} className="map" aria-hidden="true">
        <svg width="100%" height={HEIGHT}>
          {areas.map(({ x, y, width: across, height, datum }) => {
            const letters = Math.floor((across - 10) / LETTER_WIDTH);
            const name = datum.repository_name;
            return (
              <g key={repositoryKey(datum)} className="tile-shape" onClick={() => onChoose(datum)}>
                <title>{`${name}: ${dollars(wasted(datum))} wasted in a month`}</title>
                <rect x={x} y={y} width={across} height={height} style={{ fill: TILE }} />
                {letters >= 4 && height > 20 && (
                  <text x={x + 5} y={y + 16}>
                    {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
                  </text>
                )}
                {letters >= 6 && height > 38 && (
                  <text x={x + 5} y={y + 32}>
                    {dollars(wasted(datum))}
                  </text>
                )}
              </g>
            );
          })}
        </svg>
      </div>
    </figure>
  );
}
