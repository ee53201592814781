import { useEffect, useRef, useState } from "react";

const TYPING_MILLISECONDS = 250;

/** What somebody types, and the same a moment after the last key: each look at it is a request. */
export function useTyped(onTyped: (text: string) => void, from = ""): [string, (text: string) => void] {
  const [typed, setTyped] = useState(from);
  const known = useRef(from);
  useEffect(() => {
    // Changed by something else, such as "back" in the browser.
    if (from !== known.current) {
      known.current = from;
      setTyped(from);
    }
  }, [from]);
  useEffect(() => {
    if (typed === known.current) {
      return undefined;
    }
    const timer = setTimeout(() => {
      known.current = typed;
      onTyped(typed);
    }, TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
    // What is done is the same at every render.
  }, [typed]);
  return [typed, setTyped];
}
