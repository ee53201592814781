import type { ReactElement, ReactNode } from "react";
import { Tooltip } from "recharts";

import { CURSOR } from "./colours";

/** What a tooltip says about the bar or tile under the pointer, or the one that the arrow keys have reached. */
export function tip<T>(of: (datum: T) => ReactNode): ReactElement {
  return (
    <Tooltip
      cursor={CURSOR}
      isAnimationActive={false}
      content={({ active, payload }) => {
        const datum = payload[0]?.payload as T | undefined;
        return active && datum !== undefined ? <div className="tip">{of(datum)}</div> : null;
      }}
    />
  );
}
