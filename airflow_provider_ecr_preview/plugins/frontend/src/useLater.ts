import { useEffect } from "react";

const MILLISECONDS = 5_000;

/** Do something in a while, and again at every other `round`, as long as there is something to wait for. */
export function useLater(isWaiting: boolean, round: number, then: () => void): void {
  useEffect(() => {
    if (!isWaiting) {
      return undefined;
    }
    const timer = setTimeout(then, MILLISECONDS);
    return () => clearTimeout(timer);
    // What is done is the same at every render.
  }, [isWaiting, round]);
}
