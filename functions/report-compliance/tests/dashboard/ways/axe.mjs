// axe-core finds nothing to object to.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { look, nothingWrong, shot, state } from "./common.mjs";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function axe({ open, addresses }) {
  for (const [dark, width] of [[false, 1400], [true, 1400], [false, 360], [true, 360]]) {
    const { page, complaints } = await open(addresses.file, { dark, width });
    const name = `${dark ? "dark" : "light"}-${width}`;
    await shot(page, name);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name}: nothing is wider than the window`);
    await nothingWrong(page, complaints);
    await page.evaluate(source);
    await passes(page, name);
    await look(page, "Open findings");
    await passes(page, `${name}, findings`);
    await shot(page, `${name}-findings`, false);
    await state(page, { account: "nobody has such a name" });
    await passes(page, `${name}, nothing left`);
    await page.close();
  }
  await printed(open, addresses);
}

async function passes(page, name) {
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const said = violations.map((it) => `${it.id}: ${it.help}\n  ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join("\n  ")}`);
  assert.deepEqual(said, [], name);
}

async function printed(open, addresses) {
  const folder = process.env.BANTO_SCREENSHOTS;
  const { page } = await open(addresses.file);
  const pdf = await page.pdf({ format: "A4", landscape: true, path: folder ? `${folder}/print.pdf` : undefined });
  assert.ok(pdf.length > 10_000);
}
