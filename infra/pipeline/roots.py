"""The steps of .github/workflows/terraform.yml: `python3 roots.py STEP`. They read the job's environment, and run terraform, aws and gh."""

import datetime
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import decide
import page

# The backend's credentials are the hub role's; those in the environment are of the root's account.
PROFILE = "banto-state"

# GitHub takes 65,536 characters in a comment or an issue, and 1 MiB in a summary.
MOST_OF_A_COMMENT = 60_000
MOST_OF_A_SUMMARY = 900_000

# The account's session ends after an hour, and Terraform needs some of it to end what it has begun and to write the state.
MOST_OF_AN_APPLY = 50 * 60

INPUTS = {
    "ROOT": (r"[a-z0-9-]{1,40}", "1 to 40 small letters, digits and hyphens"),
    "FOLDER": (r"(?!/)(?!.*\.\.)[A-Za-z0-9._/-]+", "a folder of the repository, as in infra/network"),
    "ACCOUNT": (r"[0-9]{12}", "twelve digits"),
    "BUCKET": (r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "a bucket's name; it is the organization's variable BANTO_STATE_BUCKET"),
    "REGION": (r"[a-z0-9-]+", "a region; it is the organization's variable BANTO_REGION"),
    "HUB_ACCOUNT": (r"[0-9]{12}", "twelve digits; it is the organization's variable BANTO_HUB_ACCOUNT"),
}


class Refused(Exception):
    """A sentence for people."""


def env(name):
    value = os.environ.get(name, "")
    if not value:
        raise Refused(f"{name} is not set")
    return value


def run(*command, codes=(0,), **options):
    done = subprocess.run([str(part) for part in command], text=True, **options)
    return checked(done, command, codes)


def checked(done, command, codes=(0,)):
    if done.returncode not in codes:
        said = f":\n{done.stderr}" if done.stderr else ""
        raise Refused(f"`{' '.join(str(part) for part in command[:3])} ...` ended with {done.returncode}{said}")
    return done


def read(*command, **options):
    return run(*command, capture_output=True, **options).stdout


def own_environment():
    """What Terraform is given. The profile is the hub's, which no provider and no program that Terraform starts should become."""
    return {name: value for name, value in os.environ.items() if name != "AWS_PROFILE"}


def terraform(*arguments, **options):
    return run("terraform", f"-chdir={env('FOLDER')}", *arguments, env=own_environment(), **options)


def gh(path, method=None, **fields):
    """Calls GitHub. A body goes through a pipe: Linux takes 128 KiB in an argument (execve(2), MAX_ARG_STRLEN)."""
    body = ("--input", "-") if fields else ()
    text = read("gh", "api", path, "-X", method or ("POST" if fields else "GET"), *body, input=json.dumps(fields) if fields else None)
    return json.loads(text) if text.strip() else None


def gh_all(path):
    """The entries of all pages of a list."""
    pages = json.loads(read("gh", "api", f"{path}{'&' if '?' in path else '?'}per_page=100", "--paginate", "--slurp"))
    return [one for entries in pages for one in entries]


def work():
    folder = Path(env("RUNNER_TEMP")) / "banto"
    folder.mkdir(exist_ok=True)
    return folder


def output(**values):
    with open(env("GITHUB_OUTPUT"), "a") as file:
        for name, value in values.items():
            if "\n" in value:
                raise Refused(f"the output {name} must be of one line")
            file.write(f"{name}={value}\n")


def summary(text):
    with open(env("GITHUB_STEP_SUMMARY"), "a") as file:
        file.write(text + "\n")


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def this_run():
    return f"{env('GITHUB_SERVER_URL')}/{env('GITHUB_REPOSITORY')}/actions/runs/{env('GITHUB_RUN_ID')}"


def get_object(name, path):
    """Gets an object of the bucket, and says so where there is none. Whatever else happens is a failure."""
    command = ["aws", "s3api", "get-object", "--profile", PROFILE, "--region", env("REGION"), "--bucket", env("BUCKET"), "--key", name, path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode and "NoSuchKey" not in done.stderr:
        raise Refused(f"{name} can't be read:\n{done.stderr}")
    return not done.returncode


def put_object(name, path):
    read("aws", "s3api", "put-object", "--profile", PROFILE, "--region", env("REGION"), "--bucket", env("BUCKET"), "--key", name, "--body", path)


def kept_plan():
    """Where this run's plan lies. A pull request's is found by its last commit, that of main by the run alone."""
    if os.environ.get("PULL"):
        return pull_plan(env("PULL"), env("PULL_HEAD"))
    return f"plans/{env('ROOT')}/run/{env('GITHUB_RUN_ID')}-{env('GITHUB_RUN_ATTEMPT')}.tar.gz"


def pull_plan(number, head):
    return f"plans/{env('ROOT')}/pull/{number}/{head}.tar.gz"


def status():
    path = work() / "status.json"
    if not get_object(f"status/{env('ROOT')}.json", path):
        return None
    found = json.loads(path.read_text())
    if found.get("version") != decide.VERSION:
        raise Refused(f"the status of {env('ROOT')} has version {found.get('version')}, and this program knows {decide.VERSION}")
    return found


def check_inputs():
    """Every input that is not of its form, at once."""
    wrong = []
    for name, (form, words) in INPUTS.items():
        value = os.environ.get(name, "")
        if not re.fullmatch(form, value):
            wrong.append(f"{name} is {value!r}, and must be {words}")
    if not wrong and not any(Path(env("FOLDER")).glob("*.tf")):
        wrong.append(f"FOLDER is {env('FOLDER')!r}, and has no *.tf file")
    if wrong:
        raise Refused("\n".join(wrong))


def prepared():
    """The SHA-256 of every file beneath the checkout: of the code, and of what `prepare` made."""
    found = {}
    for path in sorted(Path().rglob("*")):
        if path.is_file() and not {".git", ".terraform", ".terraform.lock.hcl"} & set(path.parts):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def init(*arguments):
    backend = {"bucket": env("BUCKET"), "key": f"state/{env('ROOT')}.tfstate", "region": env("REGION"), "profile": PROFILE}
    terraform("init", "-input=false", "-no-color", *(f"-backend-config={name}={value}" for name, value in backend.items()), *arguments)


def plan():
    """Plans, and packs the plan with what the apply needs besides the code: the providers' exact versions."""
    (work() / "files.json").write_text(json.dumps(prepared()))
    terraform("fmt", "-check", "-recursive", "-diff", "-no-color")
    init()
    terraform("validate", "-no-color")
    binary = work() / "plan.bin"
    # A plan's role can't write a lock. Two plans don't disturb each other, and an apply refuses a plan that a newer state made stale.
    terraform("plan", "-input=false", "-no-color", "-lock=false", "-detailed-exitcode", f"-out={binary}", codes=(0, 2), stdout=subprocess.DEVNULL)
    (work() / "plan.txt").write_text(terraform("show", "-no-color", binary, capture_output=True).stdout)
    found = decide.changes(json.loads(terraform("show", "-json", binary, capture_output=True).stdout))
    (work() / "changes.json").write_text(json.dumps(found))
    lock = Path(env("FOLDER")) / ".terraform.lock.hcl"
    bundle = work() / "plan.tar.gz"
    with tarfile.open(bundle, "w:gz") as tar:
        for path in (binary, work() / "changes.json", work() / "files.json", *([lock] if lock.exists() else [])):
            tar.add(path, path.name)
    put_object(kept_plan(), bundle)
    output(
        digest=hashlib.sha256(bundle.read_bytes()).hexdigest(),
        has_changes=str(bool(found)).lower(),
        counts=json.dumps(decide.counts(found)),
        lines=json.dumps(decide.lines(found)),
    )


def show():
    """The plan for people: Terraform has put `(sensitive value)` where a value is one."""
    text = (work() / "plan.txt").read_text()
    found = json.loads((work() / "changes.json").read_text())
    counts = ", ".join(f"{count} {kind}" for kind, count in decide.counts(found).items()) or "no changes"
    title = f"### Terraform plan of `{env('ROOT')}`: {counts}\n\n"
    summary(title + fenced(text, MOST_OF_A_SUMMARY))
    if not os.environ.get("PULL"):
        return
    mark = f"<!-- banto plan {env('ROOT')} -->"
    body = f"{mark}\n{title}Account {env('ACCOUNT')}, commit {env('PULL_HEAD')[:9]}, [run]({this_run()}).\n\n{fenced(text, MOST_OF_A_COMMENT)}"
    if ((status() or {}).get("apply") or {}).get("result") == "applying":
        body += "\nMain has an apply under way, and this plan may hold a part of what it does. Run this again when that has ended.\n"
    comments = f"repos/{env('GITHUB_REPOSITORY')}/issues/{env('PULL')}/comments"
    old = [one["id"] for one in gh_all(comments) if mark in one["body"] and one["user"]["login"] == "github-actions[bot]"]
    if old:
        gh(f"repos/{env('GITHUB_REPOSITORY')}/issues/comments/{old[0]}", "PATCH", body=body)
    else:
        gh(comments, body=body)


def fenced(text, most):
    cut = "\n(cut; the run's artefact has the rest)" if len(text) > most else ""
    # A longer fence than any within, so that no value ends it.
    fence = "`" * max([3, *(len(found) + 1 for found in re.findall("`{3,}", text))])
    return f"{fence}\n{text[:most]}{cut}\n{fence}\n"


def open_issues(label):
    """Numbers of the root's open issues of a kind. The title names the root."""
    title = decide.TITLES[label].format(root=env("ROOT"))
    found = gh_all(f"repos/{env('GITHUB_REPOSITORY')}/issues?state=open&labels={label}")
    return [one["number"] for one in found if one["title"] == title]


def failed_issue(seen):
    """The status, and the issue of the last failed apply if it is open: by its number too, since a title or label can be edited.

    One that was deleted or moved away says nothing to anybody any more: it counts as never opened, and is opened anew."""
    found = open_issues(decide.APPLY_FAILED)
    last = (seen or {}).get("apply") or {}
    if found or not last.get("issue"):
        return seen, found[0] if found else None
    path = f"repos/{env('GITHUB_REPOSITORY')}/issues/{last['issue']}"
    try:
        one = gh(path)
    except Refused as refused:
        if not re.search(r"HTTP (404|410)", str(refused)):
            raise
        return {**seen, "apply": {**last, "issue": None}}, None
    return seen, last["issue"] if one["state"] == "open" else None


def reviewed_plan(pull):
    """What a pull request's last plan has, or None where there is none."""
    path = work() / "reviewed.tar.gz"
    if not get_object(pull_plan(pull["number"], pull["head"]["sha"]), path):
        return None
    with tarfile.open(path) as tar:
        made = datetime.datetime.fromtimestamp(tar.getmember("changes.json").mtime, datetime.timezone.utc)
        lock = tar.extractfile(".terraform.lock.hcl").read() if ".terraform.lock.hcl" in tar.getnames() else b""
        age = page.age(made.isoformat(), now()).replace(" ago", " old").replace("within the hour", "less than an hour old")
        return {"changes": json.load(tar.extractfile("changes.json")), "lock": lock, "age": age}


def judge():
    """Compares what main plans with what was reviewed."""
    seen, open_issue = failed_issue(status())
    repository = f"repos/{env('GITHUB_REPOSITORY')}"
    pulls = gh(f"{repository}/commits/{env('GITHUB_SHA')}/pulls")
    pull = next((one for one in pulls if one.get("merged_at") and one.get("merge_commit_sha") == env("GITHUB_SHA")), None)
    reviews = gh_all(f"{repository}/pulls/{pull['number']}/reviews") if pull else []
    lock = Path(env("FOLDER")) / ".terraform.lock.hcl"
    here = {
        "run": this_run(),
        "commit": env("GITHUB_SHA"),
        "lock": lock.read_bytes() if lock.exists() else b"",
        "approved": bool(pull) and decide.is_approved(reviews, pull["head"]["sha"], pull["user"]["login"]),
    }
    fresh = json.loads((work() / "changes.json").read_text())
    verdict, why = decide.judge(pull and reviewed_plan(pull), fresh, seen, open_issue, pull and pull["number"], here)
    output(verdict=verdict, why=json.dumps(why), pull=str(pull["number"]) if pull else "")
    summary(f"Verdict on `{env('ROOT')}`: **{verdict}**\n\n" + "\n".join(f"- {line}" for line in why))
    if verdict in ("blocked", "refused"):
        print("\n".join(why), file=sys.stderr)


def check_environment():
    """Refuses to apply where another branch than main could: the role trusts the environment, whatever branch runs in it."""
    path = f"repos/{env('GITHUB_REPOSITORY')}/environments/{env('ROOT')}"
    policy = gh(path).get("deployment_branch_policy")
    if policy and policy["custom_branch_policies"]:
        found = [(one["name"], one.get("type", "branch")) for one in gh(f"{path}/deployment-branch-policies")["branch_policies"]]
        if found == [("main", "branch")]:
            return
    raise Refused(
        f"the environment {env('ROOT')} lets in other branches or tags than the branch main, and so whoever may push one: let in main alone "
        "(docs/pipeline.md, \"A root's environment\")"
    )


def apply():
    """Applies the plan that this run made, and no other: the bucket's plans can be written by each pull request's plan."""
    bundle = work() / "plan.tar.gz"
    if not get_object(kept_plan(), bundle):
        raise Refused(f"{kept_plan()} is gone: run the whole workflow again")
    if hashlib.sha256(bundle.read_bytes()).hexdigest() != env("DIGEST"):
        raise Refused(f"{kept_plan()} is not what this run's plan wrote: somebody has replaced it. Nothing is applied")
    with tarfile.open(bundle) as tar:
        names = tar.getnames()
        was, made = json.load(tar.extractfile("files.json")), prepared()
        other = sorted(name for name in {*was, *made} if was.get(name) != made.get(name))
        if other:
            raise Refused(f"files are not those that were planned, so that `prepare` makes others each time: {', '.join(decide.shortened(other))}")
        (work() / "plan.bin").write_bytes(tar.extractfile("plan.bin").read())
        if ".terraform.lock.hcl" in names:
            (Path(env("FOLDER")) / ".terraform.lock.hcl").write_bytes(tar.extractfile(".terraform.lock.hcl").read())
    init("-lockfile=readonly")
    path = work() / "status.json"
    facts = {"at": now(), "run": this_run(), "commit": env("GITHUB_SHA"), "pull": int(env("PULL_NUMBER"))}
    path.write_text(json.dumps(decide.begun(status(), about(), facts), indent=2) + "\n")
    put_object(f"status/{env('ROOT')}.json", path)
    # Another root's apply is not in the way, and one of this root that was lost is told as a lock that stays.
    stopped_in_time("terraform", f"-chdir={env('FOLDER')}", "apply", "-input=false", "-no-color", "-lock-timeout=60s", work() / "plan.bin")


def stopped_in_time(*command, seconds=MOST_OF_AN_APPLY):
    """Runs Terraform, and asks it to stop while it can: then it ends what it has begun, and writes the state."""
    process = subprocess.Popen([str(part) for part in command], env=own_environment())
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"::error::the apply has taken {seconds // 60} minutes, and is asked to stop: apply what takes longer by hand", file=sys.stderr)
        process.send_signal(signal.SIGINT)
        process.wait()
    return checked(subprocess.CompletedProcess(command, process.returncode, stderr=""), command)


def about():
    return {"root": env("ROOT"), "repository": env("GITHUB_REPOSITORY"), "folder": env("FOLDER"), "account": env("ACCOUNT")}


def set_issue(label, wanted, result, about, facts):
    """Opens, renews or closes the root's issue of a kind, and returns its number if it is open then."""
    issues = f"repos/{env('GITHUB_REPOSITORY')}/issues"
    found = open_issues(label)
    if wanted == "close":
        for number in found:
            gh(f"{issues}/{number}/comments", body=f"No longer so: {result}, {facts['run']}")
            gh(f"{issues}/{number}", "PATCH", state="closed")
        return None
    title, body = decide.issue(label, result, about, facts)
    if found:
        gh(f"{issues}/{found[0]}", "PATCH", body=body)
        return found[0]
    # GitHub makes a label that an issue names. `--force` gives it its words, and changes one that is there.
    read("gh", "label", "create", label, "--repo", env("GITHUB_REPOSITORY"), "--force", "--description", decide.LABELS[label])
    return gh(issues, title=title, body=body, labels=[label])["number"]


def set_issues(seen, result, facts):
    """The numbers of the issues that are open after a run, by label, and what could not be done."""
    numbers, wrong = {}, []
    for label, wanted in decide.issues(seen, result, facts["run"]).items():
        lost = decide.untold(seen) if label == decide.APPLY_FAILED and result != "failed" else None
        told = {**facts, "run": lost["run"], "commit": lost["commit"]} if lost else facts
        try:
            numbers[label] = set_issue(label, wanted, "failed" if lost else result, about(), told)
        except Refused as refused:
            wrong.append(str(refused))
    return numbers, wrong


def tell():
    """Writes what became of the run. Issues are what people see where the bucket can't be reached, and the other way round."""
    seen, is_closed, wrong, is_known = None, False, [], False
    try:
        seen = status()
        is_known = True
        seen, open_issue = failed_issue(seen)
        is_closed = open_issue is None
    except (Refused, ValueError) as refused:
        wrong.append(str(refused))
    last = (seen or {}).get("apply") or {}
    # Where the status can't be read, the apply may have begun.
    began = not is_known or (last.get("result") == "applying" and last.get("run") == this_run())
    given = [os.environ.get(name, "") for name in ("PLAN_RESULT", "VERDICT", "APPLY_RESULT", "HAS_CHANGES")]
    result = decide.outcome(env("GITHUB_EVENT_NAME"), *given, began)
    facts = {
        "at": now(),
        "run": this_run(),
        "commit": env("GITHUB_SHA"),
        "pull": int(os.environ.get("PULL_NUMBER") or 0) or None,
        "counts": json.loads(os.environ.get("COUNTS") or "{}"),
        "lines": json.loads(os.environ.get("WHY" if result in ("refused", "blocked") else "LINES") or "[]"),
        "is_closed": is_closed,
    }
    numbers, unset = set_issues(seen, result, facts)
    if is_known:
        path = work() / "status.json"
        path.write_text(json.dumps(decide.next_status(seen, about(), result, facts, numbers), indent=2) + "\n")
        put_object(f"status/{env('ROOT')}.json", path)
    summary(f"`{env('ROOT')}`: **{result}**")
    wrong += unset
    if result not in ("applied", "nothing", "no drift", "drift"):
        wrong.insert(0, f"{env('ROOT')}: {result}. " + "\n".join(facts["lines"]))
    if wrong:
        raise Refused("\n".join(wrong))


def all_roots():
    """The page of all roots: a summary, an issue, and a page as an artefact."""
    known = json.loads(env("ROOTS"))
    listed = read("aws", "s3api", "list-objects-v2", "--profile", PROFILE, "--region", env("REGION"), "--bucket", env("BUCKET"), "--prefix", "status/")
    statuses, path = {}, work() / "status.json"
    for one in json.loads(listed or "{}").get("Contents", []):
        slug = one["Key"].removeprefix("status/").removesuffix(".json")
        try:
            get_object(one["Key"], path)
            statuses[slug] = json.loads(path.read_text())
        except (Refused, ValueError) as wrong:
            statuses[slug] = str(wrong).splitlines()[0]
    # The token reads the issues of its own repository alone. Those of others are taken for open until the next apply succeeds.
    own = gh_all(f"repos/{env('GITHUB_REPOSITORY')}/issues?state=open&labels={decide.APPLY_FAILED}")
    is_own = {slug for slug in {*known, *statuses} if (known.get(slug) or {}).get("repository") == env("GITHUB_REPOSITORY")}
    found = page.rows(known, statuses, {slug: [issue["number"] for issue in own] for slug in is_own}, now())
    (work() / "roots.html").write_text(page.document(found, now()))
    text = page.markdown(found, now())
    summary("## Terraform roots\n\n" + text)
    issues = f"repos/{env('GITHUB_REPOSITORY')}/issues"
    old = [one["number"] for one in gh_all(f"{issues}?state=open&labels=terraform-roots")]
    body = f"{text[:MOST_OF_A_COMMENT]}\n[Run]({this_run()}), with the page as an artefact.\n"
    if old:
        gh(f"{issues}/{old[0]}", "PATCH", body=body)
    else:
        number = gh(issues, title="Terraform roots", body=body, labels=["terraform-roots"])["number"]
        read("gh", "issue", "pin", str(number), "--repo", env("GITHUB_REPOSITORY"))


STEPS = {
    "inputs": check_inputs,
    "plan": plan,
    "show": show,
    "judge": judge,
    "environment": check_environment,
    "apply": apply,
    "tell": tell,
    "page": all_roots,
}


def main(arguments):
    if len(arguments) != 1 or arguments[0] not in STEPS:
        print(f"usage: roots.py {' | '.join(STEPS)}", file=sys.stderr)
        return 2
    try:
        STEPS[arguments[0]]()
    except (Refused, decide.Unreadable) as refused:
        print(f"::error::{str(refused).replace('%', '%25').replace(chr(10), '%0A')}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
