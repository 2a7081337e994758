
// Items recorded, which AWS Config's bill comes from, and what could not be read.

function showRecording(view) {
  const { month } = view;
  const { recording } = month;
  const place = byId("recording-body");
  if (!recording.isKnown) {
    place.replaceChildren(el("p", { class: "note" }, "History files were not read, so nobody knows how many items were recorded: the policy’s key history turns it on."));
    return;
  }
  const price = (items) => money.format(items * month.listPrice);
  const items = view.accounts.reduce((total, at) => total + month.accounts.recorded[at], 0);
  const by = (label) => [{ label }, { label: "Items", number: true }, { label: "Estimate", number: true }];
  const types = Object.entries(recording.byType).sort(([, a], [, b]) => b - a);
  const lines = recording.contributors.filter(({ account }) => view.masks.accounts[month.places.get(account)] === 1);
  const named = (id) => `${month.accounts.name[month.places.get(id)] ?? ""} ${id}`.trim();
  place.replaceChildren(
    el("p", { id: "recording-summary" },
      `${plural(items, "configuration item", "configuration items")} recorded in ${month.month}: about ${price(items)} at the list price of ` +
      `$${month.listPrice} an item (continuous recording, us-east-1, as of ${month.listPriceOf}). Rules and discounts are not in it.`),
    el("div", { class: "columns" },
      table({
        caption: "By account and type, the most first",
        columns: [{ label: "Account" }, { label: "Type" }, { label: "Items", number: true }, { label: "Estimate", number: true }],
        rows: lines.map((line) => [named(line.account), line.resourceType, count(line.items), price(line.items)]),
        most: FIRST_LINES, empty: "These accounts are not among those with the most items.",
      }),
      table({ caption: "By type, all accounts", columns: by("Type"), rows: types.map(([type, of]) => [type, count(of), price(of)]), most: FIRST_LINES, empty: "Nothing was recorded." })),
  );
}

function showProblems(month) {
  const { problems, problemCount } = month;
  const rest = problemCount - problems.length;
  byId("problems-body").replaceChildren(table({
    caption: rest > 0 ? `The first ${problems.length} of ${count(problemCount)}` : plural(problems.length, "object", "objects"),
    columns: [{ label: "Object", wide: true }, { label: "Problem", wide: true }],
    rows: problems.map((problem) => [el("code", {}, problem.key), problem.what]),
    most: FIRST_LINES, empty: "All objects were read.",
  }));
}
