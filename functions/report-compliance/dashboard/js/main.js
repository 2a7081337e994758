
// Reads the data, and shows what the address asks for, now and whenever it changes.

/** Words about the month. */
function showAbout(month) {
  const { engine, comparedWith } = month;
  const compared = comparedWith ? `compared with ${comparedWith}` : "the first month, with nothing to compare it with";
  byId("about").textContent = `${plural(month.accountCount, "account", "accounts")} at ${month.end.replace("T", " ").replace(/:00Z$/, " UTC")}, ${compared}.`;
  const size = `${(engine.bytes / 1e6).toFixed(1)} MB`;
  const read = engine.byAthena ? `Athena scanned ${size}` : `${plural(engine.objects, "object", "objects")} of the archive read, ${size}`;
  byId("made").textContent = `Made at ${month.madeAt.slice(0, 16).replace("T", " ")} UTC by Banto. ${read}.`;
}

/** Fills the filter's lists of choices. */
function fillChoices(month, form) {
  const choices = (name, values, none) => {
    const options = values.map((value) => el("option", { value: `=${value}` }, value || none));
    form.elements[name].replaceChildren(el("option", { value: "" }, "all"), ...options);
  };
  const { accounts } = month;
  choices("unit", accounts.units, "not known");
  choices("owner", accounts.owners, "no owner");
  choices("severity", SEVERITIES, "");
  byId("account-names").replaceChildren(...accounts.name.map((name, at) => el("option", { value: accounts.id[at] }, name)));
  byId("rule-names").replaceChildren(...month.rules.map((rule) => el("option", { value: rule.name }, rule.title)));
}

/** Shows a state's filter in the form. */
function fillForm(form, state) {
  for (const name of ["account", "rule"]) {
    if (form.elements[name] !== document.activeElement) form.elements[name].value = state[name] ?? "";
  }
  for (const name of ["unit", "owner", "severity"]) {
    form.elements[name].value = state[name] === null ? "" : `=${state[name]}`;
  }
}

/** The state that the form asks for. */
function readForm(form, state) {
  const given = { ...state, see: null, of: null, by: null };
  for (const name of ["account", "rule"]) given[name] = form.elements[name].value.trim() || null;
  for (const name of ["unit", "owner", "severity"]) {
    given[name] = form.elements[name].value === "" ? null : form.elements[name].value.slice(1);
  }
  return given;
}

class Page {
  constructor(month) {
    this.month = month;
    this.form = byId("filter");
    this.resources = new Resources();
    this.heatMap = new HeatMap(byId("heatmap-body"));
    fillChoices(month, this.form);
    showAbout(month);
    showTrend(month);
    showProblems(month);
    this.form.addEventListener("input", () => this.onInput());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => {
      location.hash = "";
    });
    addEventListener("hashchange", () => this.show());
  }

  /** Follows the form: typing makes no entries in the browser's history. */
  onInput() {
    history.replaceState(null, "", fragment(readForm(this.form, readState())));
    this.show();
  }

  /** Shows what the address asks for; what is looked at alone leaves the page as it is. */
  show() {
    const started = performance.now();
    const state = readState();
    fillForm(this.form, state);
    if (!this.view || filterKey(state) !== filterKey(this.view.state)) {
      this.view = viewOf(this.month, state);
      for (const part of [showCards, showRules, showAccounts, showGroups, showCoverage, showWaivers, showRecording]) {
        part(this.view);
      }
      this.heatMap.show(this.view);
    }
    this.resources.show(this.view, state);
    performance.measure("banto-shown", { start: started });
  }
}

/** Links within the page, whose fragment belongs to the filter. */
function followInnerLinks() {
  const to = (id) => {
    byId(id).focus({ preventScroll: true });
    byId(id).scrollIntoView();
  };
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    to("main");
  });
  for (const link of document.querySelectorAll("[data-to]")) {
    link.setAttribute("href", `#${link.dataset.to}`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      to(link.dataset.to);
    });
  }
}

followInnerLinks();
try {
  const month = readMonth(await unpacked(byId("data").textContent));
  byId("data").remove();
  new Page(month).show();
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  byId("status").textContent = `The data of this page can’t be read: ${error.message}`;
  throw error;
}
