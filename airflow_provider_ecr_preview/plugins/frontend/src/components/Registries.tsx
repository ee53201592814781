import { bytes, count } from "../format";
import type { RegistryCounts } from "../types";
import { NumberHeadings, place } from "./basics";

/** The sums of each registry and Region, where an audit covers several. */
export function Registries({ registries, leftOut }: { registries: RegistryCounts[]; leftOut: number }) {
  if (registries.length + leftOut < 2) {
    return null;
  }
  return (
    <section>
      <h3>Registries and Regions</h3>
      <div className="wide" role="region" aria-label="Registries and Regions" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Registry and Region</th>
              <NumberHeadings titles={["Repositories", "Without a policy", "Failed", "Would be deleted", "Archived", "Bytes at most"]} />
            </tr>
          </thead>
          <tbody>
            {registries.map((registry) => (
              <tr key={`${registry.registry_id} ${registry.region_name}`}>
                <th scope="row">{place(registry) || "not known"}</th>
                <td className="number">{count(registry.repository_count)}</td>
                <td className="number">{count(registry.without_policy_count)}</td>
                <td className="number">{count(registry.failed_count)}</td>
                <td className="number">{count(registry.expiring_image_count)}</td>
                <td className="number">{count(registry.archiving_image_count)}</td>
                <td className="number">{bytes(registry.expiring_bytes_upper_bound)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {leftOut > 0 && <p className="quiet">and {count(leftOut)} more.</p>}
    </section>
  );
}
