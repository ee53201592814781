import { count } from "../format";

/** Numbers by a code, such as the spared images by the reason. */
export function Counts({ counts, meanings = {} }: { counts: Record<string, number>; meanings?: Record<string, string> }) {
  return Object.entries(counts)
    .sort(([, one], [, other]) => other - one)
    .map(([code, number]) => (
      <div key={code}>
        {count(number)} <span title={code}>{meanings[code] ?? code.replaceAll("_", " ")}</span>
      </div>
    ));
}

/** The same on one line. */
export function countsText(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([code, number]) => `${count(number)} ${code.replaceAll("_", " ")}`)
    .join(", ");
}
