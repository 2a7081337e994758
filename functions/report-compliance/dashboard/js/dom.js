
// Elements, numbers and dates. Texts of the data become text nodes, never HTML.

const byId = (id) => document.getElementById(id);

/** Makes an element. `props` are attributes; `undefined` and `false` are left out. */
function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== undefined && value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const counts = new Intl.NumberFormat("en-US");
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const DAY = 86_400;

/** A number with commas; short ones have none, and Intl is slow where there are thousands of them. */
const count = (value) => (value < 1000 ? String(value) : counts.format(value));
const percent = (value) => (value === null ? "–" : `${value.toFixed(1)} %`);
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const dayOf = (text) => (text ? text.slice(0, 10) : "–");
const secondsOf = (text) => Math.floor(Date.parse(text) / 1000);
const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

const SEVERITIES = ["critical", "high", "medium", "low"];

/** A severity, with a mark that is not only a colour. */
const severityMark = (severity) => el("span", { class: `severity ${severity}` }, severity);

/** A link to another page; a text, if its address is not one of the web. */
function outward(address, ...text) {
  if (!/^https?:\/\//i.test(address ?? "")) return el("span", {}, ...text);
  const props = { href: address, rel: "noopener noreferrer", target: "_blank" };
  return el("a", props, ...text);
}

/** A sentence, in which commands stand between backquotes. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 === 1 ? el("code", {}, part) : part));

/** A share as a bar: its width says what the number beside it says. */
function bar(value) {
  const filled = el("span", { class: "fill" });
  filled.style.width = `${value ?? 0}%`;
  return el("span", { class: "meter", "aria-hidden": "true" }, filled);
}

/**
 * A table. Columns are `{ label, number, wide }`, rows are lists of texts and nodes, or functions that
 * make one; the first cell of a row heads it. Of more rows than `most`, the rest is made on demand.
 */
function table({ caption, columns, rows, empty, most = Infinity }) {
  if (rows.length === 0) return el("p", { class: "note" }, empty);
  const cells = (row) => row.map((cell, at) => {
    const { number, wide } = columns[at];
    const name = [number ? "number" : "", wide ? "wide" : ""].join(" ").trim() || undefined;
    return at === 0
      ? el("th", { scope: "row", class: name }, cell)
      : el("td", { class: name }, cell);
  });
  const line = (row) => el("tr", {}, cells(typeof row === "function" ? row() : row));
  const lines = (from, to) => rows.slice(from, to).map(line);
  const body = el("tbody", {}, lines(0, most));
  const head = columns.map(({ label, number }) =>
    el("th", { scope: "col", class: number ? "number" : undefined }, label));
  const made = el("div", { class: "scroll", role: "group", "aria-label": caption, tabindex: "0" },
    el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, head)), body));
  if (rows.length <= most) return made;
  const all = el("button", { type: "button", class: "all" }, `Show all ${count(rows.length)}`);
  all.addEventListener("click", () => {
    body.append(...lines(most));
    made.focus();
    all.remove();
  });
  return el("div", {}, made, all);
}

/** Hands a text over as a file. */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = el("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
