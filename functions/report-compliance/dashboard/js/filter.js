
// The filter, which is in the address's fragment, and the numbers that are left by it.

/** Filters, and after them what is looked at: `see` a status, `of` an account, `by` a rule. */
const FILTERS = ["account", "unit", "owner", "rule", "severity"];
const LOOKS = ["see", "of", "by"];

/** The state in the fragment; `null` is no filter, and an owner of "" the accounts without one. */
function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries([...FILTERS, ...LOOKS].map((key) => [key, given.get(key)]));
}

/** The fragment of a state. */
function fragment(state) {
  const given = new URLSearchParams();
  for (const key of [...FILTERS, ...LOOKS]) {
    if (state[key] !== null && state[key] !== undefined) given.set(key, state[key]);
  }
  return `#${given}`;
}

/** Names the filters of a state, and not what it looks at. */
const filterKey = (state) => JSON.stringify(FILTERS.map((key) => state[key]));

/** Accounts or rules by a text: the one that is named exactly, else all that contain it. */
function matching(text, names) {
  if (!text) return null;
  const exact = names.map((of) => of.includes(text));
  if (exact.some(Boolean)) return exact;
  const small = text.toLowerCase();
  return names.map((of) => of.some((name) => name.toLowerCase().includes(small)));
}

/** The places of accounts and rules that a state's filters leave, as 0 and 1. */
function kept(month, state) {
  const { id, name, owner, unit } = month.accounts;
  const byName = matching(state.account, id.map((of, at) => [of, name[at]]));
  const accounts = Uint8Array.from(id, (_, at) =>
    Number((byName?.[at] ?? true) && (state.unit === null || unit[at] === state.unit) &&
      (state.owner === null || owner[at] === state.owner)));
  const byRule = matching(state.rule, month.rules.map((rule) => [rule.name, rule.title]));
  const rules = Uint8Array.from(month.rules, (rule, at) =>
    Number((byRule?.[at] ?? true) && (!state.severity || rule.severity === state.severity)));
  return { accounts, rules };
}

const placesOf = (mask) => [...mask.keys()].filter((at) => mask[at] === 1);

/** Calls `add` with each number of columns that is left and is not 0: its part, cell and value. */
function eachLeft({ account, rule }, columns, filled, { accounts, rules }, add) {
  columns.forEach((column, part) => {
    const cells = filled[part];
    for (let at = 0; at < cells.length; at += 1) {
      const cell = cells[at];
      if (accounts[account[cell]] === 1 && rules[rule[cell]] === 1) add(part, cell, column[cell]);
    }
  });
}

/** Sums of the cells that are left: over all, by account, by rule. */
function sums(month, masks) {
  const { cells } = month;
  const { account, rule, now, before, filled } = cells;
  const width = PARTS.length;
  const total = new Float64Array(width);
  const earlier = before && new Float64Array(width);
  const byAccount = new Float64Array(masks.accounts.length * width);
  const byRule = new Float64Array(masks.rules.length * width);
  const affected = new Uint32Array(masks.rules.length);
  eachLeft(cells, now, filled.now, masks, (part, cell, number) => {
    total[part] += number;
    byAccount[account[cell] * width + part] += number;
    byRule[rule[cell] * width + part] += number;
    if (part === NEW || (part === OPEN && now[NEW][cell] === 0)) affected[rule[cell]] += 1;
  });
  if (before) {
    eachLeft(cells, before, filled.before, masks, (part, _, number) => {
      earlier[part] += number;
    });
  }
  return { total, earlier, byAccount, byRule, affected };
}

/** The part of a month that a state's filters leave. */
function viewOf(month, state) {
  const left = kept(month, state);
  const { total, earlier, byAccount, byRule, affected } = sums(month, left);
  const isFiltered = FILTERS.some((key) => state[key] !== null && state[key] !== "");
  const last = month.trend.find((point) => point.month === month.comparedWith);
  const width = PARTS.length;
  const lists = { accounts: placesOf(left.accounts), rules: placesOf(left.rules) };
  return {
    month,
    state,
    isFiltered,
    masks: left,
    ...lists,
    total: tallyOf(total),
    before: isFiltered ? (earlier ? tallyOf(earlier) : null) : last?.totals ?? null,
    ofAccount: (at) => tallyOf(byAccount, at * width),
    ofRule: (at) => tallyOf(byRule, at * width),
    affected: (at) => affected[at],
    oldest: month.findings.oldest(left),
    link: (change) => fragment({ ...state, ...change }),
  };
}

/** A number that leads to the findings behind it; a bare one, if there are none. */
function lookAt(view, number, change, what) {
  if (number === 0) return "0";
  const label = `${count(number)} ${what}: show them`;
  const props = { href: view.link({ see: "open", of: null, by: null, ...change }) };
  return el("a", { ...props, class: "look", "aria-label": label }, count(number));
}

/** The moment since which the oldest open finding that is left is open: `[seconds, isExact]`, or `null`. */
function oldestOf(view) {
  const { month, accounts, rules } = view;
  if (view.oldest) {
    const first = Math.min(...accounts.map((at) => view.oldest[at]), Infinity);
    return first === Infinity ? null : [first, true];
  }
  if (allOpen(view.total) === 0) return null;
  const least = (list) => Math.min(...list.filter((since) => since !== null), Infinity);
  const ofAccounts = least(accounts.map((at) => month.accounts.oldest[at]));
  const ofRules = least(rules.map((at) => month.rules[at].oldest));
  const allRules = rules.length === month.rules.length;
  const allAccounts = accounts.length === month.accountCount;
  const latest = Math.max(ofAccounts, ofRules);
  return latest === Infinity ? null : [latest, allRules || allAccounts];
}

/** The same of an account; `null` if there are none, or if only its file tells. */
function oldestIn(view, account) {
  if (view.oldest) return view.oldest[account] === Infinity ? null : view.oldest[account];
  const allRules = view.rules.length === view.month.rules.length;
  return allRules ? view.month.accounts.oldest[account] : null;
}
