import { useMemo, useRef, useState } from "react";

import { repositoryKey } from "../api";
import { place } from "../components/basics";
import { isCritical } from "../findings";
import { bytes, count, counted } from "../format";
import type { AuditedRepository } from "../types";
import { CRITICAL_TILE, TILE } from "./colours";
import { useWidth } from "./Bars";
import { Key } from "./Key";
import { treemap } from "./treemap";

const MAX_TILES = 60;
const HEIGHT = 200;
const TEXT_HEIGHT = 14;
const LETTER_WIDTH = 7.5;

interface Tile {
  name: string;
  size: number;
  fill: string;
  repository: AuditedRepository;
}

/** The repositories from which the most would go, each as large as its bytes. */
export function RepositoryMap({
  repositories,
  onChoose,
}: {
  repositories: AuditedRepository[];
  onChoose: (repository: AuditedRepository) => void;
}) {
  const tiles = useMemo(() => tilesOf(repositories), [repositories]);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const areas = useMemo(() => treemap(tiles, (tile) => tile.size, width, HEIGHT), [tiles, width]);
  const [at, setAt] = useState<number | null>(null);
  const over = at === null ? undefined : areas[at];
  if (tiles.length < 2) {
    return null;
  }
  const title = `Bytes at most, by repository${tiles.length === MAX_TILES ? `, the ${MAX_TILES} largest` : ""}`;
  const [largest] = tiles;
  return (
    // What it shows is in the table below, which a keyboard reaches, too.
    <figure className="chart" aria-label={`${title}. The largest is ${largest?.name} with ${bytes(largest?.size ?? null)}.`}>
      <figcaption className="quiet">
        {title}: <Key colour={CRITICAL_TILE}>with a critical finding</Key> <Key colour={TILE}>without</Key>
      </figcaption>
      <div ref={box} className="map" aria-hidden="true" onMouseLeave={() => setAt(null)}>
        <svg width="100%" height={HEIGHT}>
          {areas.map(({ x, y, width: across, height, datum: { name, fill, repository } }, number) => {
            const letters = Math.floor((across - 10) / LETTER_WIDTH);
            return (
              <g key={repositoryKey(repository)} className="tile-shape" onClick={() => onChoose(repository)} onMouseMove={() => setAt(number)}>
                <rect x={x} y={y} width={across} height={height} style={{ fill }} />
                {letters >= 4 && height > TEXT_HEIGHT + 6 && (
                  <text x={x + 5} y={y + TEXT_HEIGHT + 2}>
                    {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
                  </text>
                )}
              </g>
            );
          })}
        </svg>
        {over && (
          <div
            className="tip floating"
            style={{ top: over.y + Math.min(over.height, 24), ...(over.x > width / 2 ? { right: width - over.x - over.width } : { left: over.x }) }}
          >
            <b>{over.datum.repository.repository_name}</b>
            <div className="quiet">{place(over.datum.repository)}</div>
            <div>{bytes(over.datum.size)} at most</div>
            <div>
              {counted(over.datum.repository.expiring_image_count ?? 0, "image", "images")} of{" "}
              {count(over.datum.repository.total_image_count)} would be deleted
            </div>
          </div>
        )}
      </div>
    </figure>
  );
}

/** The largest first, without those of which nothing would go or is known. */
export function tilesOf(repositories: AuditedRepository[]): Tile[] {
  return repositories
    .map((repository) => ({
      name: repository.repository_name,
      size: repository.expiring_bytes_upper_bound ?? 0,
      fill: isCritical(repository.findings) ? CRITICAL_TILE : TILE,
      repository,
    }))
    .filter((tile) => tile.size > 0)
    .sort((one, other) => other.size - one.size)
    .slice(0, MAX_TILES);
}
