"""The steps of docs/BREAK-GLASS.md are played by the page's own commands, on ministack with IAM enforced.

Five things are not there as AWS has them: no session has a second factor, the caller's own policy is not asked about the
session's name, iam:PolicyARN is never in a request, variables stay as they are, and aws:PrincipalArn of a role's session is the
session's own ARN. So the documents are given to it without the first three, with `alice` for the fourth, and with the session's
ARN for the fifth. test_evaluator asks its evaluator about them as they are.
"""

import json
import re
import tempfile
import unittest
from pathlib import Path

import evaluator
import pages
import terraform
import tree
from evaluator import IDENTITY, MANAGEMENT

PAGE = "docs/BREAK-GLASS.md"
ROLE = f"arn:aws:iam::{IDENTITY}:role/break-glass"
SESSION = f"arn:aws:sts::{IDENTITY}:assumed-role/break-glass/alice"
KEY = "AKIAIOSFODNN7EXAMPLE"
RECORD = "banto/access-keys/alice"
STATE = "example-terraform-state-999988887777"


def command(page, start):
    """The one command of a page that begins so, as its reader types it."""
    text = (tree.SOURCES / page).read_text()
    found = [one.words for one in pages.of(page, text, "aws") if " ".join(one.words).startswith(f"aws {start}")]
    whole = [words for words in found if any(word.startswith("--") for word in words)] or found
    if len(whole) != 1:
        raise AssertionError(f"{page} has {len(whole)} commands that begin with aws {start}")
    return whole[0]


def said(words, values):
    """A command with what the reader knows in place of what the page has."""
    for old, new in values.items():
        if not any(old in word for word in words):
            raise AssertionError(f"{old} is not in {words}")
        words = tuple(word.replace(old, new) for word in words)
    return words


def without_second_factor(trust):
    """A trust policy without what no session of ministack has."""
    document = json.loads(evaluator.put_in(trust, "alice"))
    for statement in document["Statement"]:
        conditions = statement["Condition"]
        assert conditions.pop("Bool") == {"aws:MultiFactorAuthPresent": "true"}
        assert conditions.pop("NumericLessThan") == {"aws:MultiFactorAuthAge": "3600"}
    return json.dumps(document)


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class BreakGlass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.identity = terraform.applied_roots(tree.shared())["identity"]

    def setUp(self):
        self.server = evaluator.Server()
        self.addCleanup(self.server.close)

    def rendered(self, address, attribute):
        [one] = [one for one in self.identity.resources if one["address"] == address]
        return one["values"][attribute]

    def cli(self, credentials):
        return pages.Cli(self.server.url, credentials)

    def done(self, credentials, words):
        """What a command prints that must succeed."""
        code, printed, errors, _ = self.cli(credentials).run(words)
        self.assertEqual(code, 0, f"{' '.join(words)}: {errors}")
        return json.loads(printed) if printed.strip() else None

    def denied(self, credentials, words):
        code, _, errors, _ = self.cli(credentials).run(words)
        self.assertNotEqual(code, 0, words)
        self.assertRegex(errors, r"AccessDenied|not authorized", " ".join(words))

    def people(self):
        """Users with keys: alice, who may break the glass, and bob, whose key is exposed."""
        iam = self.server.root("iam")
        trust = without_second_factor(self.rendered('module.identity.aws_iam_role.break_glass["break-glass"]', "assume_role_policy"))
        iam.create_role(RoleName="break-glass", AssumeRolePolicyDocument=trust)
        policy = json.loads(self.rendered('module.identity.aws_iam_role_policy.break_glass["break-glass"]', "policy"))
        [condition] = [statement.pop("Condition") for statement in policy["Statement"] if "Condition" in statement]
        self.assertEqual(condition, {"ArnEquals": {"iam:PolicyARN": f"arn:aws:iam::{IDENTITY}:policy/banto/deny-temporary-credentials"}})
        iam.put_role_policy(RoleName="break-glass", PolicyName="break-glass", PolicyDocument=json.dumps(policy))
        denial = self.rendered("module.identity.aws_iam_policy.deny_temporary_credentials", "policy")
        iam.create_policy(PolicyName="deny-temporary-credentials", Path="/banto/", PolicyDocument=denial)
        iam.create_group(GroupName="banto-break-glass")
        group = json.loads(self.rendered('module.identity.aws_iam_group_policy.break_glass["break-glass"]', "policy"))
        for statement in group["Statement"]:
            self.assertEqual(statement.pop("Condition"), {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}})
        iam.put_group_policy(GroupName="banto-break-glass", PolicyName="break-glass", PolicyDocument=json.dumps(group))
        keys = {}
        for user in ("alice", "bob", "carol"):
            iam.create_user(UserName=user)
            keys[user] = iam.create_access_key(UserName=user)["AccessKey"]
        iam.add_user_to_group(GroupName="banto-break-glass", UserName="alice")
        everything = json.dumps({"Version": "2012-10-17", "Statement": [evaluator.ALL]})
        iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=everything)
        return {user: (key["AccessKeyId"], key["SecretAccessKey"], None) for user, key in keys.items()}

    def glass(self, keys):
        session = self.done(keys["alice"], command(PAGE, "sts assume-role"))["Credentials"]
        return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]

    def test_who_is_in_the_group_becomes_break_glass_by_their_own_name_and_nobody_else_does(self):
        keys = self.people()
        assume = command(PAGE, "sts assume-role")
        answer = self.done(keys["alice"], assume)
        self.assertEqual(answer["AssumedRoleUser"]["Arn"], SESSION)
        self.denied(keys["alice"], said(assume, {"alice": "bob"}))
        self.denied(keys["carol"], assume)
        self.denied(keys["bob"], assume)

    def test_a_key_ends_at_once_and_works_again(self):
        keys = self.people()
        glass = self.glass(keys)
        end = said(command(PAGE, "iam update-access-key"), {KEY: keys["bob"][0]})
        self.done(keys["bob"], ("aws", "iam", "list-users"))
        self.done(glass, end)
        [key] = self.server.root("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]
        self.assertEqual(key["Status"], "Inactive")
        code, _, errors, _ = self.cli(keys["bob"]).run(("aws", "iam", "list-users"))
        self.assertNotEqual(code, 0, "the key works still")
        self.done(glass, said(end, {"Inactive": "Active"}))
        self.done(keys["bob"], ("aws", "iam", "list-users"))

    def test_a_users_sessions_end_until_the_denial_is_detached(self):
        keys = self.people()
        glass = self.glass(keys)
        session = self.done(keys["bob"], ("aws", "sts", "get-session-token"))["Credentials"]
        session = session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
        look = ("aws", "ec2", "describe-vpcs")
        self.done(session, look)
        attach = command(PAGE, "iam attach-user-policy")
        self.done(glass, attach)
        self.denied(session, look)
        self.done(keys["bob"], look)
        # "with the same arguments"
        detach = command(PAGE, "iam detach-user-policy")
        self.done(glass, (*detach[:3], *attach[3:]))
        self.done(session, look)

    def record(self):
        """alice's record with two versions, whose policy knows break glass by its session."""
        secrets = self.server.root("secretsmanager")
        secrets.create_secret(Name=RECORD, SecretString="first")
        secrets.put_secret_value(SecretId=RECORD, SecretString="damaged")
        text = (tree.SOURCE.infra / "tests" / "expected" / "record-policy.json").read_text()
        self.assertIn(ROLE, text)
        secrets.put_resource_policy(SecretId=RECORD, ResourcePolicy=text.replace(ROLE, SESSION))
        return secrets

    def test_a_record_is_listed_and_its_earlier_version_made_current(self):
        keys = self.people()
        glass = self.glass(keys)
        secrets = self.record()
        handbook = "docs/OPERATIONS.md"
        versions = self.done(glass, command(handbook, "secretsmanager list-secret-version-ids"))["Versions"]
        ids = {stage: version["VersionId"] for version in versions for stage in version.get("VersionStages", [])}
        mend = command(handbook, "secretsmanager update-secret-version-stage")
        self.assertLessEqual({"EARLIER", "CURRENT"}, set(mend))
        mend = tuple({"EARLIER": ids["AWSPREVIOUS"], "CURRENT": ids["AWSCURRENT"]}.get(word, word) for word in mend)
        self.denied(keys["carol"], mend)
        self.denied(keys["bob"], mend)
        self.done(glass, mend)
        self.assertEqual(secrets.get_secret_value(SecretId=RECORD)["SecretString"], "first")

    def test_a_records_wrong_policy_is_taken_away_by_break_glass(self):
        keys = self.people()
        glass = self.glass(keys)
        secrets = self.record()
        nobody = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}
        secrets.put_resource_policy(SecretId=RECORD, ResourcePolicy=json.dumps(nobody))
        read = ("aws", "secretsmanager", "get-secret-value", "--secret-id", RECORD)
        self.denied(glass, read)
        away = command("docs/SECURITY.md", "secretsmanager delete-resource-policy")
        self.denied(keys["carol"], away)
        self.done(glass, away)
        self.assertEqual(self.done(glass, read)["SecretString"], "damaged")

    def test_break_glass_may_do_nothing_that_the_page_does_not_have(self):
        keys = self.people()
        glass = self.glass(keys)
        secrets = self.record()
        other = secrets.create_secret(Name="banto/slack/token", SecretString="x")["ARN"]
        self.server.root("iam").create_role(RoleName="admin", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))
        for words in (
            "iam create-access-key --user-name bob",
            "iam create-login-profile --user-name bob --password Abcdefgh1",
            "iam list-roles",
            "iam attach-role-policy --role-name break-glass --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
            f"sts assume-role --role-arn arn:aws:iam::{IDENTITY}:role/admin --role-session-name alice",
            f"secretsmanager get-secret-value --secret-id {other}",
            f"secretsmanager delete-secret --secret-id {RECORD}",
            "s3api list-buckets",
            "cloudtrail lookup-events",
            "lambda put-function-concurrency --function-name banto-rotate-access-keys --reserved-concurrent-executions 0",
        ):
            self.denied(glass, ("aws", *words.split()))

    def test_an_earlier_state_is_listed_and_read_by_its_version(self):
        s3 = self.server.root("s3", MANAGEMENT)
        s3.create_bucket(Bucket=STATE, CreateBucketConfiguration={"LocationConstraint": evaluator.REGION})
        s3.put_bucket_versioning(Bucket=STATE, VersioningConfiguration={"Status": "Enabled"})
        for body in (b'{"serial": 7}', b"damaged"):
            s3.put_object(Bucket=STATE, Key="state/identity.tfstate", Body=body)
        s3.delete_object(Bucket=STATE, Key="state/identity.tfstate")
        root = (MANAGEMENT, "test", None)
        versions = self.done(root, command(PAGE, "s3api list-object-versions"))["Versions"]
        self.assertEqual(len(versions), 2)
        [whole] = [version for version in versions if not version["IsLatest"] and version["Size"] > len("damaged")]
        read = tuple(whole["VersionId"] if word == "ID" else word for word in command(PAGE, "s3api get-object"))
        self.assertEqual(read[-1], "identity.tfstate")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / read[-1]
            self.done(root, (*read[:-1], str(path)))
            self.assertEqual(path.read_text(), '{"serial": 7}')

    def test_a_quarantined_account_lets_nobody_but_the_spared_role_do_anything(self):
        [words] = [command(PAGE, "organizations create-policy")]
        text = words[words.index("--content") + 1]
        document = evaluator.Document("limit", text)
        for who in (f"arn:aws:iam::{IDENTITY}:root", f"arn:aws:iam::{IDENTITY}:user/alice", ROLE, f"arn:aws:iam::{IDENTITY}:role/admin"):
            for action in ("iam:CreateAccessKey", "sts:AssumeRole", "s3:GetObject", "organizations:LeaveOrganization"):
                case = evaluator.Case("quarantine", "#0", False, who, action)
                self.assertIsNone(evaluator.problem({"quarantine": document}, case))
        spared = evaluator.Case("quarantine", "#0", True, f"arn:aws:iam::{IDENTITY}:role/OrganizationAccountAccessRole", "iam:ListUsers")
        self.assertIsNone(evaluator.problem({"quarantine": document}, spared))

    def test_a_service_control_policy_is_found_detached_and_attached_again(self):
        root = (MANAGEMENT, "test", None)
        organizations = self.server.root("organizations", MANAGEMENT)
        account = organizations.create_account(Email="identity@example.com", AccountName="identity")["CreateAccountStatus"]["AccountId"]
        quarantine = self.done(root, command(PAGE, "organizations create-policy"))["Policy"]["PolicySummary"]
        self.assertEqual(quarantine["Type"], "SERVICE_CONTROL_POLICY")
        texts = [one.words for one in pages.of(PAGE, (tree.SOURCES / PAGE).read_text(), "aws")]
        attach = [words for words in texts if words[1:3] == ("organizations", "attach-policy")]
        self.assertEqual(len(attach), 2)
        values = {IDENTITY: account}
        by_id = lambda words: tuple(re.sub(r"p-examplepolicyid\d{3}", quarantine["Id"], word) for word in said(words, values))
        self.done(root, by_id(attach[1]))
        found = self.done(root, said(command(PAGE, "organizations list-policies-for-target"), values))["Policies"]
        self.assertIn(quarantine["Id"], [policy["Id"] for policy in found])
        self.done(root, by_id(command(PAGE, "organizations detach-policy")))
        found = self.done(root, said(command(PAGE, "organizations list-policies-for-target"), values))["Policies"]
        self.assertNotIn(quarantine["Id"], [policy["Id"] for policy in found])
        self.done(root, by_id(attach[0]))
