"""Whom the pipeline's roles let in, and that the rest of the example fits them.

The trust policies are read as IAM reads them: StringEquals is equality, and ArnLike matches each part of an ARN with
asterisks (IAM user guide, "IAM JSON policy elements: Condition operators").
"""

import fnmatch
import json
import re
import unittest

import terraform
from tree import SOURCE, SOURCES, shared

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

NAMES = "repo:example-org/banto"
IDS = "repo:example-org@12345678/banto@87654321"

# Who may be the roles of the root `identity`: the role's phase and the token's subject. Main of Banto's own repository may be the page's.
ADMITTED = [
    ("plan", f"{NAMES}:pull_request"),
    ("plan", f"{NAMES}:ref:refs/heads/main"),
    ("plan", f"{IDS}:pull_request"),
    ("plan", f"{IDS}:ref:refs/heads/main"),
    ("apply", f"{NAMES}:environment:identity"),
    ("apply", f"{IDS}:environment:identity"),
    ("status", f"{NAMES}:ref:refs/heads/main"),
    ("status", f"{IDS}:ref:refs/heads/main"),
]
ROLES = {"plan": "pipeline-plan-identity", "apply": "pipeline-apply-identity", "status": "pipeline-status"}

# Who may be neither.
REFUSED = {
    "another branch": ":ref:refs/heads/feature",
    "a branch whose name begins like main": ":ref:refs/heads/main-2",
    "a branch below main": ":ref:refs/heads/main/evil",
    "a tag": ":ref:refs/tags/v1.0.0",
    "a tag named main": ":ref:refs/tags/main",
    "another root's environment": ":environment:management",
    "an environment whose name begins like the root": ":environment:identity-2",
    "an environment in capitals": ":environment:Identity",
    "an environment with more behind it": ":environment:identity:ref:refs/heads/main",
    "no environment": ":environment:",
    "a pull request in capitals": ":PULL_REQUEST",
    "nothing": "",
    "an asterisk": ":*",
}

# Repositories that are not ours, for each occasion that a role is there for.
STRANGERS = {
    "another repository": "repo:example-org/shop",
    "a repository whose name begins like ours": "repo:example-org/banto-evil",
    "a fork": "repo:mallory/banto",
    "an owner whose name begins like ours": "repo:example-org-evil/banto",
    "an owner whose name ends like ours": "repo:evil-example-org/banto",
    "the owner in capitals": "repo:Example-Org/banto",
    "the repository in capitals": "repo:example-org/BANTO",
    "a repository of our name that was made anew": "repo:example-org@12345678/banto@87654322",
    "an owner of our name who registered it later": "repo:example-org@12345679/banto@87654321",
    "ids without the repository's": "repo:example-org@12345678/banto",
    "a name that holds ours": "repo:mallory/repo:example-org/banto",
    "no repo in front": "example-org/banto",
    "a space": "repo:example-org/banto ",
}

OCCASIONS = [":pull_request", ":ref:refs/heads/main", ":environment:identity"]


def lets_in(document, claims):
    """Whether a trust policy of StringEquals lets a token in."""
    for statement in document["Statement"]:
        assert set(statement) == {"Effect", "Principal", "Action", "Condition"}, statement
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sts:AssumeRoleWithWebIdentity"), statement
        assert set(statement["Condition"]) == {"StringEquals"}, statement
        equals = statement["Condition"]["StringEquals"]
        if all(claims.get(key) in ([value] if isinstance(value, str) else value) for key, value in equals.items()):
            return True
    return False


def token(subject, audience=AUDIENCE):
    return {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": audience}


def arn_like(pattern, arn):
    """ArnLike: each of the six parts by itself."""
    parts, patterns = arn.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


def trusts(root):
    """The trust policies of a root's roles, by name."""
    return {role["values"]["name"]: json.loads(role["values"]["assume_role_policy"]) for role in root.of("aws_iam_role")}


def admitted(document, subject):
    return lets_in(document, token(subject))


def backends():
    """What the backend of each root says."""
    return {
        root.name: dict(re.findall(r"(\w+)\s*=\s*\"?([^\"\n]+)\"?", (root / "backend.tf").read_text()))
        for root in SOURCE.roots()
    }


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Trust(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = terraform.applied_roots(shared())["pipeline"]
        cls.trusts = trusts(cls.root)
        cls.identity = {phase: cls.trusts[name] for phase, name in ROLES.items()}

    def test_both_forms_of_the_subject_are_let_in_by_the_role_that_they_are_for_and_by_no_other(self):
        for phase, subject in ADMITTED:
            for name, document in self.trusts.items():
                # Every root of the repository is planned on its pull requests, and on main.
                of_main = subject.endswith(":ref:refs/heads/main")
                right = name == ROLES[phase] or phase != "apply" and name.startswith("pipeline-plan-") or of_main and name == "pipeline-status"
                self.assertEqual(admitted(document, subject), right, f"{name}: {subject}")

    def test_a_pull_request_is_not_the_page_of_all_roots(self):
        for repository in (NAMES, IDS):
            for occasion in (":pull_request", ":environment:identity"):
                self.assertFalse(admitted(self.identity["status"], repository + occasion), repository)

    def test_nobody_else_of_the_repository_is_let_in(self):
        for repository in (NAMES, IDS):
            for who, occasion in REFUSED.items():
                for phase, document in self.identity.items():
                    self.assertFalse(admitted(document, repository + occasion), f"{phase}: {who}")

    def test_no_other_repository_is_let_in(self):
        for who, repository in STRANGERS.items():
            for occasion in OCCASIONS:
                for phase, document in self.identity.items():
                    self.assertFalse(admitted(document, repository + occasion), f"{phase}: {who}{occasion}")

    def test_a_token_for_somebody_else_or_without_a_claim_is_not_let_in(self):
        for phase, subject in ADMITTED:
            document = self.identity[phase]
            self.assertFalse(lets_in(document, token(subject, "https://github.com/example-org")))
            self.assertFalse(lets_in(document, {f"{ISSUER}:sub": subject}))
            self.assertFalse(lets_in(document, {f"{ISSUER}:aud": AUDIENCE}))

    def test_no_condition_has_a_wildcard(self):
        for name, document in self.trusts.items():
            self.assertNotRegex(json.dumps(document), r"[*?]|Like", name)

    def test_the_baselines_roles_trust_the_pipelines_roles_and_each_its_own_kind(self):
        roles = self.root.variables["banto"]["onboarding"]["roles"]
        hub = self.root.variables["banto"]["organization"]["management_account"]
        for phase, other in (("plan", "apply"), ("apply", "plan")):
            role = roles[f"terraform-{phase}"]
            pattern = json.loads(role["conditions"])["ArnLike"]["aws:PrincipalArn"]
            self.assertEqual(role["trusted"], [hub])
            at = f"arn:aws:iam::{hub}:role/banto/pipeline"
            self.assertTrue(arn_like(pattern, f"{at}-{phase}-identity"))
            for stranger in (f"{at}-{other}-identity", f"{at}-{phase}", f"{at}-{phase}ner", f"{at}x-{phase}-identity"):
                self.assertFalse(arn_like(pattern, stranger), stranger)
            self.assertFalse(arn_like(pattern, f"arn:aws:iam::{hub}:role/pipeline-{phase}-identity"))
            self.assertFalse(arn_like(pattern, f"arn:aws:iam::111122223333:role/banto/pipeline-{phase}-identity"))


def workflows():
    """The text of all workflows."""
    return "".join(path.read_text() for path in sorted((SOURCES / ".github/workflows").glob("*.yml")))


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Names(unittest.TestCase):
    """What workflows name is what the module makes."""

    @classmethod
    def setUpClass(cls):
        cls.root = terraform.applied_roots(shared())["pipeline"]

    def test_workflows_ask_for_the_roles_that_there_are_and_for_sessions_as_long_as_they_give(self):
        text = re.sub(r"\$\{\{ *inputs\.root *\}\}", "identity", workflows())
        longest = {role["values"]["name"]: role["values"]["max_session_duration"] for role in self.root.of("aws_iam_role")}
        asked = re.findall(r"role/banto/(\S+)\n(?:\s*#.*\n)*(?:\s*role-duration-seconds: (\d+))?", text)
        self.assertEqual({name for name, _ in asked}, set(ROLES.values()))
        # configure-aws-credentials asks for an hour unless it is told.
        for name, seconds in asked:
            self.assertLessEqual(int(seconds or 3600), longest[name], name)
        # What writes the state after the last change must not end before what changes.
        self.assertIn((ROLES["apply"], "7200"), asked)

    def test_workflows_read_the_variables_that_the_root_puts_out_and_no_others(self):
        given = self.root.state["values"]["outputs"]["github_variables"]["value"]
        # A person sets this one, where GitHub's plan has no attestations: docs/pipeline.md.
        by_hand = {"BANTO_ATTESTATIONS"}
        self.assertEqual(set(re.findall(r"vars\.(\w+)", workflows())), set(given) | by_hand)
        self.assertEqual(json.loads(given["BANTO_ROOTS"])["identity"], {"repository": "example-org/banto", "accounts": ["111122223333"]})

    def test_each_object_that_the_program_names_is_one_that_its_role_reaches(self):
        program = (SOURCES / "infra/pipeline/roots.py").read_text()
        named = {re.sub(r"\{[^}]*\}", "7", name.replace("{env('ROOT')}", "identity")) for name in re.findall(r'f"((?:state|plans|status)/[^"]+)"', program)}
        self.assertEqual(named, {"state/identity.tfstate", "status/identity.json", "plans/identity/run/7-7.tar.gz", "plans/identity/pull/7/7.tar.gz"})
        policies = {one["values"]["role"]: json.loads(one["values"]["policy"])["Statement"] for one in self.root.of("aws_iam_role_policy")}
        bucket = self.root.state["values"]["outputs"]["github_variables"]["value"]["BANTO_STATE_BUCKET"]

        def may(phase, action, name):
            return any(
                action in statement["Action"] and any(fnmatch.fnmatchcase(f"arn:aws:s3:::{bucket}/{name}", arn) for arn in statement["Resource"])
                for statement in policies[ROLES[phase]]
                if not isinstance(statement["Action"], str)
            )

        written = {"plan": ("plans/", "status/"), "apply": ("state/", "status/"), "status": ()}
        for name in named:
            for phase, own in written.items():
                self.assertEqual(may(phase, "s3:GetObject", name), phase != "status" or name.startswith("status/"), f"{phase}: {name}")
                self.assertEqual(may(phase, "s3:PutObject", name), name.startswith(own), f"{phase}: {name}")


class Example(unittest.TestCase):
    def test_each_root_but_the_pipelines_own_keeps_its_state_in_the_hubs_bucket(self):
        settings = (SOURCE.example / "pipeline" / "terraform.tfvars").read_text()
        bucket = re.search(r'^state_bucket = "([^"]+)"', settings, re.MULTILINE).group(1)
        region = SOURCE.values()["organization"]["home_region"]
        for name, backend in backends().items():
            self.assertEqual((backend["use_lockfile"], backend["encrypt"], backend["region"]), ("true", "true", region), name)
            slug = re.search(rf"^      {name}\s+= ", settings, re.MULTILINE)
            if name == "pipeline":
                self.assertIsNone(slug, "the pipeline must not apply its own trust")
                self.assertNotEqual(backend["bucket"], bucket)
            else:
                self.assertTrue(slug, f"{name} is no root of the pipeline")
                self.assertEqual((backend["bucket"], backend["key"]), (bucket, f"state/{name}.tfstate"), name)
