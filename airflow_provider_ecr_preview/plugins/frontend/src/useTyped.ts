import { useEffect, useState } from "react";

const TYPING_MILLISECONDS = 250;

/** What somebody types, and the same a moment after the last key: each look at it is a request. */
export function useTyped(onTyped: (text: string) => void, from = ""): [string, (text: string) => void] {
  const [typed, setTyped] = useState(from);
  const [known, setKnown] = useState(from);
  useEffect(() => {
    if (typed === known) {
      return undefined;
    }
    const timer = setTimeout(() => {
      setKnown(typed);
      onTyped(typed);
    }, TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
    // What is done is the same at every render.
  }, [typed, known]);
  return [typed, setTyped];
}
