import { type ComponentType, lazy, type ReactNode, Suspense } from "react";

/** A component that is loaded when it is first shown; until then, something as large stands in its place. */
export function lazily<P extends object>(load: () => Promise<ComponentType<P>>, instead: ReactNode = null): (props: P) => ReactNode {
  const Loaded = lazy(async () => ({ default: await load().catch((): ComponentType<P> => NotLoaded) }));
  return (props) => (
    <Suspense fallback={instead}>
      <Loaded {...props} />
    </Suspense>
  );
}

function NotLoaded() {
  return (
    <p className="note" role="alert">
      This part of the page could not be loaded. Reload the page: the package may have been updated since it was opened.
    </p>
  );
}
