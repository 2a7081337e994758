// The page in use: addresses that restore a view, and the keyboard alone.

import assert from "node:assert/strict";

import { cards, nothingWrong } from "./common.mjs";

export async function use({ open, expected, addresses }) {
  await formWritesTheAddress(open, expected, addresses.file);
  await backAndForward(open, addresses.http);
  await keyboardAlone(open, addresses.file);
}

/** The form's filter is in the address, which shows the same elsewhere. */
async function formWritesTheAddress(open, expected, address) {
  const { page, complaints } = await open(address);
  await page.select("select[name=owner]", "=payments");
  assert.deepEqual(await cards(page), expected.owner.payments);
  await page.select("select[name=severity]", "=critical");
  await page.type("input[name=rule]", "s3-");
  const shared = page.url();
  const [shown, status] = [await cards(page), await page.$eval("#status", (it) => it.textContent)];
  assert.ok(shown.open < expected.owner.payments.open && shown.open > 0);
  const { page: elsewhere } = await open(shared);
  assert.deepEqual(await cards(elsewhere), shown);
  assert.equal(await elsewhere.$eval("#status", (it) => it.textContent), status);
  assert.equal(await elsewhere.$eval("select[name=owner]", (it) => it.value), "=payments");
  assert.equal(await elsewhere.$eval("input[name=rule]", (it) => it.value), "s3-");
  await elsewhere.click("button[type=reset]");
  await elsewhere.waitForFunction(() => location.hash === "");
  assert.deepEqual(await cards(elsewhere), expected.totals);
  const { page: none } = await open(`${address}#owner=`);
  assert.deepEqual(await cards(none), expected.owner[""], "accounts without an owner can be asked for");
  await nothingWrong(page, complaints);
}

/** The browser's own buttons go back out of the findings and of a filter. */
async function backAndForward(open, address) {
  const { page } = await open(address);
  const all = await cards(page);
  const link = await page.$("#groups-body a");
  await link.click();
  await page.waitForFunction(() => location.hash.startsWith("#severity="));
  const filtered = await cards(page);
  assert.notDeepEqual(filtered, all);
  await (await page.$("#card-open a")).click();
  await page.waitForSelector("#resources[open]");
  await page.goBack();
  await page.waitForSelector("#resources:not([open])");
  assert.deepEqual(await cards(page), filtered);
  await page.goBack();
  await page.waitForFunction(() => location.hash === "");
  assert.deepEqual(await cards(page), all);
}

/** The keyboard reaches the findings of a cell, and comes back to it. */
async function keyboardAlone(open, address) {
  const { page, complaints } = await open(address);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.matches(".heat td"))) break;
  }
  const cell = () => page.evaluate(() => {
    const at = document.activeElement;
    return at.matches(".heat td") ? [at.parentElement.getAttribute("aria-rowindex"), at.ariaColIndex, at.title] : at.tagName;
  });
  assert.deepEqual((await cell()).slice(0, 2), ["2", "2"]);
  for (const key of ["ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowDown"]) await page.keyboard.press(key);
  const there = await cell();
  assert.deepEqual(there.slice(0, 2), ["3", "4"]);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#resources[open] tbody tr");
  const title = await page.$eval("#resources-title", (it) => it.textContent);
  const address2 = new URLSearchParams(new URL(page.url()).hash.slice(1));
  assert.ok(title.includes(address2.get("of")) && title.includes(address2.get("by")));
  assert.ok(await page.evaluate(() => document.activeElement.closest("#resources") !== null));
  await page.keyboard.press("Escape");
  await page.waitForSelector("#resources:not([open])");
  assert.deepEqual(await cell(), there, "focus is back on the cell");
  await page.keyboard.down("Control");
  await page.keyboard.press("End");
  await page.keyboard.up("Control");
  assert.deepEqual((await cell()).slice(0, 2), ["41", "25"]);
  await nothingWrong(page, complaints);
}
