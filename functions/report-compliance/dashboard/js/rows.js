
// Findings: those in the page, or those in files beside it, an account at a time.

/** The address of a resource's page in a console, as percent-encoded by banto_domain. */
const encoded = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

class Findings {
  constructor(month, columns) {
    this.month = month;
    this.inline = columns ? this.#rows(columns) : null;
    this.loaded = new Map();
  }

  /** Rows of columns; ARNs and words are looked up when they are shown. */
  #rows(columns) {
    const { places, rulePlaces } = this.month;
    const accounts = columns.accounts.map((id) => places.get(id) ?? -1);
    const rules = columns.rules.map((rule) => rulePlaces.get(rule.own) ?? -1);
    const account = Int32Array.from(columns.account, (at) => accounts[at]);
    const rule = Int32Array.from(columns.rule, (at) => rules[at]);
    return { columns, account, rule, since: columns.since, status: columns.status };
  }

  /** Accounts whose findings are in files, and not loaded. */
  missing(accounts) {
    return this.inline ? [] : accounts.filter((at) => !this.loaded.has(at));
  }

  /** Loads the files of accounts. */
  async load(accounts) {
    for (const at of this.missing(accounts)) {
      const text = await loadFile(this.month, this.month.accounts.id[at]);
      this.loaded.set(at, this.#rows(await unpacked(text)));
    }
  }

  /** Lists `[rows, place]` of those accounts' findings that are wanted. */
  of(accounts, wanted) {
    const found = [];
    const sources = this.inline ? [this.inline] : accounts.map((at) => this.loaded.get(at));
    for (const rows of sources) {
      if (!rows) continue;
      for (let at = 0; at < rows.account.length; at += 1) {
        if (wanted(rows.account[at], rows.rule[at], rows.status[at])) found.push([rows, at]);
      }
    }
    return found;
  }

  /**
   * The moments since which the oldest open findings of these rules are open, by account; `Infinity`
   * where there are none, and `null` if findings lie in files.
   */
  oldest({ accounts, rules }) {
    if (!this.inline) return null;
    const { account, rule, status, since } = this.inline;
    const oldest = new Float64Array(accounts.length).fill(Infinity);
    for (let at = 0; at < account.length; at += 1) {
      const of = account[at];
      const isOpen = status[at] === "new" || status[at] === "open";
      const isLeft = accounts[of] === 1 && rules[rule[at]] === 1;
      if (isOpen && isLeft && since[at] < oldest[of]) oldest[of] = since[at];
    }
    return oldest;
  }

  /** A finding as it is shown. */
  shown([rows, at]) {
    const { columns } = rows;
    const { accounts } = this.month;
    const account = rows.account[at];
    const rule = columns.rules[columns.rule[at]];
    const region = columns.regions[columns.region[at]];
    const id = columns.id[at];
    const accountId = columns.accounts[columns.account[at]];
    const marks = ["", id, columns.name[at], accountId, region.name];
    const arn = columns.arn[at] === 0 ? "" : columns.arns[columns.arn[at] - 1]
      .replace(/[\u0001-\u0004]/g, (mark) => marks[mark.charCodeAt(0)]);
    const type = columns.types[columns.type[at]];
    return {
      accountId,
      account: accounts.name[account] ?? accountId,
      owner: accounts.owner[account] ?? "",
      unit: accounts.unit[account] ?? "",
      region: region.name,
      rule: rule.deployed,
      ruleName: rule.own,
      source: rule.source,
      severity: columns.severity[at],
      type,
      id,
      name: columns.name[at],
      arn,
      status: columns.status[at],
      since: columns.since[at],
      age: ageOf(this.month, columns.since[at]),
      seenAt: columns.seenAt[at],
      unknownBecause: columns.unknownBecause[at] ?? "",
      waiver: columns.waiver[at] === 0 ? null : columns.waivers[columns.waiver[at] - 1],
      link: consoleLink(this.month, accountId, region, type, id),
    };
  }
}

/** The resource's page in its account's console; none of an account as a resource. */
function consoleLink(month, account, region, type, id) {
  if (type.startsWith("AWS::::")) return null;
  const page = `${region.console}/config/home?region=${region.name}#/resources/timeline` +
    `?resourceId=${encoded(id)}&resourceType=${encoded(type)}`;
  if (!month.console) return page;
  return month.console.replaceAll("{account}", account).replaceAll("{url}", () => encoded(page));
}

/** Files that are being loaded, by account: each calls `bantoRows` with what it has. */
const waiting = new Map();
globalThis.bantoRows = (account, text) => waiting.get(account)?.(text);

/**
 * Loads an account's file: from beside the month's own page, or, from the page of the newest month,
 * out of the month's folder.
 */
async function loadFile(month, account) {
  const beside = `rows/${account}.js`;
  const isOfMonth = location.pathname.includes(`/${month.month}/`);
  const names = isOfMonth ? [beside] : [`${month.month}/${beside}`, beside];
  for (const name of names) {
    const text = await new Promise((resolve) => {
      waiting.set(account, resolve);
      const script = el("script", { src: name });
      script.addEventListener("error", () => resolve(null));
      script.addEventListener("load", () => script.remove());
      document.head.append(script);
    });
    if (text !== null) return text;
  }
  throw new Error(`${beside} can’t be loaded: it belongs beside this page.`);
}
