
// Accounts by rules as one table, of which only the lines and columns in sight are in the document:
// a thousand accounts by 150 rules would be 150,000 cells.

/** The size of a cell in pixels, as the style has it. */
const LINE_HEIGHT = 28;
const CELL_WIDTH = 42;
/** Pixels of the frame that the heads of columns and lines take. */
const HEADS = [200, 128];
/** Cells around those in sight: a step of scrolling shows no gap. */
const AROUND = 3;

/** The lines or columns that are in the document: those in sight, and some around them. */
function inSight(scrolled, seen, size, many) {
  const first = Math.max(0, Math.floor(scrolled / size) - AROUND);
  const from = Math.min(first - (first % 4), Math.max(0, many - 1));
  return [from, Math.min(many, from + Math.ceil(seen / size) + 2 * AROUND + 4)];
}

const LEGEND = [
  ["ok", "✓", "compliant"],
  ["o1", "1", "one open finding"],
  ["o2", "9", "up to 9"],
  ["o3", "99", "up to 99"],
  ["o4", "100", "100 and more"],
  ["waived", "w", "waived"],
  ["unsaid", "?", "unknown, beside any number"],
  ["missing", "!", "the rule is missing"],
  ["nothing", "–", "nothing to evaluate"],
  ["absent", "", "not in the account"],
];

/** The sign, the class and the words of a cell. */
function signOf(month, cell) {
  if (cell < 0) return ["", "absent", "not in the account"];
  const tally = tallyOf(month.cells.now.map((column) => column[cell]));
  const open = allOpen(tally);
  const coverage = month.cells.coverage[cell];
  const unsaid = coverage === UNSAID || tally.unknown > 0;
  const words = [];
  for (const part of PARTS) {
    if (tally[part] > 0) words.push(`${count(tally[part])} ${part === "open" ? "still open" : part}`);
  }
  if (coverage === MISSING) words.push("the rule is missing in a region");
  if (coverage === UNSAID) words.push("not known everywhere");
  const say = words.join(", ") || "nothing to evaluate";
  const level = open >= 100 ? "o4" : open >= 10 ? "o3" : open > 1 ? "o2" : "o1";
  if (open > 0) return [`${count(open)}${unsaid ? "?" : ""}${coverage === MISSING ? "!" : ""}`, level, say];
  if (coverage === MISSING) return ["!", "missing", say];
  if (unsaid) return ["?", "unsaid", say];
  if (tally.compliant > 0) return ["✓", "ok", say];
  if (tally.waived > 0) return ["w", "waived", say];
  return ["–", "nothing", say];
}

class HeatMap {
  constructor(place) {
    this.body = el("tbody");
    this.head = el("thead");
    this.columns = el("colgroup");
    this.table = el("table", { role: "grid", "aria-labelledby": "heatmap-title" }, this.columns, this.head, this.body);
    this.frame = el("div", { class: "heat" }, this.table);
    this.note = el("p", { class: "note" });
    const legend = el("ul", { class: "legend" }, LEGEND.map(([kind, sign, words]) =>
      el("li", {}, el("span", { class: `key ${kind}`, "aria-hidden": "true" }, sign), words)));
    const csvButton = el("button", { type: "button", id: "heatmap-csv" }, "CSV of these numbers");
    csvButton.addEventListener("click", () => download(`compliance-${this.view.month.month}.csv`, cellsCsv(this.view)));
    place.replaceChildren(this.note, legend, this.frame, csvButton);
    // Positions and sizes are kept: asking for them has the browser lay out the page again.
    [this.top, this.start, this.height, this.width] = [0, 0, 900, 1400];
    this.frame.addEventListener("scroll", () => requestAnimationFrame(() => this.onScroll()), { passive: true });
    this.table.addEventListener("keydown", (event) => this.onKey(event));
    this.table.addEventListener("click", (event) => this.onClick(event));
    new ResizeObserver(([{ contentRect }]) => {
      this.height = Math.max(0, contentRect.height - HEADS[0]);
      this.width = Math.max(0, contentRect.width - HEADS[1]);
      if (this.view) this.fill();
    }).observe(this.frame);
  }

  /** Shows a view: the accounts and rules with the most open findings first. */
  show(view) {
    this.view = view;
    const { month } = view;
    const open = (tally) => allOpen(tally) + tally.unknown / 1e9;
    const sorted = (places, of, name) => {
      const weights = new Map(places.map((at) => [at, open(of(at))]));
      return [...places].sort((a, b) => weights.get(b) - weights.get(a) || (name(a) < name(b) ? -1 : 1));
    };
    this.accounts = sorted(view.accounts, view.ofAccount, (at) => month.accounts.id[at]);
    this.rules = sorted(view.rules, view.ofRule, (at) => month.rules[at].name);
    this.at = [0, 0];
    this.shown = null;
    this.table.setAttribute("aria-rowcount", this.accounts.length + 1);
    this.table.setAttribute("aria-colcount", this.rules.length + 1);
    const columns = this.rules.map(() => el("col", { class: "cell" }));
    this.columns.replaceChildren(el("col", { class: "name" }), ...columns);
    this.table.style.width = `calc(var(--name) + ${this.rules.length * CELL_WIDTH}px)`;
    const isEmpty = this.accounts.length === 0 || this.rules.length === 0;
    this.frame.hidden = isEmpty;
    this.note.textContent = isEmpty
      ? "Nothing is left by the filter."
      : "Open findings of each account under each rule, the most first. Arrow keys move, Enter shows the findings.";
    if (this.top + this.start > 0) this.frame.scrollTo(0, 0);
    [this.top, this.start] = [0, 0];
    this.fill();
  }

  /** Follows the frame, which was scrolled. */
  onScroll() {
    [this.top, this.start] = [this.frame.scrollTop, this.frame.scrollLeft];
    this.fill();
  }

  /** Puts the cells in sight into the table. */
  fill() {
    const { accounts, rules } = this;
    const lines = inSight(this.top, this.height, LINE_HEIGHT, accounts.length);
    const columns = inSight(this.start, this.width, CELL_WIDTH, rules.length);
    const wanted = [...lines, ...columns].join();
    if (wanted === this.shown) return;
    const focused = this.body.contains(document.activeElement);
    this.shown = wanted;
    [this.from, this.to] = lines;
    [this.left, this.right] = columns;
    this.head.replaceChildren(this.headLine());
    const made = [this.gap(this.from)];
    for (let line = this.from; line < this.to; line += 1) made.push(this.line(line));
    this.body.replaceChildren(...made, this.gap(accounts.length - this.to));
    if (focused) this.cellAt(...this.at)?.focus({ preventScroll: true });
  }

  /** The room of lines that are not in the document. */
  gap(lines) {
    const cell = el("td", { colspan: this.rules.length + 1 });
    const gap = el("tr", { "aria-hidden": "true", class: "gap" }, cell);
    gap.hidden = lines === 0;
    cell.style.height = `${lines * LINE_HEIGHT}px`;
    return gap;
  }

  /** The room of columns that are not in the document. */
  columnGap(columns) {
    return el("td", { colspan: Math.max(1, columns), class: "gap", "aria-hidden": "true", hidden: columns === 0 && "" });
  }

  headLine() {
    const { rules } = this.view.month;
    const names = this.rules.slice(this.left, this.right).map((at, column) => {
      const place = { "aria-colindex": this.left + column + 2, title: rules[at].title };
      return el("th", { scope: "col", ...place }, el("span", {}, rules[at].name));
    });
    return el("tr", { "aria-rowindex": 1 }, el("th", { scope: "col", class: "corner", "aria-colindex": 1 }, "Account"),
      this.columnGap(this.left), names, this.columnGap(this.rules.length - this.right));
  }

  line(line) {
    const { month } = this.view;
    const account = this.accounts[line];
    const name = month.accounts.name[account];
    const made = el("tr", { "aria-rowindex": line + 2 },
      el("th", { scope: "row", "aria-colindex": 1, title: `${name} ${month.accounts.id[account]}` }, name),
      this.columnGap(this.left));
    for (let column = this.left; column < this.right; column += 1) {
      const place = account * month.rules.length + this.rules[column];
      const [sign, kind, words] = signOf(month, month.cells.places[place]);
      const cell = document.createElement("td");
      cell.className = kind;
      cell.textContent = sign;
      cell.title = words;
      cell.ariaColIndex = column + 2;
      if (line === this.at[0] && column === this.at[1]) cell.tabIndex = 0;
      made.append(cell);
    }
    made.append(this.columnGap(this.rules.length - this.right));
    return made;
  }

  /** The cell in a line and a column, if it is in the document; before it are a gap and a head. */
  cellAt(line, column) {
    const isThere = column >= this.left && column < this.right;
    return isThere ? this.body.children[line - this.from + 1]?.children[column - this.left + 2] : undefined;
  }

  /** Moves to a cell. */
  moveTo(line, column) {
    const clamp = (value, most) => Math.min(Math.max(value, 0), most);
    this.cellAt(...this.at)?.removeAttribute("tabindex");
    this.at = [clamp(line, this.accounts.length - 1), clamp(column, this.rules.length - 1)];
    this.scrollTo(...this.at);
    const cell = this.cellAt(...this.at);
    cell.setAttribute("tabindex", "0");
    cell.focus({ preventScroll: true });
  }

  /** Scrolls so that a cell is in sight, beside the heads that stay where they are. */
  scrollTo(line, column) {
    const { frame } = this;
    const head = this.head.offsetHeight;
    const name = this.head.querySelector(".corner").offsetWidth;
    const [top, left] = [line * LINE_HEIGHT, column * CELL_WIDTH];
    if (top < frame.scrollTop) frame.scrollTop = top;
    const below = top + LINE_HEIGHT + head - frame.clientHeight;
    if (below > frame.scrollTop) frame.scrollTop = below;
    if (left < frame.scrollLeft) frame.scrollLeft = left;
    const beyond = left + CELL_WIDTH + name - frame.clientWidth;
    if (beyond > frame.scrollLeft) frame.scrollLeft = beyond;
    this.onScroll();
  }

  onKey(event) {
    const [line, column] = this.at;
    const [lastLine, lastColumn] = [this.accounts.length - 1, this.rules.length - 1];
    const moves = {
      ArrowUp: [line - 1, column],
      ArrowDown: [line + 1, column],
      ArrowLeft: [line, column - 1],
      ArrowRight: [line, column + 1],
      PageUp: [line - 10, column],
      PageDown: [line + 10, column],
      Home: [event.ctrlKey ? 0 : line, 0],
      End: [event.ctrlKey ? lastLine : line, lastColumn],
    };
    if (event.key === "Enter" || event.key === " ") this.look(line, column);
    else if (moves[event.key]) this.moveTo(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  onClick(event) {
    const cell = event.target.closest("tbody td");
    const line = [...this.body.children].indexOf(cell?.parentElement) - 1 + this.from;
    if (!cell || cell.closest(".gap")) return;
    const column = Number(cell.ariaColIndex) - 2;
    this.moveTo(line, column);
    this.look(line, column);
  }

  /** Shows the findings of a cell. */
  look(line, column) {
    const { month, link } = this.view;
    const [account, rule] = [this.accounts[line], this.rules[column]];
    location.hash = link({ see: "any", of: month.accounts.id[account], by: month.rules[rule].name });
  }
}
