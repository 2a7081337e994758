
// Charts of the trend, each with its table.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const LINES = [
  { label: "Open", of: (point) => allOpen(point.totals), colour: "--bad", dash: [] },
  { label: "New", of: (point) => point.totals.new, colour: "--warn", dash: [8, 4] },
  { label: "Fixed", of: (point) => point.totals.fixed, colour: "--good", dash: [2, 4] },
  { label: "Unknown", of: (point) => point.totals.unknown, colour: "--quiet", dash: [10, 3, 2, 3] },
];
const SHARE = [
  { label: "Compliance", of: (point) => compliance(point.totals), colour: "--accent", dash: [] },
];

/** Pixels that a month below a chart takes, with some room around it. */
const MONTH_WIDTH = 90;

/** Draws a chart into its place, which it fills. */
function draw(place, points, lines, unit, range) {
  const months = points.map((point) => point.month);
  const labels = Math.max(2, Math.floor(place.clientWidth / MONTH_WIDTH));
  const every = Math.max(1, Math.ceil(months.length / labels));
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const chart = new uPlot({
    width: Math.max(200, place.clientWidth),
    height: 220,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [-0.3, Math.max(0.3, months.length - 0.7)] }, y: { range } },
    axes: [
      { ...axis, splits: () => months.map((_, at) => at).filter((at) => (months.length - 1 - at) % every === 0), values: (_, splits) => splits.map((at) => months[at]) },
      { ...axis, size: 64, values: (_, splits) => splits.map((value) => `${count(value)}${unit}`) },
    ],
    series: [{}, ...lines.map((line) => ({
      label: line.label, stroke: colour(line.colour), width: 2, dash: line.dash, points: { show: true, size: 6 },
    }))],
  }, [months.map((_, at) => at), ...lines.map((line) => points.map(line.of))], place);
  return chart;
}

const legend = (lines) => el("ul", { class: "legend" }, lines.map((line, at) =>
  el("li", { class: `line line-${at}-${lines.length}` }, line.label)));

/** A chart with its table. */
function figure(points, lines, title, unit, range, shown) {
  const place = el("div", { class: "chart", role: "img", "aria-label": `${title}, by month. The table has the numbers.` });
  const rows = [...points].reverse().map((point) => [point.month, ...lines.map((line) => shown(line.of(point)))]);
  const columns = [{ label: "Month" }, ...lines.map((line) => ({ label: line.label, number: true }))];
  const made = el("div", { class: "figure" },
    el("div", {}, el("h3", {}, title), lines.length > 1 ? legend(lines) : "", place),
    table({ caption: `${title} by month`, columns, rows, empty: "" }));
  return { made, draw: () => draw(place, points, lines, unit, range), place };
}

/** Charts of the trend: of all accounts, since months before have no other numbers. */
function showTrend(month) {
  const points = month.trend;
  const least = Math.min(...points.map((point) => compliance(point.totals) ?? 100));
  const bottom = Math.max(0, Math.floor((least - 1) / 5) * 5);
  const upwards = (_, __, most) => [0, Math.max(1, most * 1.1)];
  const figures = [
    figure(points, SHARE, "Compliance of all accounts", " %", [bottom, 100], percent),
    figure(points, LINES, "Findings of all accounts", "", upwards, count),
  ];
  byId("trend-body").replaceChildren(...figures.map((of) => of.made));
  let charts = [];
  const redraw = () => {
    charts.forEach((chart) => chart.destroy());
    charts = figures.map((of) => of.draw());
  };
  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = figures[0].place.clientWidth;
  new ResizeObserver(() => {
    if (figures[0].place.clientWidth === width) return;
    width = figures[0].place.clientWidth;
    charts.forEach((chart, at) => chart.setSize({ width: Math.max(200, figures[at].place.clientWidth), height: 220 }));
  }).observe(figures[0].place);
}
