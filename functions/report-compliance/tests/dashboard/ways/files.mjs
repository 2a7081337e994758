// Findings in files beside the page are loaded when they are asked for, and only then.

import assert from "node:assert/strict";

import { cards, csvLines, look, nothingWrong, state } from "./common.mjs";

export async function files({ open, expected, addresses }) {
  for (const newest of Object.values(addresses)) {
    for (const address of [newest, newest.replace("index.html", "2026-10/index.html")]) {
      await fromFiles(await open(address), expected);
    }
  }
}

async function fromFiles({ page, complaints }, expected) {
  assert.deepEqual(await cards(page), expected.totals);
  assert.match(await page.$eval("#card-oldest .value", (value) => value.textContent), /^[0-9]+ days$/);
  await look(page, "Open findings");
  assert.ok(await page.$eval("#resources-body", (body) => body.textContent.includes("Choose an account")), "40 files are too many at once");
  const scripts = () => page.$$eval("script[src]", (all) => all.length);
  assert.equal(await scripts(), 0);
  const [account, numbers] = Object.entries(expected.account)[3];
  await state(page, { see: "open", of: account });
  await page.waitForSelector("#resources-csv");
  await page.click("#resources-csv");
  const [, ...lines] = await csvLines(page);
  assert.equal(lines.length, numbers.open);
  assert.ok(lines.every((line) => line[0] === account));
  const [owner, ofOwner] = Object.entries(expected.owner)[1];
  await state(page, { owner, see: "new" });
  await page.waitForSelector(`::-p-xpath(//button[contains(text(), "CSV of ${ofOwner.new.toLocaleString("en-US")} ")])`);
  assert.equal(await page.evaluate(() => globalThis.bantoRows("999988887777", "x")), undefined);
  await nothingWrong(page, complaints);
}
