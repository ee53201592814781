import { gzipSync } from "node:zlib";

import type { Plugin, Rollup } from "vite";

/** What a browser loads before it shows the first number. */
export const MAX_FIRST_LOAD_BYTES = 60_000;

/** Print the size of what is loaded first, and fail the build when it is more than the limit. */
export function limitedFirstLoad(): Plugin {
  return {
    name: "limited-first-load",
    enforce: "post",
    writeBundle(_options, bundle) {
      const first = firstLoaded(bundle);
      const size = first.reduce((sum, chunk) => sum + gzipSync(chunk.code).length, 0);
      console.log(`First load: ${size.toLocaleString("en")} bytes compressed, of ${MAX_FIRST_LOAD_BYTES.toLocaleString("en")} allowed.`);
      if (size > MAX_FIRST_LOAD_BYTES) {
        this.error(`The first load is ${size} bytes compressed, more than the ${MAX_FIRST_LOAD_BYTES} allowed. Load less at first.`);
      }
    },
  };
}

/** The entry and what it imports, without what is imported when it is shown. */
export function firstLoaded(bundle: Rollup.OutputBundle): Rollup.OutputChunk[] {
  const first = new Map<string, Rollup.OutputChunk>();
  const add = (name: string) => {
    const chunk = bundle[name];
    if (chunk?.type === "chunk" && !first.has(name)) {
      first.set(name, chunk);
      chunk.imports.forEach(add);
    }
  };
  Object.values(bundle).forEach((chunk) => chunk.type === "chunk" && chunk.isEntry && add(chunk.fileName));
  return [...first.values()];
}
