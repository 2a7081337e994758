"""What the pipeline decides, on made plans and statuses."""

import copy
import signal
import subprocess
import sys
import unittest
from unittest import mock

from tree import SOURCES

sys.path.insert(0, str(SOURCES / "infra/pipeline"))
import decide
import page
import roots

NOW = "2026-11-27T12:00:00+00:00"


def change(address="aws_sqs_queue.a", actions=("update",), before=None, after=None, unknown=None):
    before = {"name": "a", "delay": 1} if before is None else before
    after = {"name": "a", "delay": 2} if after is None else after
    return {"address": address, "change": {"actions": list(actions), "before": before, "after": after, "after_unknown": unknown or {}}}


def plan(*changes):
    return decide.changes({"resource_changes": list(changes)})


def status(**parts):
    seen = {"at": "2026-11-27T02:00:00+00:00", "run": "https://github.com/example-org/network/actions/runs/1", "commit": "c" * 40}
    base = {"version": 1, "root": "network", "repository": "example-org/network", "folder": "infra", "account": "222233334444", "apply": None, "waiting": None}
    return {**base, "plan": {**seen, "changes": {}}, "drift": {**seen, "result": "no drift", "since": None, "issue": None}, **parts}


RUNS = "https://github.com/example-org/network/actions/runs/"
HERE = {"run": RUNS + "2", "commit": "c" * 40, "lock": b"", "approved": True}


def judged(reviewed, fresh, seen, open_issue, pull, **here):
    reviewed = {"changes": reviewed, "lock": b"", "age": "3 h old"}
    return decide.judge(reviewed, fresh, seen, open_issue, pull, {**HERE, **here})


def state(found):
    return page.row("network", {"accounts": ["222233334444"], "repository": "example-org/network"}, found, [5], NOW)["state"]


class Compare(unittest.TestCase):
    def test_what_is_only_read_or_kept_is_no_change(self):
        self.assertEqual(plan(change(actions=["no-op"]), change(actions=["read"])), [])

    def test_an_import_and_a_move_are_changes(self):
        moved = {**change(actions=["no-op"]), "previous_address": "aws_sqs_queue.b"}
        imported = change("aws_sqs_queue.c", ["no-op"])
        imported["change"]["importing"] = {"id": "c"}
        self.assertEqual(decide.counts(plan(moved, imported)), {"import": 1, "move": 1})

    def test_a_plan_that_ended_with_an_error_is_refused(self):
        with self.assertRaises(decide.Unreadable):
            decide.changes({"errored": True, "resource_changes": []})

    def test_every_way_of_differing_is_named_without_its_value(self):
        reviewed = plan(change())
        for fresh, said in (
            ([], "no longer planned"),
            (plan(change(), change("aws_sqs_queue.b")), "was not in the reviewed plan"),
            (plan(change(actions=["delete", "create"])), "now it is replace"),
            (plan(change(after={"name": "a", "delay": 99})), "other values of delay"),
            (plan(change(before={"name": "a", "delay": 99})), "other values of delay"),
            (plan(change(after={"name": "a", "delay": True})), "other values of delay"),
            (plan(change(after={"name": "a"}, unknown={"delay": True})), "other values of delay"),
        ):
            [found] = decide.differences(reviewed, fresh)
            self.assertIn(said, found)
            self.assertNotIn("99", found)

    def test_what_was_unknown_at_the_review_may_be_known_now(self):
        reviewed = plan(change(after={"name": "a"}, unknown={"delay": True}))
        self.assertEqual(decide.differences(reviewed, plan(change())), [])

    def test_only_after_a_failed_apply_a_part_of_the_reviewed_changes_is_enough(self):
        reviewed, fresh = plan(change(), change("aws_sqs_queue.b")), plan(change())
        self.assertEqual(judged(reviewed, fresh, None, None, 7)[0], "refused")
        failed = status(apply={"result": "failed", "pull": 7, "issue": 5})
        self.assertEqual(judged(reviewed, fresh, failed, None, 7)[0], "apply")
        self.assertEqual(judged(reviewed, fresh, failed, None, 8)[0], "refused")
        self.assertEqual(judged(reviewed, fresh, failed, 5, 7)[0], "blocked")

    def test_a_failed_or_lost_apply_of_which_nobody_was_told_blocks(self):
        for result in ("failed", "applying"):
            last = status(apply={"result": result, "run": RUNS + "1", "commit": "d", "pull": 7, "issue": None})
            self.assertEqual(judged(plan(change()), plan(change()), last, None, 7)[0], "blocked")
            for told in ("drift", "no drift", "blocked", "not planned", "refused"):
                self.assertEqual(decide.issues(last, told, HERE["run"])[decide.APPLY_FAILED], "open")

    def test_a_run_that_a_newer_one_of_another_commit_has_overtaken_is_refused(self):
        one = plan(change())
        for part in ("plan", "apply", "drift", "waiting"):
            for run, commit, verdict in (("3", "d", "refused"), ("3", "c" * 40, "apply"), ("2", "d", "apply"), ("1", "d", "apply")):
                seen = {"version": 1, part: {"run": RUNS + run, "commit": commit, "result": "applied"}}
                self.assertEqual(judged(one, one, seen, None, 7)[0], verdict, (part, run, commit))

    def test_other_providers_and_no_approval_are_refused_and_the_plans_age_is_said(self):
        one = plan(change())
        verdict, why = judged(one, one, None, None, 7, lock=b"another")
        self.assertEqual((verdict, why[-1]), ("refused", "the reviewed plan is 3 h old"))
        self.assertIn("providers", why[0])
        self.assertEqual(judged(one, one, None, None, 7, approved=False)[0], "refused")

    def test_only_somebody_elses_approval_of_the_last_commit_that_stands_counts(self):
        def review(login, state="APPROVED", commit="h", kind="User"):
            return {"user": {"login": login, "type": kind}, "state": state, "commit_id": commit}

        for reviews, is_approved in (
            ([], False),
            ([review("alice")], False),
            ([review("bob", commit="earlier")], False),
            ([review("bob", "COMMENTED")], False),
            ([review("github-actions[bot]", kind="Bot")], False),
            ([{**review("bob"), "user": None}], False),
            ([review("bob"), review("bob", "CHANGES_REQUESTED")], False),
            ([review("bob"), review("bob", "DISMISSED")], False),
            ([review("bob", "CHANGES_REQUESTED"), review("bob"), review("bob", "COMMENTED")], True),
        ):
            self.assertEqual(decide.is_approved(reviews, "h", "alice"), is_approved, reviews)

    def test_a_job_that_never_said_how_it_ended_has_failed(self):
        self.assertEqual(decide.outcome("push", "success", "apply", "cancelled", "true", True), "failed")
        self.assertEqual(decide.outcome("push", "success", "apply", "failure", "true", False), "not begun")
        self.assertEqual(decide.outcome("push", "cancelled", "", "skipped", "", False), "not planned")
        self.assertEqual(decide.outcome("push", "success", "", "skipped", "true", False), "not planned")
        self.assertEqual(decide.outcome("schedule", "success", "", "skipped", "", False), "drift unknown")

    def test_a_late_run_changes_nothing_of_what_a_newer_one_told_but_that_its_own_apply_failed(self):
        seen = {"at": "2026-11-27T03:00:00+00:00", "run": RUNS + "3", "commit": "d"}
        facts = {**seen, "run": RUNS + "2", "pull": 7, "counts": {}, "is_closed": True}
        newer = status(plan={**seen, "changes": {}}, apply={**seen, "result": "failed", "pull": 8, "issue": 5})
        about = {name: newer[name] for name in ("root", "repository", "folder", "account")}
        self.assertEqual(decide.next_status(newer, about, "applied", facts, {}), newer)
        self.assertEqual(decide.issues(newer, "applied", facts["run"]), {})
        lost = status(plan={**seen, "changes": {}}, apply={**facts, "result": "applying", "issue": None})
        found = decide.next_status(lost, {}, "failed", facts, {decide.APPLY_FAILED: 6})
        self.assertEqual((found["apply"]["result"], found["apply"]["issue"], found["plan"]), ("failed", 6, lost["plan"]))

    def test_a_failed_apply_whose_issue_is_closed_is_settled_by_an_empty_plan(self):
        failed = status(apply={**status()["plan"], "result": "failed", "pull": 7, "issue": 5})
        for is_closed, result, then in ((True, "no drift", "settled"), (True, "nothing", "settled"), (True, "drift", "failed"), (False, "no drift", "failed")):
            facts = {"at": NOW, "run": HERE["run"], "commit": "c", "pull": None, "counts": {}, "is_closed": is_closed}
            found = decide.next_status(failed, {}, result, facts, {})
            self.assertEqual(found["apply"]["result"], then)
        self.assertEqual(state({**failed, "apply": {**failed["apply"], "result": "settled"}}), "fine")

    def test_a_status_of_another_version_is_not_overwritten(self):
        with self.assertRaises(decide.Unreadable):
            decide.next_status({"version": 2}, {}, "applied", {}, {})


class Page(unittest.TestCase):
    def test_absent_and_old_are_not_fine(self):
        self.assertEqual(state(status()), "fine")
        self.assertEqual(state(None), "unknown")
        self.assertEqual(state({"version": 2}), "unknown")
        old = copy.deepcopy(status())
        old["plan"]["at"] = "2026-11-25T11:00:00+00:00"
        self.assertEqual(state(old), "old")
        self.assertEqual(state(status(plan=None)), "unknown")

    def test_a_failed_apply_is_blocked_while_its_issue_is_open(self):
        failed = {**status()["plan"], "result": "failed", "pull": 7}
        self.assertEqual(state(status(apply={**failed, "issue": 5})), "blocked")
        self.assertEqual(state(status(apply={**failed, "issue": 4})), "apply failed")
        self.assertEqual(state(status(apply={**failed, "issue": None})), "blocked")

    def test_an_apply_that_never_said_how_it_ended_is_shown(self):
        begun = {**status()["plan"], "result": "applying", "pull": 7, "issue": None}
        self.assertEqual(state(status(apply={**begun, "at": "2026-11-27T11:30:00+00:00"})), "not applied")
        self.assertEqual(state(status(apply=begun)), "blocked")

    def test_one_bad_status_does_not_hide_the_others(self):
        bad = [status(plan="x"), status(apply={"result": "failed"}), status(drift={"result": "drift"}), status(account="<b>"), status(account=None), {"version": 1}]
        bad.append(status(plan={**status()["plan"], "at": "yesterday"}))
        statuses = {"fine": status(), **{f"bad-{number}": one for number, one in enumerate(bad)}}
        found = page.rows({}, statuses, {}, NOW)
        self.assertEqual(len(found), len(statuses))
        for one in found:
            self.assertEqual(one["root"] != "fine", "can't be read" in " ".join(one["notes"]), one)
        self.assertNotIn("<b>", page.document(found, NOW) + page.markdown(found, NOW))

    def test_a_text_of_a_status_is_no_link_and_calls_nobody(self):
        bad = status(waiting={"result": "[click](https://evil.example) @org/all `x`", "issue": None})
        text = page.markdown(page.rows({}, {"network": bad}, {}, NOW), NOW)
        for part in ("[click]", "https://evil", "@org", "`"):
            self.assertNotIn(part, text)
        self.assertIn("click", text)

    def test_names_are_texts_and_no_markup(self):
        bad = status(repository="<script>x|y")
        found = page.rows({}, {"network": bad}, {}, NOW)
        self.assertNotIn("<script>", page.document(found, NOW) + page.markdown(found, NOW))
        self.assertIn("not in the pipeline's map", page.markdown(found, NOW))


class Stop(unittest.TestCase):
    def test_an_apply_that_takes_too_long_is_asked_to_stop_and_waited_for(self):
        process = mock.Mock(returncode=1)
        process.wait.side_effect = [subprocess.TimeoutExpired("terraform", 1), None]
        with mock.patch.object(roots.subprocess, "Popen", return_value=process), self.assertRaises(roots.Refused):
            roots.stopped_in_time("terraform", "apply", seconds=1)
        self.assertEqual(process.mock_calls, [mock.call.wait(1), mock.call.send_signal(signal.SIGINT), mock.call.wait()])

    def test_there_is_time_left_in_the_accounts_session_when_an_apply_is_asked_to_stop(self):
        self.assertLessEqual(roots.MOST_OF_AN_APPLY, 55 * 60)
