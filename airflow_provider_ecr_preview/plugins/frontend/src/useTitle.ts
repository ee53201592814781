import { useEffect } from "react";

/** Name the page in the title of the window for as long as it is there; null leaves the host's. */
export function useTitle(title: string | null): void {
  useEffect(() => {
    if (title === null) {
      return undefined;
    }
    const before = document.title;
    document.title = `${title} – ECR – Airflow`;
    return () => {
      document.title = before;
    };
  }, [title]);
}
