import { beforeEach } from "vitest";

import { configure } from "@testing-library/react";

// How fast the machine is decides nothing: what does not come within this time does not come.
configure({ asyncUtilTimeout: 30_000 });

// Each test begins at an address without parameters.
beforeEach(() => window.history.replaceState(null, "", window.location.pathname));
