import { useEffect } from "react";

const shown: { title: string; depth: number }[] = [];
let ofHost = "";

/**
 * Name in the title of the window what the page shows, for as long as it does.
 *
 * What is within a page, such as the repository of an audit, has a greater depth and says more than the page.
 */
export function useTitle(title: string, depth = 0): void {
  useEffect(() => {
    const own = { title, depth };
    if (shown.length === 0) {
      ofHost = document.title;
    }
    shown.push(own);
    write();
    return () => {
      shown.splice(shown.indexOf(own), 1);
      write();
    };
  }, [title, depth]);
}

function write(): void {
  const deepest = shown.reduce<(typeof shown)[number] | null>((most, title) => (most && most.depth > title.depth ? most : title), null);
  document.title = deepest ? `${deepest.title} – ECR – Airflow` : ofHost;
}
