import { counted } from "../format";
import type { Acknowledgement } from "../types";

/** Findings that somebody accepted until a day: apart from the others, and those that are back or match nothing. */
export function Acknowledged({ entries, leftOut }: { entries: Acknowledgement[]; leftOut: number }) {
  if (entries.length === 0) {
    return null;
  }
  return (
    <section aria-label="Acknowledged findings">
      <h3>Acknowledged findings</h3>
      <ul className="findings">
        {entries.map((entry) => (
          <li key={`${entry.repositories} ${entry.code}`}>
            <code>{entry.code}</code> in <code>{entry.repositories}</code> until {entry.until}: {entry.reason}
            <div className={entry.has_ended ? "warning" : "quiet"}>{stateOf(entry)}</div>
          </li>
        ))}
      </ul>
      {leftOut > 0 && <p className="quiet">and {counted(leftOut, "more entry", "more entries")}, for which the result has no room.</p>}
    </section>
  );
}

function stateOf({ has_ended: hasEnded, finding_count: found, failed_repository_count: failed, repository_names: names }: Acknowledgement): string {
  const examples = names.length > 0 ? `, for example ${names.slice(0, 3).join(", ")}` : "";
  if (hasEnded) {
    return found > 0
      ? `This has ended, so the finding counts again in ${counted(found, "repository", "repositories")}${examples}.`
      : "This has ended and matches nothing: remove it.";
  }
  if (found > 0) {
    return `${counted(found, "repository has", "repositories have")} this finding, and it is not counted above${examples}.`;
  }
  return failed > 0
    ? `Not known: ${counted(failed, "repository", "repositories")} of these could not be previewed.`
    : "This matches no finding of this audit: correct or remove it.";
}
