"""What the pipeline decides: pure functions over documents. roots.py reads and writes what they are given and give."""

# Of a status. Who reads another one refuses it.
VERSION = 1

# The nightly plan may be late once, for a night of GitHub's trouble, but not twice.
OLDEST_PLAN_HOURS = 48

# A sentence for each change would fill an issue; these are enough to see what it is about.
MOST_LINES = 50

APPLY_FAILED = "terraform-apply-failed"
NOT_APPLIED = "terraform-not-applied"
DRIFT = "terraform-drift"
LABELS = {
    APPLY_FAILED: "An apply failed, and the root is blocked until this is closed",
    NOT_APPLIED: "What was merged has not been applied",
    DRIFT: "What is there differs from what main says",
}
TITLES = {
    APPLY_FAILED: "Terraform: the apply of {root} failed",
    NOT_APPLIED: "Terraform: what was merged for {root} is not applied",
    DRIFT: "Terraform: {root} has drifted",
}

# What is compared of a change besides its actions and values. They say which object is changed, and why it is made anew.
PARTS = ("previous_address", "deposed")
PARTS_OF_CHANGE = ("importing", "replace_paths")


class Unreadable(Exception):
    """A document of another version, or that is none."""


def changes(plan):
    """Everything that a plan would do (`terraform show -json`), without what it would only read."""
    if plan.get("errored"):
        raise Unreadable("the plan ended with an error, and is not whole")
    if "resource_changes" not in plan and "planned_values" not in plan:
        raise Unreadable("this is no plan as `terraform show -json` writes it")
    found = []
    for one in plan.get("resource_changes", []):
        change = one["change"]
        # A move and an import write the state, too, and have no action of their own.
        is_quiet = change["actions"] in (["no-op"], ["read"])
        if is_quiet and not change.get("importing") and not one.get("previous_address"):
            continue
        found.append(kept(one["address"], change, {part: one[part] for part in PARTS if one.get(part)}))
    for name, change in plan.get("output_changes", {}).items():
        if change["actions"] != ["no-op"]:
            found.append(kept(f"output.{name}", change, {}))
    return sorted(found, key=key)


def kept(address, change, parts):
    parts |= {part: change[part] for part in PARTS_OF_CHANGE if change.get(part)}
    values = {part: change.get(part) for part in ("before", "after", "after_unknown")}
    return {"address": address, "actions": change["actions"], **parts, **values}


def key(change):
    return (change["address"], change.get("deposed", ""))


def words(change):
    """An action as people call it."""
    actions = change["actions"]
    if "create" in actions and "delete" in actions:
        return "replace"
    if actions == ["no-op"]:
        return "import" if change.get("importing") else "move"
    return " and ".join(actions)


def counts(found):
    """How many changes there are of each kind."""
    kinds = [words(change) for change in found]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


def lines(found):
    """Each change in a line without any value."""
    return shortened([f"{words(change)} {change['address']}" for change in found])


def shortened(sentences):
    rest = len(sentences) - MOST_LINES
    return sentences[:MOST_LINES] + ([f"and {rest} more"] if rest > 0 else [])


def same(reviewed, unknown, fresh, still_unknown):
    """Is true where a value is the one that was reviewed. What was to be known after the apply may be anything."""
    if unknown is True:
        return True
    if still_unknown is True:
        return False
    if isinstance(reviewed, dict) and isinstance(fresh, dict):
        unknown, still_unknown = (part if isinstance(part, dict) else {} for part in (unknown, still_unknown))
        names = {*reviewed, *fresh, *unknown, *still_unknown}
        return all(same(reviewed.get(n), unknown.get(n), fresh.get(n), still_unknown.get(n)) for n in names)
    if isinstance(reviewed, list) and isinstance(fresh, list):
        unknown, still_unknown = (part if isinstance(part, list) else [] for part in (unknown, still_unknown))
        # An element that is unknown as a whole lacks in `after` where none follows it.
        length = max(len(reviewed), len(fresh), len(unknown), len(still_unknown))
        parts = [[*part, *[None] * (length - len(part))] for part in (reviewed, unknown, fresh, still_unknown)]
        return all(same(*one) for one in zip(*parts))
    # 1 == True in Python, and they are different values in a plan.
    return type(reviewed) is type(fresh) and reviewed == fresh


def other_attributes(reviewed, fresh):
    """The attributes of a change that are not as reviewed. An output has a value alone."""
    befores = [part["before"] for part in (reviewed, fresh)]
    afters = [part["after"] for part in (reviewed, fresh)]
    unknowns = [part["after_unknown"] for part in (reviewed, fresh)]
    if not all(isinstance(part, dict) for part in [*afters, *unknowns]):
        equal = same(befores[0], None, befores[1], None) and same(afters[0], unknowns[0], afters[1], unknowns[1])
        return [] if equal else ["its value"]
    befores = [part if isinstance(part, dict) else {} for part in befores]
    names = sorted({name for part in [*befores, *afters, *unknowns] for name in part})
    return [
        name
        for name in names
        if not same(befores[0].get(name), None, befores[1].get(name), None)
        or not same(afters[0].get(name), unknowns[0].get(name), afters[1].get(name), unknowns[1].get(name))
    ]


def differences(reviewed, fresh, is_rest=False):
    """What a plan would do otherwise than the one that was reviewed, without any value: it may be a secret.

    After an apply that failed, a part of what was reviewed is done. The rest is what was reviewed."""
    before = {key(change): change for change in reviewed}
    after = {key(change): change for change in fresh}
    found = []
    for name in sorted({*before, *after}):
        address = name[0]
        if name not in before:
            found.append(f"{address}: {words(after[name])} was not in the reviewed plan")
        elif name not in after:
            if not is_rest:
                found.append(f"{address}: {words(before[name])} was reviewed, and is no longer planned")
        elif before[name]["actions"] != after[name]["actions"]:
            found.append(f"{address}: {words(before[name])} was reviewed, and now it is {words(after[name])}")
        else:
            parts = [part for part in (*PARTS, *PARTS_OF_CHANGE) if before[name].get(part) != after[name].get(part)]
            parts += other_attributes(before[name], after[name])
            if parts:
                found.append(f"{address}: {words(after[name])} with other values of {', '.join(parts)}")
    return found


def number(run):
    """The number in a run's address. GitHub's numbers rise, and a run that is run again keeps its own."""
    last = (run or "").rsplit("/", 1)[-1]
    return int(last) if last.isdecimal() else 0


def newest(status):
    """What the status has of the newest run."""
    parts = [(status or {}).get(part) or {} for part in ("plan", "apply", "drift", "waiting")]
    return max(parts, key=lambda part: number(part.get("run")))


def is_late(status, run):
    """Is true for a run that another one has overtaken."""
    return number(newest(status).get("run")) > number(run)


def untold(status):
    """The apply that failed, or never said how it ended, without an issue that says so; or None."""
    last = (status or {}).get("apply") or {}
    return last if last.get("result") in ("failed", "applying") and not last.get("issue") else None


def blocked(status, open_issue):
    """Why a root may not be applied, or None. `open_issue` is the number of its issue of a failed apply."""
    if open_issue:
        return f"issue #{open_issue} is open: the last apply failed. Close it when its cause is gone, and run this again"
    last = untold(status)
    if last:
        # Runs of main wait for each other, so that no other one is in the middle of it.
        return f"the last apply ({last.get('run')}) failed or never said how it ended, and no issue told so. This run opens one"
    return None


def is_approved(reviews, head, author):
    """Is true where somebody else than the author has approved the last commit, and has not taken it back."""
    # A job's token can approve, too, and is nobody. A comment leaves an approval as it is. GitHub lists reviews from the first to the last.
    people = [one for one in reviews if (one.get("user") or {}).get("type") == "User"]
    last = {one["user"]["login"]: one for one in people if one["state"] != "COMMENTED"}
    return any(one["state"] == "APPROVED" and one.get("commit_id") == head for login, one in last.items() if login != author)


def judge(reviewed, fresh, status, open_issue, pull, here):
    """Returns a verdict on what main plans, and why.

    `reviewed` has changes and lock of the pull request's plan and its age, or is None where there is none. `here` has the run, the commit
    and the lock of main's plan, and says if the pull request is approved."""
    if not fresh:
        return "nothing", []
    why = blocked(status, open_issue)
    if why:
        return "blocked", [why]
    seen = newest(status)
    if is_late(status, here["run"]) and seen.get("commit") != here["commit"]:
        # What a later merge took back would be made again.
        return "refused", [f"a newer run ({seen['run']}) has planned another commit of main: this one is older, and is not applied any more"]
    if pull is None:
        return "refused", ["no pull request brought this commit, so that nobody reviewed its plan"]
    if not here["approved"]:
        return "refused", [f"nobody but its author has approved the last commit of pull request #{pull}"]
    if reviewed is None:
        return "refused", [f"pull request #{pull} has no plan of its last commit, so that nobody reviewed one"]
    last = (status or {}).get("apply") or {}
    is_rest = last.get("result") == "failed" and last.get("pull") == pull
    why = differences(reviewed["changes"], fresh, is_rest)
    if reviewed["lock"] != here["lock"]:
        why.append("the providers are others than those of the reviewed plan: commit .terraform.lock.hcl, so that a release does not change them")
    return ("refused", shortened([*why, f"the reviewed plan is {reviewed['age']}"])) if why else ("apply", [])


def outcome(event, plan_result, verdict, apply_result, has_changes, began):
    """What became of a run, of the results of its jobs. A job that never said how it ended has failed.

    `began` is false where the apply changed nothing, as where a reviewer said no."""
    if event == "push":
        if plan_result != "success" or verdict not in ("nothing", "blocked", "refused", "apply"):
            return "not planned"
        if verdict != "apply":
            return verdict
        if apply_result == "success":
            return "applied"
        return "failed" if began else "not begun"
    if plan_result != "success" or has_changes not in ("true", "false"):
        return "drift unknown"
    return "drift" if has_changes == "true" else "no drift"


# What becomes of the issues of a root. What is not named stays as it is; people alone close that of a failed apply.
ISSUES = {
    "not planned": {NOT_APPLIED: "open"},
    "refused": {NOT_APPLIED: "open"},
    "blocked": {NOT_APPLIED: "open"},
    "not begun": {NOT_APPLIED: "open"},
    "failed": {APPLY_FAILED: "open"},
    "applied": {NOT_APPLIED: "close", DRIFT: "close"},
    "nothing": {NOT_APPLIED: "close", DRIFT: "close"},
    "drift": {DRIFT: "open"},
    "drift unknown": {DRIFT: "open"},
    # What was merged and not applied would be in the plan.
    "no drift": {NOT_APPLIED: "close", DRIFT: "close"},
}


def issues(status, result, run):
    """What becomes of the root's issues after a run."""
    # A newer run has told how things are now. That an apply failed stays true.
    wanted = {label: what for label, what in ISSUES[result].items() if label == APPLY_FAILED or not is_late(status, run)}
    if untold(status) and result != "applied":
        wanted[APPLY_FAILED] = "open"
    return wanted


def known(status):
    if status and status.get("version") != VERSION:
        raise Unreadable(f"the status has version {status.get('version')}, and this program knows {VERSION}")
    return status or {}


def begun(status, about, facts):
    """The status while an apply runs. It stays where the apply is lost, and the next run sees it."""
    was = known(status)
    parts = {part: was.get(part) for part in ("plan", "drift", "waiting")}
    apply = {**{name: facts[name] for name in ("at", "run", "commit", "pull")}, "result": "applying", "issue": None}
    return {"version": VERSION, **about, **parts, "apply": apply}


def next_apply(was, result, seen, facts, issues):
    """What the status says of the last apply."""
    if result in ("applied", "failed") and number((was or {}).get("run")) <= number(facts["run"]):
        return {**seen, "result": result, "pull": facts["pull"], "issue": issues.get(APPLY_FAILED)}
    if untold({"apply": was}):
        return {**was, "result": "failed", "issue": issues.get(APPLY_FAILED)}
    if result in ("nothing", "no drift") and (was or {}).get("result") == "failed" and facts["is_closed"]:
        return {**was, "result": "settled"}
    return was


def next_status(status, about, result, facts, issues):
    """The status of a root after a run.

    `facts` has at, run, commit, pull and changes, and says if the issue of a failed apply is closed; `issues` has the numbers by label."""
    was = known(status)
    new = {"version": VERSION, **about, **{part: was.get(part) for part in ("plan", "apply", "drift", "waiting")}}
    seen = {name: facts[name] for name in ("at", "run", "commit")}
    new["apply"] = next_apply(was.get("apply"), result, seen, facts, issues)
    if is_late(status, facts["run"]):
        return new
    if result not in ("not planned", "drift unknown"):
        new["plan"] = {**seen, "changes": facts["counts"]}
    if result in ("not planned", "refused", "blocked", "not begun"):
        new["waiting"] = {**seen, "result": result, "issue": issues.get(NOT_APPLIED)}
    if result in ("applied", "nothing", "no drift", "failed"):
        # What a failed apply left undone is told by that.
        new["waiting"] = None
    if result in ("applied", "nothing", "no drift"):
        new["drift"] = {**seen, "result": "no drift", "since": None, "issue": None}
    if result in ("drift", "drift unknown"):
        since = ((was.get("drift") or {}).get("since")) or facts["at"]
        new["drift"] = {**seen, "result": result, "since": since, "issue": issues.get(DRIFT)}
    return new


UNBLOCK = """Until this issue is closed, nothing of `{root}` is applied.

1. Read the end of [the run]({run}): which resource failed, and what AWS said.
2. Remove the cause. Where code must change, open a pull request: its plan shows what is left to do.
3. Close this issue.
4. Merge the pull request; or, where nothing was merged since, run [the run]({run}) again (`gh run rerun {run_id}`), all of it. What the
   failed apply has done is not done twice.

A job that was lost in the middle may have left its lock: `terraform force-unlock` takes the id that the next run prints."""

REPLAN = """To apply it, open a pull request. Its plan shows the changes as they are now; they are applied when it
is merged. A plan differs where somebody changed the account by hand, where another merge came between, or where it holds a value that is
made anew each time, as `timestamp()`."""

TEXTS = {
    "failed": "The apply of `{root}` in account {account} failed or was interrupted, at commit {commit}.\n\n" + UNBLOCK,
    "not planned": "Commit {commit} was merged, and `{root}` (account {account}) was not planned: [the run]({run}) says why.\n\n"
    "Nothing is applied. Remove the cause, and run it again (`gh run rerun {run_id}`); where something was merged since, that run brings it.",
    "refused": "Commit {commit} was merged, and what main plans for `{root}` (account {account}) is not applied:\n\n{list}\n\n" + REPLAN,
    "blocked": "Commit {commit} was merged, and nothing of `{root}` (account {account}) is applied:\n\n{list}",
    "not begun": "Commit {commit} was merged, and nothing of `{root}` (account {account}) is applied: its apply ended before it changed "
    "anything. [The run]({run}) says why. A reviewer said no, or nobody approved it in time, or the environment, a role or the plan was not as "
    "it must be. Remove the cause and run all of it again (`gh run rerun {run_id}`), or open a pull request.",
    "drift": "The nightly plan of `{root}` (account {account}) at {commit} is not empty:\n\n{list}\n\n"
    "Somebody changed the account by hand, or something that was merged is not applied. [The run]({run}) has the whole plan. Take the change "
    "into the code, or open any pull request: its merge undoes the change. This issue is closed when the plan is empty.",
    "drift unknown": "The nightly plan of `{root}` (account {account}) failed: [the run]({run}) says why. Whether it has drifted is unknown.",
}


def issue(label, result, about, facts):
    """The title and the text of an issue."""
    values = {**about, **facts, "list": "\n".join(f"- {line}" for line in facts["lines"]), "run_id": facts["run"].rsplit("/", 1)[-1]}
    return TITLES[label].format(**about), TEXTS[result].format(**values) + f"\n\nRun: {facts['run']}\n"
