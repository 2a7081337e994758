// Helpers of several ways.

import assert from "node:assert/strict";

/** The numbers of the cards, as the model has them. */
export function cards(page) {
  return page.evaluate(() => {
    const text = (name) => document.querySelector(`#card-${name} .value`).textContent;
    const number = (name) => Number(text(name).replaceAll(",", ""));
    const share = text("compliance");
    return {
      compliance: share === "–" ? null : Number.parseFloat(share),
      open: number("open"),
      new: number("new"),
      fixed: number("fixed"),
      unknown: number("unknown"),
    };
  });
}

/** Sets the fragment, as somebody does who follows a shared address. */
export async function state(page, given) {
  await page.evaluate((fragment) => new Promise((resolve) => {
    if (location.hash === fragment) resolve();
    addEventListener("hashchange", () => setTimeout(resolve), { once: true });
    location.hash = fragment;
  }), `#${new URLSearchParams(given)}`);
}

/** Follows the number of a card. */
export async function look(page, label) {
  const link = await page.waitForSelector(`::-p-xpath(//li[span[text()="${label}"]]//a)`);
  await link.click();
  await page.waitForSelector("#resources[open] table, #resources[open] p.note");
}

/** The lines of the last file that the page handed over. */
export async function csvLines(page) {
  const text = await page.evaluate(() => globalThis.files.at(-1).text());
  const fields = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g;
  const lines = [[]];
  for (const [, field, end] of text.replace(/^\uFEFF/, "").matchAll(fields)) {
    lines.at(-1).push(field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end !== ",") lines.push([]);
  }
  return lines.slice(0, -1);
}

/** No error, no refusal, and no request to anywhere else. */
export async function nothingWrong(page, complaints) {
  assert.deepEqual(complaints, []);
  assert.deepEqual(await page.evaluate(() => globalThis.refusals), []);
}

/** A picture, where somebody wants to look at it. */
export async function shot(page, name, fullPage = true) {
  const folder = process.env.BANTO_SCREENSHOTS;
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
}
