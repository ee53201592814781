import { useEffect, useState } from "react";

export type Loaded<T> =
  | { state: "loading"; value: T | null }
  | { state: "failed"; error: Error; value: null }
  | { state: "ready"; value: T };

/** Load something, again whenever `key` changes; what was there before stays until the new is there. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading", value: null });
  useEffect(() => {
    const abort = new AbortController();
    setLoaded((before) => ({ state: "loading", value: before.value }));
    load(abort.signal).then(
      (value) => {
        if (!abort.signal.aborted) {
          setLoaded({ state: "ready", value });
        }
      },
      (error: unknown) => {
        if (!abort.signal.aborted) {
          setLoaded({ state: "failed", error: error instanceof Error ? error : new Error(String(error)), value: null });
        }
      },
    );
    return () => abort.abort();
    // `key` says what is loaded; the function is a new one at every render.
  }, [key]);
  return loaded;
}
