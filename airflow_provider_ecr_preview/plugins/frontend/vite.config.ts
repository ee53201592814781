import { join } from "node:path";

import license from "rollup-plugin-license";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

import { limitedFirstLoad } from "./size";

const STATIC = join(import.meta.dirname, "../static");

// The host has its own React; a second one would not share its state.
const GLOBALS: Record<string, string> = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
};

const HOST = "\0host:";

/** Take React from the host, in every piece that the pages are loaded in. */
function reactOfHost(): Plugin {
  return {
    name: "react-of-host",
    apply: "build",
    enforce: "pre",
    resolveId: (id) => (Object.hasOwn(GLOBALS, id) ? HOST + id : null),
    async load(id) {
      if (!id.startsWith(HOST)) {
        return null;
      }
      const name = id.slice(HOST.length);
      const names = Object.keys((await import(name)) as object).filter((each) => /^[A-Za-z]+$/.test(each) && each !== "default");
      const host = `globalThis.${GLOBALS[name]}`;
      return [`export default ${host};`, ...names.map((each) => `export const ${each} = ${host}.${each};`)].join("\n");
    },
  };
}

// What may be in the bundle of a package that others install.
const FREE = "(MIT OR ISC OR BSD-2-Clause OR BSD-3-Clause OR 0BSD OR Apache-2.0)";

const NOTICE = "/*! Holds libraries of others; their licences are in LICENSES.txt of the package that brings this. */";

export default defineConfig(({ mode }) => ({
  base: "./",
  define: mode === "test" ? {} : { "process.env.NODE_ENV": JSON.stringify("production") },
  esbuild: { jsx: "automatic" },
  plugins: [
    reactOfHost(),
    license({
      thirdParty: {
        output: join(STATIC, "LICENSES.txt"),
        allow: { test: FREE, failOnUnlicensed: true, failOnViolation: true },
      },
    }),
    {
      name: "notice",
      // At the very end, because the minifier removes comments.
      generateBundle(_options, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === "chunk") {
            chunk.code = `${NOTICE}\n${chunk.code}`;
          }
        }
      },
    },
    limitedFirstLoad(),
  ],
  build: {
    outDir: STATIC,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // Not as a library, whose white space would stay.
    rollupOptions: {
      input: "src/entry.ts",
      treeshake: { propertyReadSideEffects: false },
      output: {
        entryFileNames: "main.js",
        chunkFileNames: "[name]-[hash].js",
        // Not in main.js: its address has a version, and a piece that imported it by its name would load all of it again.
        manualChunks: (id) => (id.endsWith("/src/main.tsx") ? "pages" : undefined),
      },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.tsx", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 120_000,
  },
}));
