import { configure } from "@testing-library/react";

// How fast the machine is decides nothing: what does not come within this time does not come.
configure({ asyncUtilTimeout: 30_000 });
