"""The workflow terraform.yml is run: its own `run:` blocks, in order, with a real Terraform and stand-ins for gh and aws."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import terraform
import yaml
from tree import SOURCES

WORKFLOW = yaml.safe_load((SOURCES / ".github/workflows/terraform.yml").read_text())
STANDINS = SOURCES / "infra/tests/pipeline"
INPUTS = {"root": "network", "folder": "infra/network", "account": "222233334444"}
VARS = {"BANTO_STATE_BUCKET": "example-state", "BANTO_REGION": "ap-northeast-1", "BANTO_HUB_ACCOUNT": "999988887777"}

# What the workflow's conditions mean. One that is not here fails the test, so that none is passed over.
CONDITIONS = {
    "always() && github.event_name != 'pull_request'": lambda one: one["event"] != "pull_request",
    "github.event_name == 'push'": lambda one: one["event"] == "push",
    "github.event_name != 'pull_request' || github.event.pull_request.head.repo.full_name == github.repository": lambda one: one["event"] != "pull_request"
    or not one["fork"],
    "github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name != github.repository": lambda one: one["event"] == "pull_request"
    and one["fork"],
    "github.event_name == 'push' && github.ref == 'refs/heads/main' && needs.plan.outputs.verdict == 'apply'": lambda one: one["event"] == "push"
    and one["jobs"].get("plan", {}).get("result") == "success"
    and one["jobs"]["plan"]["outputs"].get("verdict") == "apply",
}

ROOT = """terraform {
  backend "local" { path = "%s" }
}

resource "terraform_data" "subnet" {
  input = %s
  provisioner "local-exec" {
    command = "test ! -e %s"
  }
}

resource "terraform_data" "secret" {
  input = sensitive("hunter2")
}
"""


class Repository:
    """A repository that calls the workflow, with what GitHub and the bucket hold."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.bucket = self.folder / "bucket"
        self.checkout = self.folder / "checkout"
        self.github = self.folder / "github.json"
        self.bad = self.folder / "bad"
        self.bucket.mkdir()
        (self.checkout / "infra/network").mkdir(parents=True)
        self.runs = 100
        self.save({"issues": [], "comments": [], "pulls": {}, "calls": [], "reviews": {}, "branches": [["main", "branch"]], "policy": {"protected_branches": False, "custom_branch_policies": True}})

    def save(self, world):
        self.github.write_text(json.dumps(world))

    @property
    def world(self):
        return json.loads(self.github.read_text())

    def change(self, **parts):
        self.save({**self.world, **parts})

    def write(self, value):
        """The root's code. Whoever writes it formats it."""
        path = self.checkout / "infra/network/main.tf"
        path.write_text(ROOT % (self.folder / "terraform.tfstate", value, self.bad))
        subprocess.run([terraform.PROGRAM, "fmt", path], check=True, capture_output=True)

    def pull(self, number, head, fork=False):
        return self.run("pull_request", f"merge{head}", number=number, head=head, fork=fork)

    def merged(self, number, head, sha, **options):
        self.will_merge(number, head, sha)
        return self.run("push", sha, **options)

    def will_merge(self, number, head, sha):
        pull = {"number": number, "head": {"sha": head}, "user": {"login": "alice"}, "merged_at": "2026-11-27T10:00:00Z", "merge_commit_sha": sha}
        review = {"state": "APPROVED", "commit_id": head, "user": {"login": "bob", "type": "User"}}
        self.change(pulls={**self.world["pulls"], sha: [pull]}, reviews={**self.world["reviews"], str(number): [review]})

    def close_issues(self):
        world = self.world
        for issue in world["issues"]:
            issue["state"] = "closed"
        self.save(world)

    def again(self, one, *names):
        """Runs a run again: all of it, or the jobs of these names with what the others said before."""
        jobs = {name: job for name, job in one["jobs"].items() if names and name not in names}
        again = {**one, "jobs": jobs, "said": "", "before": None, "attempt": one["attempt"] + 1}
        for name, job in WORKFLOW["jobs"].items():
            if name not in jobs:
                self.job(again, name, job)
        return again

    def run(self, event, sha, number=None, head=None, fork=False, before=None):
        self.runs += 1
        one = {"event": event, "sha": sha, "number": number, "head": head, "fork": fork, "jobs": {}, "said": "", "run": str(self.runs), "before": before, "attempt": 1}
        for name, job in WORKFLOW["jobs"].items():
            self.job(one, name, job)
        return one

    def job(self, one, name, job):
        needs = [job.get("needs", [])] if isinstance(job.get("needs"), str) else job.get("needs", [])
        condition = job.get("if", "")
        is_on = CONDITIONS[condition](one) if condition else True
        # A job is left out where one that it needs didn't succeed, unless it says otherwise.
        if not is_on or ("always()" not in condition and any(one["jobs"][need]["result"] != "success" for need in needs)):
            one["jobs"][name] = {"result": "skipped", "outputs": {}}
            return
        if one["before"] and name in one["before"]:
            # What happens then; a job that never came to anything, where it says how that ended.
            lost = one["before"][name]()
            if lost:
                one["jobs"][name] = {"result": lost, "outputs": {}}
                return
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        temp = self.folder / "runner"
        shutil.rmtree(temp, ignore_errors=True)
        temp.mkdir()
        # Each job has a machine of its own.
        shutil.copytree(self.checkout, self.folder / "work")
        steps, result = {}, "success"
        for step in job["steps"]:
            if "if" in step and not CONDITIONS[step["if"]](one):
                continue
            if "uses" in step:
                if step.get("id") == "program":
                    steps["program"] = {"folder": str(SOURCES / "infra/pipeline")}
                continue
            code, outputs = self.step(one, job, step, steps, temp)
            steps[step.get("id", "")] = outputs
            if code:
                result = "failure"
                break
        outputs = {key: self.value(text, one, steps) for key, text in job.get("outputs", {}).items()}
        one["jobs"][name] = {"result": result, "outputs": outputs}

    def step(self, one, job, step, steps, temp):
        files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        files["GITHUB_OUTPUT"].write_text("")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GH_", "GITHUB_", "TF_VAR_"))}
        for part in (WORKFLOW["env"], job.get("env", {}), step.get("env", {})):
            environment |= {key: self.value(text, one, steps) for key, text in part.items()}
        environment |= {key: str(path) for key, path in files.items()}
        environment |= {
            "PATH": f"{STANDINS}:{os.environ['PATH']}", "RUNNER_TEMP": str(temp), "GITHUB_EVENT_NAME": one["event"], "GITHUB_SHA": one["sha"],
            "GITHUB_REPOSITORY": "example-org/network", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": one["run"], "GITHUB_RUN_ATTEMPT": str(one["attempt"]), "AWS_PROFILE": "banto-state",
            "FAKE_GITHUB": str(self.github), "FAKE_BUCKET": str(self.bucket), "FAKE_BACKEND": str(self.folder / "backend"),
            "FAKE_CHECKOV": str(self.folder / "checkov"), "REAL_TERRAFORM": shutil.which(terraform.PROGRAM), "REAL_PYTHON": sys.executable,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.folder / "work", env=environment,
            capture_output=True, text=True, timeout=terraform.SECONDS,
        )
        one["said"] += done.stdout + done.stderr
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        return done.returncode, outputs

    def value(self, text, one, steps):
        def known(found):
            name = found[1].strip()
            part = name.split(".")
            if part[0] == "steps":
                return steps.get(part[1], {}).get(part[3], "")
            if part[0] == "needs":
                job = one["jobs"][part[1]]
                return job["result"] if part[2] == "result" else job["outputs"].get(part[3], "")
            return {
                **{f"inputs.{key}": value for key, value in INPUTS.items()}, **{f"vars.{key}": value for key, value in VARS.items()},
                "github.token": "token", "github.event.pull_request.number": str(one["number"] or ""), "github.event.pull_request.head.sha": one["head"] or "",
            }[name]

        return re.sub(r"\$\{\{(.*?)\}\}", known, str(text))

    def status(self):
        return json.loads((self.bucket / "status/network.json").read_text())

    def state(self):
        path = self.folder / "terraform.tfstate"
        found = json.loads(path.read_text())["resources"] if path.exists() else []
        return {one["name"]: one["instances"][0]["attributes"]["input"]["value"] for one in found}

    def open(self, label):
        return [one for one in self.world["issues"] if label in one["labels"] and one["state"] == "open"]


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.at = Repository(folder.name)

    def results(self, one):
        return {name: job["result"] for name, job in one["jobs"].items() if job["result"] != "skipped"}

    def test_a_pull_request_is_planned_and_shown_without_secrets_and_nothing_is_applied(self):
        self.at.write('"10.0.0.0/24"')
        one = self.at.pull(7, "aaa")
        self.assertEqual(self.results(one), {"check": "success", "plan": "success"}, one["said"])
        comment = self.at.world["comments"][0]["body"]
        self.assertIn("2 create", comment)
        self.assertIn("10.0.0.0/24", comment)
        self.assertNotIn("hunter2", comment + (self.at.folder / "GITHUB_STEP_SUMMARY").read_text() + one["said"])
        self.assertTrue((self.at.bucket / "plans/network/pull/7/aaa.tar.gz").exists())
        self.assertFalse((self.at.bucket / "status").exists())
        self.assertEqual(self.at.state(), {})
        self.assertIn("-backend-config=key=state/network.tfstate", (self.at.folder / "backend").read_text())
        self.assertIn("-backend-config=profile=banto-state", (self.at.folder / "backend").read_text())
        self.assertIn("--directory infra/network --framework terraform --skip-download", (self.at.folder / "checkov").read_text())
        self.at.pull(7, "bbb")
        self.assertEqual(len(self.at.world["comments"]), 1)

    def test_a_merge_whose_plan_was_reviewed_is_applied(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1")
        self.assertEqual(self.results(one), {"check": "success", "plan": "success", "apply": "success", "tell": "success"}, one["said"])
        self.assertEqual(self.at.state()["subnet"], "10.0.0.0/24")
        self.assertEqual((self.at.status()["apply"]["result"], self.at.status()["apply"]["commit"]), ("applied", "c1"))
        again = self.at.run("push", "c2")
        self.assertEqual(self.results(again), {"check": "success", "plan": "success", "tell": "success"}, again["said"])
        self.assertEqual(self.at.world["issues"], [])

    def test_a_merge_whose_plan_is_another_one_is_refused_and_told_without_values(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        self.at.write('"10.9.9.0/24"')
        one = self.at.merged(7, "aaa", "c1")
        self.assertEqual(self.results(one), {"check": "success", "plan": "success", "tell": "failure"}, one["said"])
        self.assertEqual(self.at.state(), {})
        [issue] = self.at.open("terraform-not-applied")
        self.assertIn("terraform_data.subnet: create with other values of input", issue["body"])
        self.assertNotIn("10.9.9.0", issue["body"])
        self.assertEqual(self.at.status()["waiting"]["result"], "refused")
        self.at.pull(8, "bbb")
        self.at.merged(8, "bbb", "c2")
        self.assertEqual(self.at.state()["subnet"], "10.9.9.0/24")
        self.assertEqual((self.at.open("terraform-not-applied"), self.at.status()["waiting"]), ([], None))

    def test_a_commit_that_no_pull_request_brought_is_refused(self):
        self.at.write('"10.0.0.0/24"')
        one = self.at.run("push", "c1")
        self.assertEqual(one["jobs"]["plan"]["outputs"]["verdict"], "refused", one["said"])
        self.assertEqual(self.at.state(), {})

    def test_a_failed_apply_blocks_its_root_until_its_issue_is_closed_and_then_the_rest_is_applied(self):
        self.at.bad.write_text("")
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1")
        self.assertEqual(self.results(one), {"check": "success", "plan": "success", "apply": "failure", "tell": "failure"}, one["said"])
        [issue] = self.at.open("terraform-apply-failed")
        self.assertIn("network", issue["title"])
        self.assertIn("gh run rerun", issue["body"])
        self.assertEqual(self.at.status()["apply"]["issue"], issue["number"])
        self.at.bad.unlink()
        again = self.at.run("push", "c1")
        self.assertEqual(again["jobs"]["plan"]["outputs"]["verdict"], "blocked", again["said"])
        self.assertEqual(len(self.at.open("terraform-not-applied")), 1)
        world = self.at.world
        world["issues"][0]["state"] = "closed"
        self.at.save(world)
        last = self.at.run("push", "c1")
        # What failed is tainted, so that the rest is another plan than the one that was reviewed.
        self.assertEqual(last["jobs"]["plan"]["outputs"]["verdict"], "refused", last["said"])
        self.at.pull(8, "bbb")
        done = self.at.merged(8, "bbb", "c2")
        self.assertEqual(self.results(done), {"check": "success", "plan": "success", "apply": "success", "tell": "success"}, done["said"])
        self.assertEqual((self.at.status()["apply"]["result"], self.at.open("terraform-not-applied")), ("applied", []))

    def test_an_issue_whose_title_and_label_were_edited_still_blocks(self):
        self.at.bad.write_text("")
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        self.at.merged(7, "aaa", "c1")
        world = self.at.world
        world["issues"][0] |= {"title": "x", "labels": []}
        self.at.save(world)
        again = self.at.run("push", "c1")
        self.assertEqual(again["jobs"]["plan"]["outputs"]["verdict"], "blocked", again["said"])

    def test_a_plan_that_was_replaced_in_the_bucket_is_not_applied(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")

        def forge():
            [bundle] = (self.at.bucket / "plans/network/run").iterdir()
            shutil.copy(self.at.bucket / "plans/network/pull/7/aaa.tar.gz", bundle)

        self.at.will_merge(7, "aaa", "c1")
        one = self.at.run("push", "c1", before={"apply": forge})
        self.assertEqual(one["jobs"]["apply"]["result"], "failure", one["said"])
        self.assertIn("somebody has replaced it", one["said"])
        self.assertEqual(self.at.state(), {})

    def test_an_environment_that_lets_other_branches_in_applies_nothing(self):
        self.at.write('"10.0.0.0/24"')
        custom = {"custom_branch_policies": True}
        main = ["main", "branch"]
        for policy, branches in ((None, []), (custom, [main, ["feature/*", "branch"]]), (custom, [["main", "tag"]])):
            with self.subTest(branches=branches):
                self.at.pull(7, "aaa")
                self.at.change(policy=policy, branches=branches)
                one = self.at.merged(7, "aaa", "c1")
                self.assertIn("let in main alone", one["said"])
                self.assertEqual(self.at.state(), {})
                # Nothing was changed: the root isn't blocked.
                self.assertEqual((len(self.at.open("terraform-not-applied")), self.at.open("terraform-apply-failed")), (1, []))
                self.at.close_issues()

    def test_an_old_merge_that_is_run_again_is_not_applied_over_a_newer_one(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        first = self.at.merged(7, "aaa", "c1")
        self.at.write('"10.9.9.0/24"')
        self.at.pull(8, "bbb")
        self.at.merged(8, "bbb", "c2")
        newest = self.at.status()
        # The old run checks its own commit out, whose plan was reviewed, and finds the bucket as it is.
        self.at.write('"10.0.0.0/24"')
        again = self.at.again(first)
        self.assertEqual(again["jobs"]["plan"]["outputs"]["verdict"], "refused", again["said"])
        self.assertIn("a newer run", again["said"])
        self.assertEqual((self.at.state()["subnet"], self.at.status(), self.at.world["issues"]), ("10.9.9.0/24", newest, []))

    def test_the_failed_job_alone_run_again_is_refused(self):
        self.at.bad.write_text("")
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1")
        state = self.at.state()
        self.at.bad.unlink()
        self.at.close_issues()
        again = self.at.again(one, "apply", "tell")
        self.assertEqual(again["jobs"]["apply"]["result"], "failure", again["said"])
        self.assertIn("is gone: run the whole workflow again", again["said"])
        self.assertEqual((self.at.state(), self.at.status()["apply"]["result"]), (state, "failed"))

    def test_an_apply_that_was_lost_without_a_word_blocks_and_the_next_run_opens_its_issue(self):
        self.at.bad.write_text("")
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1", before={"tell": lambda: "cancelled"})
        self.assertEqual((self.at.status()["apply"]["result"], self.at.world["issues"]), ("applying", []))
        shown = self.at.pull(8, "bbb")
        self.assertIn("apply under way", self.at.world["comments"][-1]["body"], shown["said"])
        self.at.bad.unlink()
        self.at.merged(8, "bbb", "c2")
        [issue] = self.at.open("terraform-apply-failed")
        self.assertIn(f"runs/{one['run']}", issue["body"])
        self.assertEqual((self.at.status()["apply"]["result"], self.at.status()["apply"]["issue"]), ("failed", issue["number"]))
        self.assertEqual(self.at.status()["waiting"]["result"], "blocked")

    def test_a_failed_apply_is_in_the_status_where_no_issue_could_be_opened_and_is_told_later(self):
        self.at.bad.write_text("")
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1", before={"tell": lambda: self.at.change(broken=True)})
        self.assertEqual(one["jobs"]["tell"]["result"], "failure")
        self.assertEqual((self.at.status()["apply"]["result"], self.at.status()["apply"]["issue"]), ("failed", None), one["said"])
        self.at.change(broken=False)
        self.at.run("schedule", "c1")
        [issue] = self.at.open("terraform-apply-failed")
        self.assertEqual(self.at.status()["apply"]["issue"], issue["number"])
        # Somebody deletes it: a new one is opened, and the root is not locked for ever.
        world = self.at.world
        world["issues"][issue["number"] - 1] |= {"deleted": True, "state": "closed"}
        self.at.save(world)
        again = self.at.again(one)
        self.assertEqual(again["jobs"]["plan"]["outputs"]["verdict"], "blocked", again["said"])
        self.assertEqual(len(self.at.open("terraform-apply-failed")), 1)

    def test_a_reviewers_no_is_no_failed_apply(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1", before={"apply": lambda: "failure"})
        self.assertEqual((len(self.at.open("terraform-not-applied")), self.at.open("terraform-apply-failed")), (1, []), one["said"])
        self.assertEqual((self.at.status()["waiting"]["result"], self.at.status()["apply"]), ("not begun", None))
        again = self.at.again(one)
        self.assertEqual(again["jobs"]["apply"]["result"], "success", again["said"])

    def test_a_pull_request_that_its_author_merged_alone_is_refused(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        self.at.will_merge(7, "aaa", "c1")
        self.at.change(reviews={})
        one = self.at.run("push", "c1")
        self.assertIn("nobody but its author has approved", one["said"])
        self.assertEqual(self.at.state(), {})

    def test_what_prepare_makes_must_be_the_same_at_the_plan_and_at_the_apply(self):
        prepare = self.at.checkout / "infra/network/prepare"
        for script, said, result in (("echo same >made", "", "success"), ("date +%N >made", "infra/network/made", "failure")):
            with self.subTest(script=script):
                self.at.write(f'"{said}"')
                prepare.write_text(f"#!/bin/sh\n{script}\n")
                prepare.chmod(0o755)
                self.at.pull(7, result)
                one = self.at.merged(7, result, result)
                self.assertEqual(one["jobs"]["apply"]["result"], result, one["said"])
                self.assertIn(said, one["said"])

    def test_terraform_is_not_given_the_hubs_profile(self):
        self.at.write('"10.0.0.0/24"')
        path = self.at.checkout / "infra/network/main.tf"
        path.write_text(path.read_text().replace("test ! -e", "test x$AWS_PROFILE = x -a ! -e"))
        self.at.pull(7, "aaa")
        one = self.at.merged(7, "aaa", "c1")
        self.assertEqual(one["jobs"]["apply"]["result"], "success", one["said"])

    def test_drift_is_told_once_and_its_issue_is_closed_when_it_is_gone(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        self.at.merged(7, "aaa", "c1")
        state = self.at.folder / "terraform.tfstate"
        fine = state.read_text()
        # Somebody took it away by hand.
        gone = json.loads(fine)
        gone["resources"] = [one for one in gone["resources"] if one["name"] != "subnet"]
        state.write_text(json.dumps(gone))
        for _ in range(2):
            one = self.at.run("schedule", "c1")
            self.assertEqual(self.results(one), {"check": "success", "plan": "success", "tell": "success"}, one["said"])
        [issue] = self.at.open("terraform-drift")
        self.assertIn("create terraform_data.subnet", issue["body"])
        self.assertEqual(self.at.status()["drift"]["result"], "drift")
        state.write_text(fine)
        self.at.run("schedule", "c1")
        self.assertEqual((self.at.open("terraform-drift"), self.at.status()["drift"]["result"]), ([], "no drift"))

    def test_a_fork_is_refused_before_anything_of_it_runs(self):
        self.at.write('"10.0.0.0/24"')
        one = self.at.pull(7, "aaa", fork=True)
        self.assertEqual(self.results(one), {"fork": "failure"})
        self.assertIn("A fork's pull request is not planned", one["said"])
        self.assertEqual(list(self.at.bucket.iterdir()), [])

    def test_code_that_terraform_refuses_after_a_merge_opens_an_issue(self):
        self.at.write('"10.0.0.0/24"')
        path = self.at.checkout / "infra/network/main.tf"
        path.write_text(path.read_text() + "\noutput \"x\" { value = local.absent }\n")
        one = self.at.merged(7, "aaa", "c1")
        self.assertEqual(self.results(one), {"check": "success", "plan": "failure", "tell": "failure"}, one["said"])
        self.assertEqual(len(self.at.open("terraform-not-applied")), 1)
        self.assertEqual(self.at.status()["waiting"]["result"], "not planned")

    def test_the_page_shows_each_root_and_renews_its_one_issue(self):
        self.at.write('"10.0.0.0/24"')
        self.at.pull(7, "aaa")
        self.at.merged(7, "aaa", "c1")
        path = SOURCES / ".github/workflows/roots.yml"
        [step] = [one for one in yaml.safe_load(path.read_text())["jobs"]["page"]["steps"] if "run" in one]
        # This workflow runs in this repository, and not in a caller's.
        step = {**step, "run": f"cd {SOURCES} && {step['run']}"}
        known = {slug: {"repository": "example-org/network", "accounts": ["222233334444"]} for slug in ("network", "absent")}
        one = {"event": "schedule", "sha": "c1", "number": None, "head": None, "run": "200", "attempt": 1, "jobs": {}, "said": ""}
        for _ in range(2):
            code, _ = self.at.step(one, {"env": {"ROOTS": json.dumps(known)}}, step, {}, self.at.folder / "runner")
            self.assertEqual(code, 0, one["said"])
        [issue] = self.at.open("terraform-roots")
        self.assertIn("never planned", issue["body"])
        self.assertIn("applied within the hour", issue["body"])
        self.assertEqual([call for call in self.at.world["calls"] if call[0] == "issue"], [["issue", "pin", str(issue["number"]), "--repo", "example-org/network"]])
        self.assertIn("never planned", (self.at.folder / "runner/banto/roots.html").read_text())
