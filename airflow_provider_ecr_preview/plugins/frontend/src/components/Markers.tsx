import { tabPath } from "../api";
import { bytes, count, counted, minute } from "../format";
import { kindOf, kindText } from "../kinds";
import { type MarkedTask, number } from "../markers";
import { HostLink } from "./basics";

/** Tasks that pushed a preview or an audit, each with what it found. */
export function Markers({ tasks, label }: { tasks: MarkedTask[]; label: string }) {
  return (
    <div className="wide" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">What</th>
            <th scope="col">When</th>
            <th scope="col" className="number">
              Would be deleted
            </th>
            <th scope="col" className="number">
              Archived
            </th>
            <th scope="col" className="number">
              Bytes at most
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map(({ marker, value }) => (
            <tr key={tabPath(marker)}>
              <td>
                <HostLink to={tabPath(marker)}>
                  {marker.dagId} / {marker.taskId}
                  {marker.mapIndex >= 0 ? ` [${marker.mapIndex}]` : ""}
                </HostLink>
              </td>
              <td>{value.kind === "audit" ? auditText({ marker, value }) : String(value.counts["repository_name"] ?? "")}</td>
              <td className="short">{minute(marker.timestamp)}</td>
              <td className="number">{count(number(value, "expiring_image_count"))}</td>
              <td className="number">{count(number(value, "archiving_image_count"))}</td>
              <td className="number">{bytes(number(value, "expiring_bytes_upper_bound"))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function auditText(audit: MarkedTask): string {
  const repositories = counted(number(audit.value, "repository_count") ?? 0, "repository", "repositories");
  return [`audit of ${repositories}`, kindText(kindOf(audit))].filter(Boolean).join(", ");
}
