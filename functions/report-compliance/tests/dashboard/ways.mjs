// Ways to look at a page; each is a promise of the dashboard.

import assert from "node:assert/strict";

export { axe } from "./ways/axe.mjs";
export { quick } from "./ways/quick.mjs";
export { files } from "./ways/files.mjs";
export { use } from "./ways/use.mjs";
import { cards, csvLines, look, nothingWrong, shot, state } from "./ways/common.mjs";

/** The page from a folder and over http: no complaint, and whatever the filter, the model's numbers. */
export async function numbers({ open, expected, addresses }) {
  for (const address of Object.values(addresses)) {
    const { page, complaints } = await open(address);
    assert.deepEqual(await cards(page), expected.totals);
    await oldestIsShown(page, expected);
    await beforeIsShown(page, expected.before);
    for (const key of ["owner", "unit", "severity", "account", "rule"]) {
      const all = Object.entries(expected[key]);
      assert.ok(all.length > 1, key);
      for (const [name, numbers] of all) {
        await state(page, { [key]: name });
        assert.deepEqual(await cards(page), numbers, `${key}=${name}`);
      }
    }
    await state(page, {});
    assert.deepEqual(await cards(page), expected.totals);
    await look(page, "Open findings");
    await exportedAsShown(page, expected.totals.open);
    await nothingWrong(page, complaints);
  }
  const { page } = await open(addresses.file);
  await shot(page, "light");
}

/** The age of the oldest open finding is the model's. */
async function oldestIsShown(page, { oldest, end }) {
  const days = Math.floor((Date.parse(end) - Date.parse(oldest)) / 86_400_000);
  assert.equal(await page.$eval("#card-oldest .value", (value) => value.textContent), `${days} days`);
}

/** Last month's numbers stand beside this month's. */
async function beforeIsShown(page, before) {
  const shown = await page.$$eval("#cards .before", (all) => all.map((one) => one.textContent));
  const number = (value) => value.toLocaleString("en-US");
  assert.ok(shown[0].startsWith(`2026-09: ${before.compliance.toFixed(1)} %`), shown[0]);
  for (const [at, key] of [[1, "open"], [2, "new"], [3, "fixed"], [4, "unknown"]]) {
    assert.ok(shown[at].startsWith(`2026-09: ${number(before[key])} `), `${key}: ${shown[at]}`);
  }
}

/** The file has the lines of the dialog, all pages of it. */
async function exportedAsShown(page, open) {
  const caption = await page.$eval("#resources caption", (it) => it.textContent);
  assert.ok(caption.includes(` of ${open.toLocaleString("en-US")},`), caption);
  await page.click("#resources-csv");
  const [head, ...lines] = await csvLines(page);
  assert.equal(head.length, 21);
  assert.equal(lines.length, open);
  const shown = await page.$$eval("#resources tbody tr", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText)));
  const at = Object.fromEntries(head.map((name, place) => [name, place]));
  shown.forEach((row, line) => {
    const of = (name) => lines[line][at[name]];
    assert.ok(row[0].includes(of("resource_name") || of("resource_id")), row[0]);
    assert.equal(row[1], of("status"));
    assert.ok(["new", "open"].includes(of("status")));
    assert.ok(row[3].includes(of("account_id")) && row[3].includes(of("account_name")));
    assert.equal(row[5], of("rule_name"));
    assert.ok(row[6].includes(of("since").slice(0, 10)) && row[6].includes(of("age_days")));
    assert.ok(of("resource_arn").endsWith(`${of("account_id")}:${of("resource_id")}`));
  });
}

/** Hostile names are texts: nothing of them runs, and no spreadsheet takes them for formulas. */
export async function hostile({ open, addresses }) {
  for (const address of Object.values(addresses)) {
    const { page, complaints } = await open(address);
    await look(page, "Open findings");
    const links = await page.$$eval("a[href]", (all) => all.map((link) => link.getAttribute("href")));
    assert.ok(links.every((link) => /^(https:|#)/.test(link)), links.find((link) => !/^(https:|#)/.test(link)));
    assert.ok(await page.$eval("#resources", (it) => it.textContent.includes("<img src=x")), "names are shown as they are");
    await page.click("#resources-csv");
    const [, ...lines] = await csvLines(page);
    assert.ok(lines.some((line) => line.includes("'=1+2")));
    assert.ok(lines.some((line) => line.includes("''quoted")));
    assert.ok(lines.flat().every((field) => !/^[=+\-@\t\r\n]/.test(field)));
    assert.equal(await page.$$eval("img, svg", (all) => all.length), 0);
    assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
    await state(page, { owner: "</script><script>globalThis.harmed = 1</script>" });
    assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
    await nothingWrong(page, complaints);
  }
}

/** A first month without accounts is a page all the same. */
export async function empty({ open, addresses }) {
  const { page, complaints } = await open(addresses.file);
  const shown = await cards(page);
  assert.deepEqual(shown, { compliance: null, open: 0, new: 0, fixed: 0, unknown: 0 });
  assert.ok(await page.$eval("#about", (about) => about.textContent.includes("first month")));
  await nothingWrong(page, complaints);
}
