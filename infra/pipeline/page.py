"""The page of all roots, of their statuses: a table for GitHub, and a page that stands alone."""

import datetime
import html
import re

import decide

ACCOUNT = re.compile("[0-9]{12}")

# Of GitHub. Anything else in a status is shown as a text.
ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(/[A-Za-z0-9._-]+)*")

# The worst first: what stands, what nobody knows, what waits, what differs.
ORDER = ("blocked", "apply failed", "unknown", "not applied", "drift", "old", "fine")

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1b1f24; background: #fff }
h1 { font-size: 1.4rem; margin: 0 } p { color: #57606a; margin: .3rem 0 1.2rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600; color: #57606a }
th, td { padding: .5rem .7rem; border-bottom: 1px solid #d8dee4; vertical-align: top }
td small { color: #57606a; display: block } a { color: #0757ba }
.state { font-weight: 600; white-space: nowrap } .state::before { content: "\\25CF\\00A0" }
.fine { color: #1a7f37 } .old, .drift, .not-applied { color: #9a6700 } .blocked, .apply-failed, .unknown { color: #c01c28 }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117 } p, th, td small { color: #9198a1 } th, td { border-color: #30363d } a { color: #6cb6ff }
  .fine { color: #3fb950 } .old, .drift, .not-applied { color: #d29922 } .blocked, .apply-failed, .unknown { color: #ff7b72 }
}
"""


def when(text):
    return datetime.datetime.fromisoformat(text)


def age(text, now):
    hours = int((when(now) - when(text)).total_seconds() // 3600)
    if hours < 1:
        return "within the hour"
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"


def rows(known, statuses, open_issues, now):
    """A row for each root: those of the pipeline's map, and those that have a status without being in it.

    `known` has accounts and repository by slug. `statuses` has a document by slug, or a text that says why it can't be read.
    `open_issues` has the numbers that are open, by slug, or None where the repository's issues can't be read."""
    found = [readable(slug, known.get(slug), statuses.get(slug), open_issues.get(slug), now) for slug in {*known, *statuses}]
    return sorted(found, key=lambda one: (ORDER.index(one["state"]), one["root"]))


def readable(slug, root, status, open_issues, now):
    """A row, and that of a root whose status no one can read where it lacks something: one of them must not hide the others."""
    try:
        one = row(slug, root, status, open_issues, now)
        cells(one, now)
        return one
    except (ValueError, TypeError, KeyError, AttributeError) as wrong:
        return row(slug, root, f"{type(wrong).__name__}: {wrong}", open_issues, now)


def row(slug, root, status, open_issues, now):
    one = {
        "root": slug,
        "accounts": sorted((root or {}).get("accounts", [])),
        "repository": (root or {}).get("repository", ""),
        "plan": None,
        "apply": None,
        "drift": None,
        "issues": [],
        "notes": [] if root else ["not in the pipeline's map: remove the status, or add the root"],
    }
    if not isinstance(status, dict) or status.get("version") != decide.VERSION:
        if status is None:
            why = "never planned: no workflow calls the pipeline for it, or none has run on main"
        elif isinstance(status, dict):
            why = f"its status has version {status.get('version')}, and this page knows {decide.VERSION}"
        else:
            why = f"its status can't be read: {status}"
        return {**one, "state": "unknown", "notes": [*one["notes"], why]}
    parts = {part: status.get(part) for part in ("plan", "apply", "drift", "waiting")}
    one |= {part: parts[part] for part in ("plan", "apply", "drift")}
    if not ACCOUNT.fullmatch(status["account"]):
        raise ValueError("its account is not twelve digits")
    one["accounts"] = one["accounts"] or [status["account"]]
    one["repository"] = one["repository"] or status["repository"]
    one["issues"] = [part["issue"] for part in parts.values() if part and part.get("issue")]
    state, notes = state_of(parts, open_issues, now)
    if not root:
        # Nobody grants it a role any more.
        state = state if state in ("blocked", "apply failed") else "unknown"
    return {**one, "state": state, "notes": [*one["notes"], *notes]}


def state_of(parts, open_issues, now):
    """The worst that is true of a root, and every sentence that is."""
    plan, apply, drift, waiting = (parts[name] for name in ("plan", "apply", "drift", "waiting"))
    found = []
    if apply and apply["result"] == "failed":
        # An issue whose state nobody could read is taken for open.
        is_open = not apply["issue"] or open_issues is None or apply["issue"] in open_issues
        found.append(("blocked", "the last apply failed, and its issue is open") if is_open else ("apply failed", "the last apply failed; nothing has been applied since"))
    if apply and apply["result"] == "applying":
        # An apply ends within the hour, and what became of it is told after it.
        is_lost = when(now) - when(apply["at"]) > datetime.timedelta(hours=2)
        found.append(("blocked", "the last apply never said how it ended") if is_lost else ("not applied", "an apply is under way"))
    if waiting:
        found.append(("not applied", f"what was merged is not applied: {waiting['result']}"))
    if not plan:
        found.append(("unknown", "no plan of main has succeeded"))
    elif when(now) - when(plan["at"]) > datetime.timedelta(hours=decide.OLDEST_PLAN_HOURS):
        found.append(("old", f"its last plan is {age(plan['at'], now)}: the nightly plan does not run, or fails"))
    if drift and drift["result"] == "drift":
        found.append(("drift", f"drift since {drift['since'][:10]}"))
    if drift and drift["result"] == "drift unknown":
        found.append(("unknown", "the nightly plan failed"))
    if not found:
        return "fine", []
    return min((state for state, _ in found), key=ORDER.index), [note for _, note in found]


def cells(one, now):
    """What each row says: (text, address, small text) of a cell."""
    plan, apply, drift = one["plan"], one["apply"], one["drift"]
    changes = ", ".join(f"{count} {kind}" for kind, count in (plan or {}).get("changes", {}).items()) or "no changes"
    nothing = ("never", None, "")
    return [
        (age(plan["at"], now), plan["run"], f"{plan['at'][:16]}Z, {changes}") if plan else nothing,
        (f"{apply['result']} {age(apply['at'], now)}", apply["run"], f"{apply['at'][:16]}Z, {apply['commit'][:9]}") if apply else nothing,
        (drift["result"], drift["run"], f"{drift['at'][:16]}Z") if drift else ("unknown", None, ""),
    ]


def headline(found):
    worse = sum(one["state"] != "fine" for one in found)
    return f"{len(found)} root{'' if len(found) == 1 else 's'}, " + (f"{worse} to look at" if worse else "all in order")


def escaped(text):
    """A text in a table of GitHub's Markdown. Names come from repositories and from a bucket."""
    # As characters by their numbers, so that nothing becomes a link or code. GitHub looks for names and addresses in what it has rendered:
    # a sign without width breaks them.
    text = html.escape(str(text), quote=False).replace("@", "@\u2060").replace("://", ":\u2060//")
    return re.sub(r"[\[\]`|\\*_~]", lambda one: f"&#{ord(one[0])};", text).replace("\n", " ")


def markdown(found, now):
    def link(text, address):
        return f"[{escaped(text)}]({address})" if address and ADDRESS.fullmatch(address) else escaped(text)

    table = ["| root | state | account | last plan | last apply | drift | to know |", "|---|---|---|---|---|---|---|"]
    for one in found:
        three = [f"{link(text, address)}<br><sub>{escaped(small)}</sub>" for text, address, small in cells(one, now)]
        issues = [link(f"#{number}", f"https://github.com/{one['repository']}/issues/{number}") for number in one["issues"]]
        notes = "; ".join([escaped(note) for note in one["notes"]] + issues)
        name = link(one["root"], one["repository"] and f"https://github.com/{one['repository']}")
        table.append(f"| {name} | **{one['state']}** | {', '.join(one['accounts'])} | {' | '.join(three)} | {notes} |")
    return f"**{headline(found)}**, as of {now[:16]}Z.\n\n" + "\n".join(table) + "\n"


def document(found, now):
    def link(text, address):
        text = html.escape(str(text))
        return f'<a href="{html.escape(address)}">{text}</a>' if address and ADDRESS.fullmatch(address) else text

    body = []
    for one in found:
        three = "".join(f"<td>{link(text, address)}<small>{html.escape(small)}</small></td>" for text, address, small in cells(one, now))
        name = link(one["root"], one["repository"] and f"https://github.com/{one['repository']}")
        address = f"https://github.com/{one['repository']}/issues"
        issues = "".join(" " + link(f"#{number}", f"{address}/{number}") for number in one["issues"])
        body.append(
            f'<tr><td>{name}<small>{html.escape(one["repository"])}</small></td>'
            f'<td class="state {one["state"].replace(" ", "-")}">{one["state"]}</td>'
            f'<td>{"<br>".join(html.escape(account) for account in one["accounts"])}</td>{three}'
            f'<td>{"<br>".join(html.escape(note) for note in one["notes"])}{issues}</td></tr>'
        )
    heads = "".join(f"<th>{head}</th>" for head in ("root", "state", "account", "last plan", "last apply", "drift", "to know"))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Terraform roots</title><style>{STYLE}</style><h1>Terraform roots</h1>"
        f"<p>{headline(found)}, as of {now[:16].replace('T', ' ')} UTC</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></html>\n"
    )
