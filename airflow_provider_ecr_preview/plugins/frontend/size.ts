import { gzipSync } from "node:zlib";

import type { Plugin } from "vite";

/** What a browser loads before it shows the first number. */
export const MAX_FIRST_LOAD_BYTES = 60_000;

/** Print the size of what is loaded first, and fail the build when it is more than the limit. */
export function limitedFirstLoad(): Plugin {
  return {
    name: "limited-first-load",
    enforce: "post",
    writeBundle(_options, bundle) {
      const first = Object.values(bundle).filter((chunk) => chunk.type === "chunk" && chunk.isEntry);
      const size = first.reduce((sum, chunk) => sum + (chunk.type === "chunk" ? gzipSync(chunk.code).length : 0), 0);
      console.log(`First load: ${size.toLocaleString("en")} bytes compressed, of ${MAX_FIRST_LOAD_BYTES.toLocaleString("en")} allowed.`);
      if (size > MAX_FIRST_LOAD_BYTES) {
        this.error(`The first load is ${size} bytes compressed, more than the ${MAX_FIRST_LOAD_BYTES} allowed. Load less at first.`);
      }
    },
  };
}
