import { join } from "node:path";

import license from "rollup-plugin-license";
import { defineConfig } from "vitest/config";

import { limitedFirstLoad } from "./size";

const STATIC = join(import.meta.dirname, "../static");

// The host has its own React; a second one would not share its state.
const globals = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
};

// What may be in the bundle of a package that others install.
const FREE = "(MIT OR ISC OR BSD-2-Clause OR BSD-3-Clause OR 0BSD OR Apache-2.0)";

const NOTICE = "/*! Holds libraries of others; their licences are in LICENSES.txt of the package that brings this. */";

export default defineConfig(({ mode }) => ({
  define: mode === "test" ? {} : { "process.env.NODE_ENV": JSON.stringify("production") },
  esbuild: { jsx: "automatic" },
  plugins: [
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
    lib: { entry: "src/main.tsx", name: "AirflowPlugin", formats: ["umd"], fileName: () => "main.js" },
    rollupOptions: { external: Object.keys(globals), output: { globals } },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.tsx", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    testTimeout: 120_000,
  },
}));
