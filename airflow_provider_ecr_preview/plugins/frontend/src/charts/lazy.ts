// Charts are loaded when they are shown: the numbers do not wait for them.
import { createElement } from "react";

import { lazily } from "../lazily";

/** As large as a chart, so that nothing moves when it comes. */
function space(height: string) {
  return createElement("div", { className: "chart", style: { minHeight: height } });
}

export const CostMap = lazily(() => import("./CostMap").then((loaded) => loaded.CostMap), space("180px"));
export const RepositoryMap = lazily(() => import("./RepositoryMap").then((loaded) => loaded.RepositoryMap), space("221px"));
export const Trend = lazily(() => import("./Trend").then((loaded) => loaded.Trend), space("181px"));
export const TrendOverTime = lazily(() => import("./TrendOverTime").then((loaded) => loaded.TrendOverTime), space("380px"));
