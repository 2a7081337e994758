
// The data of the page: gzipped JSON in Base64, whose columns become typed arrays.

/** Reads what the page or a file beside it has. */
async function unpacked(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** The numbers of a tally, in the order of columns. */
const PARTS = ["compliant", "new", "open", "waived", "unknown", "fixed", "closed"];
const [COMPLIANT, NEW, OPEN] = PARTS.keys();

/** Codes of what is known of a cell, as cells.rs has them. */
const MISSING = 2;
const GONE = 3;
const UNSAID = 4;

const typed = (tally) => PARTS.map((part) => Float64Array.from(tally[part]));

/** The cells of each column that are not 0: all but the first column are mostly empty. */
function filledCells(columns) {
  return columns.map((column) => Uint32Array.from(column.keys()).filter((cell) => column[cell] !== 0));
}

/** Cells as typed arrays, with the place of each account by rule. */
function readCells(cells, accounts, rules) {
  const account = Uint32Array.from(cells.account);
  const rule = Uint32Array.from(cells.rule);
  const coverage = Uint8Array.from(cells.coverage);
  const places = new Int32Array(accounts * rules).fill(-1);
  account.forEach((at, cell) => {
    if (coverage[cell] !== GONE) places[at * rules + rule[cell]] = cell;
  });
  const now = typed(cells.now);
  const before = cells.before ? typed(cells.before) : null;
  const filled = { now: filledCells(now), before: before && filledCells(before) };
  return { account, rule, coverage, places, now, before, filled };
}

/** The month as the page works with it. */
function readMonth(data) {
  const accountCount = data.accounts.id.length;
  const places = new Map(data.accounts.id.map((id, at) => [id, at]));
  const rulePlaces = new Map(data.rules.map((rule, at) => [rule.name, at]));
  const month = {
    ...data,
    endSeconds: secondsOf(data.end),
    accountCount,
    places,
    rulePlaces,
    cells: readCells(data.cells, accountCount, data.rules.length),
  };
  month.accounts.owner = data.accounts.owner.map((at) => data.accounts.owners[at]);
  month.accounts.unit = data.accounts.unit.map((at) => data.accounts.units[at]);
  month.findings = new Findings(month, data.rows);
  return month;
}

/** Days from a moment to the month's end. */
const ageOf = (month, seconds) => Math.max(0, Math.floor((month.endSeconds - seconds) / DAY));

/** A tally as an object, of a list of its numbers: written out, since it is made thousands of times. */
const tallyOf = (numbers, from = 0) => ({
  compliant: numbers[from],
  new: numbers[from + 1],
  open: numbers[from + 2],
  waived: numbers[from + 3],
  unknown: numbers[from + 4],
  fixed: numbers[from + 5],
  closed: numbers[from + 6],
});

/** Findings that are not compliant and not waived. */
const allOpen = (tally) => tally.new + tally.open;

/** The share that is compliant, in percent, rounded down; `null` if nothing is known. */
function compliance(tally) {
  const known = tally.compliant + allOpen(tally);
  return known === 0 ? null : Math.floor((tally.compliant * 1000) / known) / 10;
}
