import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";

import { hostRouter, type Router } from "./host";
import { PendingAddress } from "./pendingAddress";

// All parts of a page change the same address.
const pending = new PendingAddress();

/** Changes some parameters of the address; an empty value removes its parameter. */
export type SetParameters = (changes: Record<string, string>, options?: { replace?: boolean }) => void;

/** What is chosen, kept in the address: it can be linked to, and "back" leads to what was chosen before. */
export function useParameters(): [URLSearchParams, SetParameters] {
  // Which of the two it is stays the same as long as the page is there.
  const [parameters, setParameters] = (hostRouter()?.useSearchParams ?? useOwnParameters)();
  // The host's changes the parameters of the render that it is of, so it has to be the latest.
  const latest = useRef(setParameters);
  latest.current = setParameters;
  useEffect(() => () => pending.clear(), []);
  const change = useCallback<SetParameters>((changes, options) => {
    latest.current((before) => {
      const after = new URLSearchParams(pending.latest(before.toString()));
      for (const [name, value] of Object.entries(changes)) {
        if (value === "") {
          after.delete(name);
        } else {
          after.set(name, value);
        }
      }
      pending.add(after.toString());
      return after;
    }, options);
  }, []);
  return [parameters, change];
}

/** The address itself, where the host shares no router. */
function useOwnParameters(): ReturnType<Router["useSearchParams"]> {
  const search = useSyncExternalStore(watch, () => window.location.search);
  return [useMemo(() => new URLSearchParams(search), [search]), setOwnParameters];
}

const CHANGED = "ecrp-address";

function watch(onChange: () => void): () => void {
  const names = ["popstate", CHANGED];
  names.forEach((name) => window.addEventListener(name, onChange));
  return () => names.forEach((name) => window.removeEventListener(name, onChange));
}

function setOwnParameters(change: (before: URLSearchParams) => URLSearchParams, options?: { replace?: boolean }): void {
  const after = change(new URLSearchParams(window.location.search)).toString();
  const url = window.location.pathname + (after === "" ? "" : `?${after}`);
  if (options?.replace) {
    window.history.replaceState(null, "", url);
  } else {
    window.history.pushState(null, "", url);
  }
  window.dispatchEvent(new Event(CHANGED));
}
