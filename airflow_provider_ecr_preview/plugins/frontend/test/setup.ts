import { afterEach, beforeEach, expect, vi } from "vitest";

import { configure } from "@testing-library/react";

// How fast the machine is decides nothing: what does not come within this time does not come.
configure({ asyncUtilTimeout: 30_000 });

// Each test begins at an address without parameters.
beforeEach(() => window.history.replaceState(null, "", window.location.pathname));

// React reports mistakes, such as two rows with one key, on the console only.
beforeEach(() => {
  vi.spyOn(console, "error");
  vi.spyOn(console, "warn");
});

afterEach(() => {
  const reported = [console.error, console.warn].flatMap((report) => vi.mocked(report).mock.calls);
  vi.restoreAllMocks();
  expect(reported).toEqual([]);
});
