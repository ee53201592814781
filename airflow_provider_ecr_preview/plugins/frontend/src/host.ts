import type { ReactNode } from "react";

type Parameters = [
  URLSearchParams,
  (change: (before: URLSearchParams) => URLSearchParams, options?: { replace?: boolean }) => void,
];

/** What the host shares of its router; nothing where there is no host, as in our own tests. */
export interface Router {
  Link: (props: { to: string; children: ReactNode }) => ReactNode;
  useSearchParams: () => Parameters;
}

export function hostRouter(): Router | undefined {
  return (globalThis as { ReactRouterDOM?: Router }).ReactRouterDOM;
}
