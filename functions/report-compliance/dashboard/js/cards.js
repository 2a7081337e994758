
// The six numbers, each with last month's.

/** A difference to last month. `better` is 1 where more is better, and -1 where less is. */
function change(now, before, better, unit = "") {
  if (now === null || before === null) return null;
  const by = Math.round((now - before) * 10) / 10;
  if (by === 0) return el("span", { class: "change" }, "no change");
  const kind = by * better > 0 ? "good" : "bad";
  const size = unit === " points" ? Math.abs(by).toFixed(1) : count(Math.abs(by));
  const text = `${by > 0 ? "▲" : "▼"} ${size}${unit}`;
  return el("span", { class: `change ${kind}` }, text,
    el("span", { class: "unseen" }, kind === "good" ? ", better" : ", worse"));
}

/** Age in days of the oldest open finding of last month, where it is known. */
function oldestBefore(view) {
  const { month } = view;
  if (view.isFiltered || !month.oldestBefore) return null;
  const end = secondsOf(`${month.month}-01T00:00:00Z`);
  return Math.floor((end - secondsOf(month.oldestBefore)) / DAY);
}

function card(view, { name, label, value, before, shownBefore, by, see }) {
  const { comparedWith } = view.month;
  const known = before !== null && before !== undefined;
  const last = known ? `${comparedWith}: ${shownBefore}` : comparedWith ? "no number of last month" : "first month";
  const number = see && value !== "–"
    ? el("a", { href: view.link({ see, of: null, by: null }), "aria-label": `${label}: ${value}, show the findings` }, value)
    : el("span", {}, value);
  return el("li", { id: `card-${name}` },
    el("span", { class: "label" }, label),
    el("span", { class: "value" }, number),
    el("span", { class: "before" }, last, by ? " · " : "", by));
}

function showCards(view) {
  const { total, before, month } = view;
  const share = [compliance(total), before && compliance(before)];
  const oldest = oldestOf(view);
  const age = oldest && ageOf(month, oldest[0]);
  const ageBefore = oldestBefore(view);
  const counted = (name, label, of, better, see) => {
    const [now, then] = [of(total), before && of(before)];
    return card(view, {
      name, label, see, value: count(now), before: then, shownBefore: then !== null && count(then),
      by: change(now, then, better),
    });
  };
  byId("cards").replaceChildren(
    card(view, {
      name: "compliance", label: "Compliance", value: percent(share[0]), before: share[1],
      shownBefore: percent(share[1]), by: change(share[0], share[1], 1, " points"),
    }),
    counted("open", "Open findings", allOpen, -1, "open"),
    counted("new", "New", (tally) => tally.new, -1, "new"),
    counted("fixed", "Fixed", (tally) => tally.fixed, 1, "fixed"),
    counted("unknown", "Unknown", (tally) => tally.unknown, -1, "unknown"),
    card(view, {
      name: "oldest", label: "Oldest open", see: "open",
      value: age === null ? "–" : `${oldest[1] ? "" : "≤ "}${plural(age, "day", "days")}`,
      before: ageBefore, shownBefore: ageBefore !== null && plural(ageBefore, "day", "days"),
      by: change(age, ageBefore, -1),
    }),
  );
  showMore(view);
}

/** The numbers that have no card. */
function showMore(view) {
  const { total, month } = view;
  const [expected, known] = [month.accounts.expected, month.accounts.known]
    .map((column) => view.accounts.reduce((sum, at) => sum + column[at], 0));
  const covered = expected === 0 ? null : Math.floor((known * 1000) / expected) / 10;
  byId("more").replaceChildren(
    el("span", { id: "more-compliant" }, `${count(total.compliant)} compliant`), " · ",
    lookAt(view, total.waived, { see: "waived" }, "waived"), " waived · ",
    lookAt(view, total.closed, { see: "closed" }, "closed"), " closed · ",
    el("span", {}, `coverage ${percent(covered)} of the accounts’ places`),
  );
  const { accounts, rules } = view;
  const of = `${count(accounts.length)} of ${plural(month.accountCount, "account", "accounts")}, ` +
    `${count(rules.length)} of ${plural(month.rules.length, "rule", "rules")}`;
  byId("status").textContent = `${view.isFiltered ? "Filtered" : "Everything"}: ${of}; ` +
    `${count(allOpen(total))} open findings, compliance ${percent(compliance(total))}.`;
}
