import { defineConfig } from "vitest/config";

// The host has its own React; a second one would not share its state.
const globals = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
};

// What is in the bundle beside our own.
const LICENCES = "/*! Holds @tanstack/react-table and @tanstack/table-core: MIT License, Copyright (c) 2016 Tanner Linsley */";

export default defineConfig(({ mode }) => ({
  define: mode === "test" ? {} : { "process.env.NODE_ENV": JSON.stringify("production") },
  esbuild: { jsx: "automatic" },
  plugins: [
    {
      name: "licences",
      // At the very end, because the minifier removes comments.
      generateBundle(_options, bundle) {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === "chunk") {
            chunk.code = `${LICENCES}\n${chunk.code}`;
          }
        }
      },
    },
  ],
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/main.tsx", name: "AirflowPlugin", formats: ["umd"], fileName: () => "main.js" },
    rollupOptions: { external: Object.keys(globals), output: { globals } },
  },
  test: { environment: "happy-dom", include: ["test/**/*.test.tsx", "test/**/*.test.ts"] },
}));
