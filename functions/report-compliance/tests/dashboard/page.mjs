// Looks at a page in one way: `node page.mjs WAY FOLDER CHROMIUM`. Whatever is wrong ends it with an
// error that says so.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

import { launched, opened, served } from "./browser.mjs";
import * as ways from "./ways.mjs";

const [way, folder, chromium] = process.argv.slice(2);
const expected = JSON.parse(await readFile(`${folder}/expected.json`, "utf8"));
const browser = await launched(chromium);
const server = await served(folder);
try {
  const addresses = { file: `file://${folder}/index.html`, http: `${server.address}/index.html` };
  const open = (address, options) => opened(browser, address, options);
  await ways[way]({ browser, open, expected, folder, addresses });
  assert.deepEqual(server.refused, [], "nothing but the page and its files was asked for");
} finally {
  server.close();
  await browser.close();
}
