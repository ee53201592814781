import { useMemo } from "react";
import { ResponsiveContainer, Treemap, type TreemapNode } from "recharts";

import { place } from "../components/basics";
import { isCritical } from "../findings";
import { bytes, count, counted } from "../format";
import type { AuditedRepository } from "../types";
import { CRITICAL_TILE, TILE } from "./colours";
import { Key } from "./Key";
import { tip } from "./Tip";

const MAX_TILES = 60;
const TEXT_HEIGHT = 14;
const LETTER_WIDTH = 7.5;

interface Tile {
  [name: string]: unknown;
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
      <div aria-hidden="true">
        <ResponsiveContainer width="100%" height={200}>
          <Treemap
            data={tiles}
            dataKey="size"
            isAnimationActive={false}
            isUpdateAnimationActive={false}
            content={TileShape}
            onClick={(node) => onChoose((node as unknown as Tile).repository)}
          >
            {tip<Tile>(({ repository, size }) => (
              <>
                <b>{repository.repository_name}</b>
                <div className="quiet">{place(repository)}</div>
                <div>{bytes(size)} at most</div>
                <div>
                  {counted(repository.expiring_image_count ?? 0, "image", "images")} of {count(repository.total_image_count)} would be
                  deleted
                </div>
              </>
            ))}
          </Treemap>
        </ResponsiveContainer>
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

function TileShape({ x, y, width, height, name, fill, depth }: TreemapNode) {
  if (depth === 0) {
    return <g />;
  }
  const letters = Math.floor((width - 10) / LETTER_WIDTH);
  return (
    <g className="tile-shape">
      <rect x={x} y={y} width={width} height={height} fill={String(fill)} />
      {letters >= 4 && height > TEXT_HEIGHT + 6 && (
        <text x={x + 5} y={y + TEXT_HEIGHT + 2}>
          {name.length > letters ? `${name.slice(0, letters - 1)}…` : name}
        </text>
      )}
    </g>
  );
}
