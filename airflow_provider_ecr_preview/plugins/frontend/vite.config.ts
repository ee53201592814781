import { defineConfig } from "vitest/config";

// The host has its own React; a second one would not share its state.
const globals = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
};

export default defineConfig(({ mode }) => ({
  define: mode === "test" ? {} : { "process.env.NODE_ENV": JSON.stringify("production") },
  esbuild: { jsx: "automatic" },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/main.tsx", name: "AirflowPlugin", formats: ["umd"], fileName: () => "main.js" },
    rollupOptions: { external: Object.keys(globals), output: { globals } },
  },
  test: { environment: "happy-dom", include: ["test/**/*.test.tsx", "test/**/*.test.ts"] },
}));
