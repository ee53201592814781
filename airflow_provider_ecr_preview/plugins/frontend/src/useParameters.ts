import { useCallback, useRef, useState } from "react";

import { hostRouter } from "./host";

/** What is chosen, kept in the address: it can be linked to, and "back" leads to what was chosen before. */
export function useParameters(): [URLSearchParams, (changes: Record<string, string>) => void] {
  // Which of the two it is stays the same as long as the page is there.
  const [parameters, setParameters] = (hostRouter()?.useSearchParams ?? useOwnParameters)();
  // The host's changes the parameters of the render that it is of, so it has to be the latest.
  const latest = useRef(setParameters);
  latest.current = setParameters;
  const change = useCallback((changes: Record<string, string>) => {
    latest.current((before) => {
      const after = new URLSearchParams(before);
      for (const [name, value] of Object.entries(changes)) {
        if (value === "") {
          after.delete(name);
        } else {
          after.set(name, value);
        }
      }
      return after;
    });
  }, []);
  return [parameters, change];
}

function useOwnParameters() {
  return useState(() => new URLSearchParams());
}
