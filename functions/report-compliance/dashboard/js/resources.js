
// The findings behind a number, in a dialog over the page.

/** Lines of a page of findings. */
const PAGE_LINES = 50;
/** Most accounts whose files are loaded at once; of more, one is to be chosen. */
const MOST_FILES = 20;

/** Statuses that may be looked at, in words. */
const LOOKED_AT = {
  open: ["Open findings", ["new", "open"]],
  new: ["New findings", ["new"]],
  fixed: ["Fixed findings", ["fixed"]],
  unknown: ["Unknown findings", ["unknown"]],
  waived: ["Waived findings", ["waived"]],
  closed: ["Closed findings", ["closed"]],
  any: ["All findings", PARTS],
};

class Resources {
  constructor() {
    this.dialog = byId("resources");
    this.body = byId("resources-body");
    byId("resources-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => {
      const state = readState();
      if (state.see !== null) location.hash = fragment({ ...state, see: null, of: null, by: null });
    });
  }

  /** Shows the findings that the state looks at, or nothing. */
  async show(view, state) {
    if (!LOOKED_AT[state.see]) {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    this.view = view;
    this.state = state;
    const { month } = view;
    const statuses = LOOKED_AT[state.see][1];
    const accounts = view.accounts.filter((at) => state.of === null || month.accounts.id[at] === state.of);
    const rules = new Set(view.rules.filter((at) => state.by === null || month.rules[at].name === state.by));
    const counted = accounts.map((at) => [at, this.numberIn(at, rules, statuses)]).filter(([, number]) => number > 0);
    this.title(month, state, counted);
    if (!this.dialog.open) this.dialog.showModal();
    const missing = month.findings.missing(counted.map(([at]) => at));
    if (missing.length > MOST_FILES) {
      this.choose(counted);
      return;
    }
    await this.load(missing);
    if (this.state !== state) return;
    const isAccount = new Set(accounts);
    const found = month.findings.of(accounts, (account, rule, status) =>
      statuses.includes(status) && isAccount.has(account) && rules.has(rule));
    this.rows = found.map((row) => month.findings.shown(row)).sort(bySeverityAndAge);
    this.expected = counted.reduce((total, [, number]) => total + number, 0);
    this.page(0);
  }

  /** Findings of these statuses that the cells of an account count. */
  numberIn(account, rules, statuses) {
    const { places, now } = this.view.month.cells;
    const parts = statuses.map((status) => PARTS.indexOf(status)).filter((part) => part !== COMPLIANT);
    let number = 0;
    for (const rule of rules) {
      const cell = places[account * this.view.month.rules.length + rule];
      if (cell >= 0) for (const part of parts) number += now[part][cell];
    }
    return number;
  }

  title(month, state, counted) {
    const at = month.places.get(state.of);
    const where = state.of === null ? "" : ` in ${month.accounts.name[at] ?? ""} ${state.of}`;
    const by = state.by === null ? "" : ` of ${state.by}`;
    byId("resources-title").textContent = `${LOOKED_AT[state.see][0]}${by}${where}`;
    this.body.replaceChildren(el("p", { class: "note" }, counted.length === 0 ? "There are none." : "Reading …"));
  }

  async load(missing) {
    try {
      await this.view.month.findings.load(missing);
    } catch (error) {
      this.body.replaceChildren(el("p", { class: "note bad", role: "alert" }, error.message));
      throw error;
    }
  }

  /** Asks for an account: all files together would be too much. */
  choose(counted) {
    const { month, link } = this.view;
    const rows = [...counted].sort(([, a], [, b]) => b - a).map(([at, number]) => [
      el("a", { href: link({ ...this.looks(), of: month.accounts.id[at] }) }, `${month.accounts.name[at]} ${month.accounts.id[at]}`),
      month.accounts.owner[at] || "–",
      count(number),
    ]);
    this.body.replaceChildren(
      el("p", { class: "note" }, "Each account’s findings lie in a file beside this page. Choose an account, or filter first."),
      table({ caption: "Accounts with such findings", columns: [{ label: "Account" }, { label: "Owner" }, { label: "Findings", number: true }], rows, most: PAGE_LINES, empty: "" }));
  }

  looks() {
    return Object.fromEntries(LOOKS.map((key) => [key, this.state[key]]));
  }

  /** Shows a page of the findings. */
  page(number) {
    const from = number * PAGE_LINES;
    const to = Math.min(this.rows.length, from + PAGE_LINES);
    const lines = this.rows.slice(from, to).map((row) => this.line(row));
    this.body.replaceChildren(
      this.tools(),
      this.advice(),
      this.unlisted(),
      table({
        caption: `Findings ${count(Math.min(from + 1, to))} to ${count(to)} of ${count(this.rows.length)}, the most severe first and of these the oldest`,
        columns: [{ label: "Resource", wide: true }, { label: "Status" }, { label: "Severity" }, { label: "Account" }, { label: "Region" },
          { label: "Rule" }, { label: "Since" }, { label: "Note", wide: true }],
        rows: lines, empty: "There are none.",
      }),
      this.pager(number, to),
    );
  }

  /** Choice of the status, and export. */
  tools() {
    const choice = el("select", { id: "resources-status" }, Object.entries(LOOKED_AT).map(([see, [words]]) =>
      el("option", { value: see, selected: see === this.state.see && "" }, words)));
    choice.addEventListener("change", () => {
      location.hash = this.view.link({ ...this.looks(), see: choice.value });
    });
    const exported = el("button", { type: "button", id: "resources-csv" }, `CSV of ${plural(this.rows.length, "finding", "findings")}`);
    exported.addEventListener("click", () => download(`findings-${this.view.month.month}.csv`, findingsCsv(this.rows)));
    return el("div", { class: "bar" }, el("label", {}, "Status ", choice), exported);
  }

  /** The remedy, where one rule is looked at. */
  advice() {
    const rule = this.view.month.rules[this.view.month.rulePlaces.get(this.state.by)];
    if (!rule?.remedy && !rule?.runbook) return "";
    return el("p", {}, prose(rule.remedy ?? ""), " ", rule.runbook ? outward(rule.runbook, "Runbook") : "");
  }

  /** Says why there are fewer lines than the number said. */
  unlisted() {
    const rest = this.expected - this.rows.length;
    if (rest <= 0) return "";
    return el("p", { class: "note" },
      `${plural(rest, "evaluation", "evaluations")} more can’t be listed: they were compliant when they were last seen, or AWS Config could not tell.`);
  }

  line(row) {
    const note = row.waiver
      ? `Waived until ${dayOf(row.waiver.until)} by ${row.waiver.owner}: ${row.waiver.reason}`
      : row.unknownBecause ? `${reasonOf(row.unknownBecause)}; last seen ${day(row.seenAt)}` : "";
    const label = row.name || row.id;
    return [
      [row.link ? outward(row.link, label) : label, el("div", { class: "small" }, row.type, row.name ? ` ${row.id}` : "")],
      el("span", { class: `status ${row.status}` }, row.status),
      severityMark(row.severity),
      [row.account, el("div", { class: "small" }, row.accountId)],
      el("span", { class: "date" }, row.region),
      row.ruleName,
      [el("span", { class: "date" }, day(row.since)), el("div", { class: "small" }, plural(row.age, "day", "days"))],
      note,
    ];
  }

  pager(number, to) {
    if (this.rows.length <= PAGE_LINES) return "";
    const button = (label, target, isThere) => {
      const made = el("button", { type: "button", disabled: !isThere && "" }, label);
      made.addEventListener("click", () => {
        this.page(target);
        this.body.querySelector(".scroll").focus();
      });
      return made;
    };
    return el("div", { class: "bar" }, button("Previous", number - 1, number > 0), button("Next", number + 1, to < this.rows.length));
  }
}

const bySeverityAndAge = (a, b) =>
  SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || a.since - b.since || (a.id < b.id ? -1 : 1);
