import { activeFilters, NEVER } from "../imageAddress";
import type { TableAddress } from "../useTableAddress";
import { useTyped } from "../useTyped";

const DAYS = ["30", "90", "180", "365"];

/** Filters for when images were pushed, how large they are and when they were pulled. */
export function ImageFilters({ address }: { address: TableAddress }) {
  const pull = address.filter("pull");
  const others = pull === "" || pull === NEVER || DAYS.includes(pull) ? [] : [pull];
  return (
    <>
      <Day title="Pushed from" name="pushed_from" address={address} />
      <Day title="Pushed up to" name="pushed_to" address={address} />
      <Megabytes title="Size from (MB)" name="min_mb" address={address} />
      <Megabytes title="Size up to (MB)" name="max_mb" address={address} />
      <label>
        Last pull
        <select value={pull} onChange={(event) => address.onFilter("pull", event.target.value)}>
          <option value="">any</option>
          <option value={NEVER}>never pulled</option>
          {[...DAYS, ...others].map((days) => (
            <option key={days} value={days}>
              not for {days} days
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

/** The filters that are set, each of which goes away by a click. */
export function ActiveFilters({ address }: { address: TableAddress }) {
  const active = activeFilters(address.filter);
  if (active.length === 0) {
    return null;
  }
  const remove = (names: string[]) => address.onFilters(Object.fromEntries(names.map((name) => [name, ""])));
  return (
    <ul className="active" aria-label="Filters">
      {active.map(({ names, text }) => (
        <li key={text}>
          <button className="button" type="button" aria-label={`Remove filter: ${text}`} onClick={() => remove(names)}>
            {text} <span aria-hidden="true">✕</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Day({ title, name, address }: { title: string; name: string; address: TableAddress }) {
  return (
    <label>
      {title}
      <input type="date" min="1970-01-01" value={address.filter(name)} onChange={(event) => address.onFilter(name, event.target.value)} />
    </label>
  );
}

function Megabytes({ title, name, address }: { title: string; name: string; address: TableAddress }) {
  const [typed, setTyped] = useTyped((text) => address.onFilter(name, text), address.filter(name));
  return (
    <label>
      {title}
      <input type="number" className="narrow" min="0" max="999999" step="any" value={typed} onChange={(event) => setTyped(event.target.value)} />
    </label>
  );
}
