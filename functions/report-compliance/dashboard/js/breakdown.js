
// The same numbers by rule, by account, by severity, owner and unit.

/** Lines of a table that are shown at first: what fits a screen. */
const FIRST_LINES = 15;

const share = (tally) => [bar(compliance(tally)), percent(compliance(tally))];

/** Places by most open findings, and without those of which there is nothing. */
function worstFirst(places, of) {
  const tallies = places.map((at) => [at, of(at)]);
  return tallies
    .filter(([, tally]) => PARTS.some((part) => tally[part] > 0))
    .sort(([, a], [, b]) => allOpen(b) - allOpen(a) || b.unknown - a.unknown);
}

function showRules(view) {
  const { month } = view;
  const weight = (at) => SEVERITIES.indexOf(month.rules[at].severity);
  const open = worstFirst(view.rules, view.ofRule).filter(([, tally]) => allOpen(tally) > 0);
  open.sort(([a, left], [b, right]) => weight(a) - weight(b) || allOpen(right) - allOpen(left));
  const rows = open.map(([at, tally]) => () => {
    const rule = month.rules[at];
    const look = { by: rule.name };
    return [
      [rule.title, el("br"), el("a", { class: "small", href: view.link({ rule: rule.name, see: null, of: null, by: null }), title: "Filter by this rule" }, rule.name)],
      severityMark(rule.severity),
      lookAt(view, allOpen(tally), look, `open of ${rule.name}`),
      lookAt(view, tally.new, { ...look, see: "new" }, `new of ${rule.name}`),
      count(view.affected(at)),
      share(tally),
      [prose(rule.remedy ?? "–"), rule.runbook ? [" ", outward(rule.runbook, "Runbook")] : ""].flat(2),
    ];
  });
  byId("rules-body").replaceChildren(table({
    caption: "Rules with open findings, the most severe first and of these the most open ones",
    columns: [{ label: "Rule", wide: true }, { label: "Severity" }, { label: "Open", number: true }, { label: "New", number: true },
      { label: "Accounts", number: true }, { label: "Compliance", number: true }, { label: "What to do", wide: true }],
    rows, most: FIRST_LINES, empty: "There are no open findings.",
  }));
}

function showAccounts(view) {
  const { accounts } = view.month;
  const rows = worstFirst(view.accounts, view.ofAccount).map(([at, tally]) => () => {
    const id = accounts.id[at];
    const look = { of: id };
    const oldest = oldestIn(view, at);
    return [
      [el("a", { href: view.link({ account: id, see: null, of: null, by: null }), title: "Filter by this account" }, accounts.name[at]), el("br"), el("span", { class: "small" }, id)],
      accounts.owner[at] || "–",
      accounts.unit[at] || "–",
      lookAt(view, allOpen(tally), look, `open in ${id}`),
      lookAt(view, tally.new, { ...look, see: "new" }, `new in ${id}`),
      lookAt(view, tally.fixed, { ...look, see: "fixed" }, `fixed in ${id}`),
      lookAt(view, tally.unknown, { ...look, see: "unknown" }, `unknown in ${id}`),
      share(tally),
      oldest === null ? "–" : plural(ageOf(view.month, oldest), "day", "days"),
    ];
  });
  byId("accounts-body").replaceChildren(table({
    caption: "Accounts, the most open findings first",
    columns: [{ label: "Account" }, { label: "Owner" }, { label: "Unit" }, { label: "Open", number: true }, { label: "New", number: true },
      { label: "Fixed", number: true }, { label: "Unknown", number: true }, { label: "Compliance", number: true }, { label: "Oldest", number: true }],
    rows, most: FIRST_LINES, empty: "No account is left by the filter.",
  }));
}

/** Tallies of places, added up by a name each. */
function grouped(places, of, nameOf) {
  const groups = new Map();
  for (const at of places) {
    const sum = groups.get(nameOf(at)) ?? tallyOf(new Array(PARTS.length).fill(0));
    const tally = of(at);
    for (const part of PARTS) sum[part] += tally[part];
    groups.set(nameOf(at), sum);
  }
  return [...groups];
}

function groupTable(view, caption, key, groups, none) {
  const rows = groups.map(([name, tally]) => () => [
    el("a", { href: view.link({ [key]: name, see: null, of: null, by: null }), title: "Filter by this" }, name || none),
    count(allOpen(tally)), count(tally.new), count(tally.fixed), count(tally.unknown), percent(compliance(tally)),
  ]);
  const columns = ["Open", "New", "Fixed", "Unknown", "Compliance"].map((label) => ({ label, number: true }));
  return table({ caption, columns: [{ label: caption.replace("By ", "") }, ...columns], rows, most: FIRST_LINES, empty: "" });
}

function showGroups(view) {
  const { accounts, rules } = view.month;
  const byOpen = ([, a], [, b]) => allOpen(b) - allOpen(a);
  const severities = grouped(view.rules, view.ofRule, (at) => rules[at].severity)
    .sort(([a], [b]) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b));
  const ofAccounts = (nameOf) => grouped(view.accounts, view.ofAccount, nameOf).sort(byOpen);
  byId("groups-body").replaceChildren(
    groupTable(view, "By severity", "severity", severities, ""),
    groupTable(view, "By owner", "owner", ofAccounts((at) => accounts.owner[at]), "no owner"),
    groupTable(view, "By unit", "unit", ofAccounts((at) => accounts.unit[at]), "unit not known"),
  );
}
