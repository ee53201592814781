import type { ReactNode } from "react";

type Parameters = [URLSearchParams, (change: (before: URLSearchParams) => URLSearchParams) => void];

/** What the host shares of its router; nothing where there is no host, as in our own tests. */
interface Router {
  Link: (props: { to: string; children: ReactNode }) => ReactNode;
  useSearchParams: () => Parameters;
}

export function hostRouter(): Router | undefined {
  return (globalThis as { ReactRouterDOM?: Router }).ReactRouterDOM;
}
