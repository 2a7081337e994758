// A browser, a server on the loopback interface, and pages of which every complaint is kept.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";

import puppeteer from "puppeteer-core";

export function launched(chromium) {
  return puppeteer.launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** Serves a folder as a bucket with a strict policy of its own would. */
export async function served(folder) {
  const refused = [];
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    try {
      const body = await readFile(join(folder, path));
      response.setHeader("Content-Type", path.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8");
      response.setHeader("X-Content-Type-Options", "nosniff");
      response.setHeader("Content-Security-Policy", policyOf(await readFile(join(folder, "index.html"), "utf8")));
      response.end(body);
    } catch {
      refused.push(path);
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${server.address().port}`, refused, close: () => server.close() };
}

/** The page's own policy as a header, and what only a header may say. */
function policyOf(page) {
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page);
  return `${policy}; frame-ancestors 'none'`;
}

/** Opens a page, and waits until it is ready. `complaints` has errors, refusals and requests. */
export async function opened(browser, address, { dark = false, width = 1400, height = 900 } = {}) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warn", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => {
    const url = request.url();
    const isOwn = url.startsWith(new URL(".", address).href) || /^(data|blob):/.test(url);
    if (!isOwn) complaints.push(`request: ${url}`);
  });
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.evaluateOnNewDocument(keepDownloads);
  await page.goto(address);
  await page.waitForSelector("html[data-ready]", { timeout: 20_000 });
  return { page, complaints };
}

/** Keeps what the page hands over as files. */
function keepDownloads() {
  globalThis.refusals = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    globalThis.refusals.push(`${event.violatedDirective} ${event.blockedURI}`));
  globalThis.files = [];
  const made = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (blob) => {
    globalThis.files.push(blob);
    return made(blob);
  };
}
