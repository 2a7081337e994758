
// Coverage: absent is not compliant.

/** Reasons, in words, and what to do. */
const REASONS = {
  stoppedDelivering: ["Stopped delivering", "See that recorder and delivery channel run, and that the bucket lets the account write."],
  neverDelivered: ["Never delivered", "Onboard the account, or turn AWS Config on in the region."],
  unreadable: ["Snapshots can’t be read", "See “Objects that could not be read” below; the next good snapshot mends it."],
  noComplianceItems: ["No compliance items", "Record the type AWS::Config::ResourceCompliance, with a recorder of the account’s own."],
  ruleNotSeen: ["Rule not seen", "Name an aggregator in the policy: it tells a missing rule from one with nothing to evaluate."],
  insufficientData: ["AWS Config can’t tell", "Look at the rule in AWS Config: most often its function or its role fails."],
};
const reasonOf = (reason) => REASONS[reason]?.[0] ?? reason;

function showCoverage(view) {
  const { month } = view;
  const { coverage } = month;
  const sum = (column) => view.accounts.reduce((total, at) => total + column[at], 0);
  const [expected, known] = [sum(month.accounts.expected), sum(month.accounts.known)];
  const whole = expected === 0 ? null : Math.floor((known * 1000) / expected) / 10;
  const summary = el("p", { id: "coverage-summary" },
    `Of ${plural(expected, "place", "places")} – a rule in a region of an account – that should be known, ` +
    `${count(known)} are: coverage ${percent(whole)}. Nothing unknown counts as compliant.`);
  const rows = [["Missing", count(coverage.missing), "Deploy the rule there, or take it off the expected ones."],
    ...Object.entries(coverage.unknown).map(([reason, number]) => [reasonOf(reason), count(number), REASONS[reason]?.[1] ?? "–"])];
  byId("coverage-body").replaceChildren(summary,
    el("div", { class: "columns" }, table({
      caption: "Places of all accounts that are not known",
      columns: [{ label: "Why" }, { label: "Places", number: true }, { label: "What to do", wide: true }],
      rows: rows.filter(([, number]) => number !== "0"), empty: "All places are known.",
    })), silentAccounts(view));
}

/** Accounts of which some region says nothing. */
function silentAccounts(view) {
  const { accounts, silent } = view.month;
  const rows = silent.filter((line) => view.masks.accounts[line.account] === 1).map((line) => () => {
    const reasons = Object.entries(line.regions);
    return [
      [accounts.name[line.account], el("br"), el("span", { class: "small" }, accounts.id[line.account])],
      accounts.owner[line.account] || "–",
      reasons.map(([reason, regions]) => el("div", {}, `${reasonOf(reason)}: ${regions.join(", ")}`)),
      el("span", { class: "date" }, dayOf(line.since)),
      [...reasons.map(([reason]) => el("div", {}, REASONS[reason]?.[1] ?? "")),
        line.onboarding ? el("div", { class: "small" }, `onboard-accounts: ${line.onboarding}`) : ""],
    ];
  });
  return table({
    caption: `Accounts of which something is unknown: ${count(rows.length)}`,
    columns: [{ label: "Account" }, { label: "Owner" }, { label: "Why", wide: true }, { label: "Since" }, { label: "What to do", wide: true }],
    rows, most: FIRST_LINES, empty: "Every region of these accounts delivers.",
  });
}

function showWaivers(view) {
  const { month } = view;
  const shown = month.waivers.filter(({ account }) =>
    account === null || view.masks.accounts[month.places.get(account)] === 1);
  const rows = shown.map((waiver) => {
    const ends = secondsOf(waiver.note.until);
    const left = Math.floor((ends - month.endSeconds) / DAY);
    const state = waiver.hasEnded ? "ended in this month" : left < 0 ? "ended" : `${plural(left, "day", "days")} left`;
    return [waiver.rule, waiver.account ?? "every account", waiver.resource, waiver.note.owner, waiver.note.reason,
      [el("span", { class: "date" }, dayOf(waiver.note.until)), el("br"), el("span", { class: waiver.hasEnded ? "small bad" : "small" }, state)], count(waiver.accepts)];
  });
  byId("waivers-body").replaceChildren(table({
    caption: "Noncompliance that somebody accepts for a while",
    columns: [{ label: "Rule" }, { label: "Account" }, { label: "Resource" }, { label: "Who answers for it" },
      { label: "Reason", wide: true }, { label: "Until" }, { label: "Accepts", number: true }],
    rows, most: FIRST_LINES, empty: "There are no waivers.",
  }));
}
