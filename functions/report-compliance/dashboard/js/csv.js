
// CSV of what is shown, in the format of the findings' files.

const COLUMNS = [
  ["account_id", (row) => row.accountId],
  ["account_name", (row) => row.account],
  ["owner", (row) => row.owner],
  ["unit", (row) => row.unit],
  ["region", (row) => row.region],
  ["rule", (row) => row.rule],
  ["rule_name", (row) => row.ruleName],
  ["source", (row) => row.source],
  ["severity", (row) => row.severity],
  ["resource_type", (row) => row.type],
  ["resource_id", (row) => row.id],
  ["resource_name", (row) => row.name],
  ["resource_arn", (row) => row.arn],
  ["status", (row) => row.status],
  ["since", (row) => moment(row.since)],
  ["age_days", (row) => String(row.age)],
  ["seen_at", (row) => moment(row.seenAt)],
  ["unknown_because", (row) => row.unknownBecause],
  ["waiver_owner", (row) => row.waiver?.owner ?? ""],
  ["waiver_reason", (row) => row.waiver?.reason ?? ""],
  ["waiver_until", (row) => row.waiver?.until ?? ""],
];

const moment = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** A field. One that a spreadsheet would take for a formula gets an apostrophe before it, and so
 * does one that begins with an apostrophe: whoever takes the first one away has the text again. */
function field(text) {
  const guarded = /^[=+\-@\t\r\n']/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** A CSV of these lines. The mark before it tells spreadsheets that it is UTF-8. */
const csv = (lines) => `\uFEFF${lines.map((line) => line.map(field).join(",")).join("\r\n")}\r\n`;

/** The findings that are shown. */
const findingsCsv = (rows) =>
  csv([COLUMNS.map(([name]) => name), ...rows.map((row) => COLUMNS.map(([, of]) => of(row)))]);

/** Accounts by rules, as the filter leaves them: a line a cell. */
function cellsCsv(view) {
  const { month, accounts, rules } = view;
  const { places, now } = month.cells;
  const lines = [["account_id", "account_name", "owner", "unit", "rule_name", "severity", ...PARTS]];
  for (const account of accounts) {
    for (const rule of rules) {
      const cell = places[account * month.rules.length + rule];
      if (cell < 0) continue;
      const { id, name, owner, unit } = month.accounts;
      lines.push([id[account], name[account], owner[account], unit[account],
        month.rules[rule].name, month.rules[rule].severity,
        ...PARTS.map((_, part) => String(now[part][cell]))]);
    }
  }
  return csv(lines);
}
