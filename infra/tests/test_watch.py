"""Each rule of the watch hears of what it is for, and of nothing that belongs to normal work."""

import copy
import functools
import json
import re
import unittest

import terraform
from tree import shared

HEADING = "## What is watched"
ACCOUNT, MANAGEMENT = "111122223333", "999988887777"
HOME, GLOBAL, ELSEWHERE = "ap-northeast-1", "us-east-1", "eu-west-1"

# What a pattern means. (EventBridge user guide, "Comparison operators for use in event patterns".)


def matches(pattern, event):
    """True if an event has all that a pattern asks for."""
    if isinstance(event, list):
        return any(matches(pattern, one) for one in event)
    event = event if isinstance(event, dict) else {}
    for key, wanted in pattern.items():
        if key == "$or":
            if len(wanted) < 2:
                raise ValueError("$or is a field's name where it has fewer than two patterns")
            if not any(matches(one, event) for one in wanted):
                return False
        elif isinstance(wanted, dict):
            if not matches(wanted, event.get(key)):
                return False
        elif not any(fits(one, leaves(event.get(key))) for one in wanted):
            return False
    return True


def leaves(value):
    """The values of a field. An object that has fields of its own is none."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if one is not None and not isinstance(one, dict)]


def fits(test, values):
    if not isinstance(test, dict):
        return test in values
    ((operator, argument),) = test.items()
    if operator == "exists":
        return bool(values) == argument
    # Like all but exists, anything-but needs the field to be there.
    return any(OPERATORS[operator](argument, value) for value in values)


def anything_but(argument, value):
    if isinstance(argument, dict):
        return not fits(argument, [value])
    return value not in (argument if isinstance(argument, list) else [argument])


def wildcard(argument, value):
    return re.fullmatch(".*".join(map(re.escape, argument.split("*"))), value) is not None


OPERATORS = {
    "anything-but": anything_but,
    "equals-ignore-case": lambda argument, value: value.lower() == argument.lower(),
    "prefix": lambda argument, value: value.startswith(argument),
    "suffix": lambda argument, value: value.endswith(argument),
    "wildcard": wildcard,
}


def hears(rule, event):
    """True if EventBridge takes an event to a rule."""
    if rule["region"] != event["region"]:
        return False
    if event["detail"].get("readOnly") and rule["state"] != "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
        return False
    return matches(json.loads(rule["event_pattern"]), event)


def told(target, event):
    """The text that a target is sent: an input transformer's, with nothing where an event lacks the field."""
    (transformer,) = target["input_transformer"]

    def value(found):
        part = event
        for key in transformer["input_paths"][found[1]].split(".")[1:]:
            part = part.get(key, "") if isinstance(part, dict) else ""
        return str(part)

    return json.loads(re.sub(r"<(\w+)>", value, transformer["input_template"]))


# Who calls. (CloudTrail user guide, "CloudTrail userIdentity element".)


def user(name, **more):
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    return {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": arn, "accountId": ACCOUNT, "userName": name, **more}


def session(role, name="alice", account=ACCOUNT):
    plain = role.rsplit("/", 1)[-1]
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{plain}/{name}",
        "accountId": account,
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{account}:role/{role}", "userName": plain}},
    }


def of_account(account, name):
    """A session of another account, as the account of the role sees it."""
    return {"type": "AWSAccount", "principalId": f"AROAOTHER:{name}", "accountId": account}


ALICE = user("alice")
# At the console, or by `aws login`.
ALICE_SIGNED_IN = user("alice", sessionContext={"sessionIssuer": {}, "attributes": {"mfaAuthenticated": "true"}})
ROOT = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT, "sessionContext": {"sessionIssuer": {}}}
ADMIN, BANTO, PIPELINE = session("admin"), session("banto/rotate-access-keys", "banto-rotate-access-keys"), session("terraform-apply")
GLASS = session("break-glass")
# A role of the same name and another path is another role.
NAMESAKE = session("elsewhere/rotate-access-keys")
SERVICE = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}


def call(service, name, who, request=None, region=HOME, reads=False, **more):
    return {
        "version": "0",
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": region,
        "detail": {
            "userIdentity": who,
            "eventTime": "2026-11-27T09:00:00Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": "192.0.2.1",
            "userAgent": "aws-cli/2.31",
            "requestParameters": request,
            "eventID": "0a1b2c3d-0000-4000-8000-000000000000",
            "readOnly": reads,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            **more,
        },
    }


def iam(name, who, **request):
    return call("iam", name, who, request, GLOBAL)


def tag(who, key, name="TagUser", on="bob"):
    return iam(name, who, userName=on, tags=[{"key": "team", "value": "a"}, {"key": key, "value": "x"}])


def untag(who, key):
    return iam("UntagUser", who, userName="bob", tagKeys=["team", key])


def secret(name, who, on="banto/access-keys/bob"):
    return call("secretsmanager", name, who, {"secretId": on})


KEY = f"arn:aws:kms:{HOME}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = KEY.replace("1234abcd", "99999999")


def key(name, who, arn=KEY, **more):
    return call("kms", name, who, {"keyId": arn.split("/")[-1]}, resources=[{"ARN": arn, "type": "AWS::KMS::Key"}], **more)


def bucket(name, who, on=f"banto-certificates-{ACCOUNT}"):
    return call("s3", name, who, {"bucketName": on, "Host": "s3.amazonaws.com"})


def function(name, who, on="banto-rotate-access-keys"):
    return call("lambda", name, who, {"functionName": on})


def assume(who, role, name="alice", region=HOME, **more):
    request = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "roleSessionName": name}
    return call("sts", "AssumeRole", who, request, region, reads=True, **more)


def refused(event):
    event = copy.deepcopy(event)
    event["detail"]["errorCode"] = "AccessDenied"
    return event


REACH = "OrganizationAccountAccessRole"
ONBOARD = of_account(MANAGEMENT, "banto")
RULE, TRAIL = {"name": "banto-watch-pins"}, {"name": "organization"}
SECRET_ARN = f"arn:aws:secretsmanager:{HOME}:{ACCOUNT}:secret:banto/access-keys/bob-AbCdEf"
FUNCTION_ARN = f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:banto-rotate-access-keys"

# What each rule is for.
CAUGHT = {
    "pins": [
        tag(ADMIN, "banto:openpgp"), tag(ROOT, "banto:openpgp"), tag(PIPELINE, "Banto:OpenPGP"), tag(ADMIN, "banto:acknowledged"),
        tag(ADMIN, "banto:openpgp", "CreateUser"), untag(ADMIN, "banto:openpgp"), refused(tag(ADMIN, "banto:openpgp")), tag(SERVICE, "banto:openpgp"),
    ],
    "slack-ids": [tag(ADMIN, "banto:slack"), tag(ROOT, "BANTO:SLACK"), untag(ADMIN, "banto:slack")],
    "devices": [
        iam("EnableMFADevice", ADMIN, userName="bob"), iam("CreateVirtualMFADevice", PIPELINE, virtualMFADeviceName="bob"),
        iam("DeactivateMFADevice", ROOT, userName="bob"), iam("DeleteVirtualMFADevice", ADMIN, serialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/bob"),
        iam("ResyncMFADevice", ADMIN, userName="bob"),
    ],
    "passwords": [iam("CreateLoginProfile", ADMIN, userName="bob"), iam("UpdateLoginProfile", ALICE, userName="bob"), iam("CreateLoginProfile", ROOT, userName="bob")],
    "records": [
        secret("PutResourcePolicy", ADMIN), secret("DeleteResourcePolicy", ROOT, SECRET_ARN), secret("DeleteSecret", ALICE),
        secret("PutSecretValue", PIPELINE), secret("UpdateSecretVersionStage", ADMIN, SECRET_ARN), secret("DeleteResourcePolicy", NAMESAKE),
        secret("UpdateSecret", ADMIN),
    ],
    "certificates": [bucket(name, ADMIN) for name in ("DeleteBucket", "DeleteBucketPolicy", "PutBucketPolicy", "PutBucketVersioning", "PutBucketLifecycle")]
    + [bucket("PutBucketPolicy", ROOT), bucket("PutBucketPolicy", ALICE)],
    "signing-key": [key(name, ADMIN) for name in ("PutKeyPolicy", "CreateGrant", "ScheduleKeyDeletion", "DisableKey")] + [key("PutKeyPolicy", ROOT)],
    "signatures": [key("Sign", ADMIN, reads=True), key("Sign", ALICE, reads=True), key("Sign", PIPELINE, reads=True), key("Sign", NAMESAKE, reads=True)],
    "code": [
        function("UpdateFunctionCode20150331v2", ADMIN), function("UpdateFunctionConfiguration20150331v2", ADMIN, FUNCTION_ARN),
        function("UpdateFunctionCode20150331v2", ROOT), function("UpdateFunctionCode20150331v2", ALICE, f"{ACCOUNT}:function:banto-rotate-access-keys"),
    ],
    "break-glass": [assume(ALICE, "break-glass"), assume(ADMIN, "break-glass", region=GLOBAL), refused(assume(ALICE, "break-glass"))],
    "break-glass-calls": [iam("DeleteAccessKey", GLASS, userName="bob"), call("sqs", "SetQueueAttributes", GLASS)],
    "reach-role": [
        assume(ADMIN, REACH), assume(of_account("444455556666", "banto"), REACH), assume(of_account(MANAGEMENT, "mallory"), REACH, "mallory", GLOBAL),
    ],
    "rules": [call("events", name, ADMIN, RULE, region) for name in ("DisableRule", "DeleteRule", "PutRule") for region in (HOME, GLOBAL)]
    + [call("events", "RemoveTargets", ROOT, {"rule": "banto-watch-pins"}, GLOBAL)],
    "trail": [call("cloudtrail", name, ADMIN, TRAIL, region) for name in ("StopLogging", "DeleteTrail") for region in (HOME, GLOBAL)]
    + [call("cloudtrail", "PutEventSelectors", ALICE, {"trailName": "organization"})],
}

# What happens on a normal day, of which nobody wants a mail.
QUIET = {
    "a user pins, acknowledges and changes the Slack id": [
        tag(who, name, on="alice") for who in (ALICE, ALICE_SIGNED_IN) for name in ("banto:openpgp", "banto:acknowledged", "banto:slack")
    ],
    "a user registers a device": [
        iam("CreateVirtualMFADevice", ALICE_SIGNED_IN, virtualMFADeviceName="alice"), iam("EnableMFADevice", ALICE_SIGNED_IN, userName="alice"),
    ],
    "a user changes the password": [iam("ChangePassword", ALICE_SIGNED_IN)],
    "a user reads the own record and assumes a role": [secret("GetSecretValue", ALICE), assume(ALICE, "readonly")],
    "Banto works": [
        *(secret(name, BANTO) for name in ("PutResourcePolicy", "PutSecretValue", "UpdateSecretVersionStage", "DeleteResourcePolicy")),
        key("Sign", BANTO, reads=True), iam("CreateAccessKey", BANTO, userName="alice"), iam("DeleteAccessKey", BANTO, userName="alice"),
        call("secretsmanager", "CreateSecret", BANTO, {"name": "banto/access-keys/alice"}),
    ],
    "onboard-accounts looks at the account": [assume(ONBOARD, REACH, "banto"), iam("UpdateAssumeRolePolicy", session(REACH, "banto"), roleName="admin")],
    "the pipeline deploys": [
        function("UpdateFunctionCode20150331v2", PIPELINE), function("UpdateFunctionConfiguration20150331v2", PIPELINE), key("PutKeyPolicy", PIPELINE),
        bucket("PutBucketPolicy", PIPELINE), bucket("PutBucketLifecycle", PIPELINE), tag(PIPELINE, "banto:slack", "CreateUser"),
        iam("CreateUser", PIPELINE, userName="dave", path="/"), iam("TagUser", PIPELINE, userName="dave", tags=[{"key": "team", "value": "a"}]),
        call("events", "PutRule", PIPELINE, RULE, GLOBAL), call("events", "PutTargets", PIPELINE, {"rule": "banto-watch-pins"}, HOME),
    ],
    "somebody leaves": [
        iam("DeactivateMFADevice", PIPELINE, userName="bob"), iam("DeleteVirtualMFADevice", PIPELINE, serialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/bob"),
        iam("DeleteLoginProfile", PIPELINE, userName="bob"), iam("DeleteUser", PIPELINE, userName="bob"),
    ],
    "somebody works on something else": [
        tag(ADMIN, "team"), untag(ADMIN, "owner"), secret("PutResourcePolicy", ADMIN, "banto/slack/token"), key("PutKeyPolicy", ADMIN, OTHER_KEY),
        key("Sign", ADMIN, OTHER_KEY, reads=True), bucket("PutBucketPolicy", ADMIN, "another"), function("UpdateFunctionCode20150331v2", ADMIN, "another"),
        function("UpdateFunctionCode20150331v2", ADMIN, "not-banto-rotate-access-keys"), function("GetFunction20150331v2", ADMIN),
        assume(ADMIN, "terraform-apply"), call("events", "PutRule", ADMIN, {"name": "nightly"}), iam("CreateUser", ADMIN, userName="dave"),
    ],
    "somebody looks": [
        iam("ListMFADevices", ADMIN, userName="bob"), key("GetKeyPolicy", ADMIN, reads=True), secret("GetResourcePolicy", ADMIN), bucket("GetBucketPolicy", ADMIN),
        call("iam", "ListUsers", GLASS, region=GLOBAL, reads=True), call("cloudtrail", "DescribeTrails", ADMIN, reads=True),
    ],
}


@functools.cache
def planned():
    """The rules and targets of the module's example, whose deployment has a role of its own."""
    example = shared().infra / "modules" / "watch" / "examples" / "basic"
    found = terraform.resources(terraform.plan(example)["planned_values"]["root_module"])
    return {
        kind: {one["index"]: one["values"] for one in found if one["type"] == f"aws_cloudwatch_event_{kind}"}
        for kind in ("rule", "target")
    }


def heard(rules, event):
    """The names of the rules that hear of an event."""
    return {rule["name"].removeprefix("banto-watch-") for rule in rules.values() if hears(rule, event)}


def rows(text):
    """The table's rows: what a rule hears of, by the rule's name."""
    section = re.split(r"^## ", text.split(f"\n{HEADING}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return {line[0].strip("`"): line[1:] for line in cells}


def problems(text, rules):
    """What the handbook says otherwise than the rules."""
    written, made = rows(text), {rule["name"]: rule for rule in rules.values()}
    found = [f"{name} has no row in {HEADING}" for name in sorted(made.keys() - written.keys())]
    found += [f"{name} has a row in {HEADING}, and there is no such rule" for name in sorted(written.keys() - made.keys())]
    for name in sorted(made.keys() & written.keys()):
        hears_of, means, todo = written[name]
        if hears_of != made[name]["description"]:
            found.append(f"{name}: the rule says {made[name]['description']!r}, and its row {hears_of!r}")
        if len(means.split()) < 3 or len(todo.split()) < 3:
            found.append(f"{name}: its row does not say what it means and what to do")
    return found


class Patterns(unittest.TestCase):
    def test_a_pattern_is_read_as_eventbridge_reads_it(self):
        event = {"a": "One", "list": [{"k": "x"}, {"k": "y"}], "empty": {}, "null": None}
        for pattern, expected in [
            ({"a": ["One"]}, True),
            ({"a": ["one"]}, False),
            ({"a": [{"equals-ignore-case": "one"}]}, True),
            ({"a": [{"prefix": "O"}], "b": [{"exists": False}]}, True),
            ({"a": [{"suffix": "One"}]}, True),
            ({"a": [{"wildcard": "O*e"}]}, True),
            ({"a": [{"wildcard": "O*x"}]}, False),
            ({"a": [{"anything-but": ["Two"]}]}, True),
            ({"a": [{"anything-but": {"prefix": "O"}}]}, False),
            ({"b": [{"anything-but": ["Two"]}]}, False),
            ({"list": {"k": ["y"]}}, True),
            ({"list": {"k": ["z"]}}, False),
            ({"empty": {"k": [{"exists": False}]}}, True),
            ({"null": [{"exists": True}]}, False),
            ({"$or": [{"a": ["Two"]}, {"b": [{"exists": False}]}]}, True),
            ({"$or": [{"a": ["Two"]}, {"b": [{"exists": True}]}]}, False),
            ({"$or": [{"a": ["One"]}, {"b": ["x"]}], "a": ["Two"]}, False),
        ]:
            self.assertEqual(matches(pattern, event), expected, pattern)
        with self.assertRaises(KeyError):
            matches({"a": [{"numeric": [">", 1]}]}, event)


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Watch(unittest.TestCase):
    def test_each_rule_hears_of_what_it_is_for_and_no_other_rule_does(self):
        rules = planned()["rule"]
        for name, events in CAUGHT.items():
            for event in events:
                self.assertEqual(heard(rules, event), {name}, event["detail"])
        tried = {f"{event['region']}/{name}" for name, events in CAUGHT.items() for event in events}
        regions = lambda name: {key.split("/")[0] for key in rules if key.endswith(f"/{name}")}
        self.assertEqual({key.split("/")[1] for key in rules}, set(CAUGHT))
        for name in ("pins", "rules", "trail", "break-glass", "reach-role", "break-glass-calls"):
            self.assertLessEqual({f"{region}/{name}" for region in regions(name)}, tried)

    def test_normal_work_is_silent(self):
        for work, events in QUIET.items():
            for event in events:
                self.assertEqual(heard(planned()["rule"], event), set(), f"{work}: {event['detail']}")

    def test_break_glass_that_meddles_is_told_for_what_it_does_too(self):
        event = secret("DeleteResourcePolicy", GLASS)
        self.assertEqual(heard(planned()["rule"], event), {"records", "break-glass-calls"})

    def test_nobody_but_aws_can_make_up_an_event(self):
        event = {**tag(ADMIN, "banto:openpgp"), "source": "mallory"}
        self.assertEqual(heard(planned()["rule"], event), set())

    def test_a_mail_says_who_did_what_on_whom_when_and_where(self):
        rules, targets = planned()["rule"], planned()["target"]
        self.assertEqual(set(rules), set(targets))
        for name, events in CAUGHT.items():
            for event in events:
                detail, target = event["detail"], targets[f"{event['region']}/{name}"]
                text = told(target, event)
                who, request = detail["userIdentity"], detail["requestParameters"] or {}
                on = [value for key, value in request.items() if key not in ("tags", "tagKeys", "Host")]
                wanted = [detail["eventName"], detail["eventTime"], detail["sourceIPAddress"], ACCOUNT, event["region"], *on]
                wanted += [who[key] for key in ("arn", "principalId", "accountId", "type") if key in who]
                for part in [*wanted, detail.get("errorCode", ""), f"banto-watch-{name}"]:
                    self.assertIn(part, text)
                self.assertNotRegex(text, "[<>]")
                self.assertEqual(rules[f"{event['region']}/{name}"]["region"], target["region"])

    def test_a_mail_has_no_field_into_which_a_stranger_may_write_a_quotation_mark(self):
        for target in planned()["target"].values():
            (transformer,) = target["input_transformer"]
            for path in transformer["input_paths"].values():
                self.assertNotRegex(path, "userAgent|errorMessage|responseElements|tags|policy$|description", path)

    def test_the_handbook_says_what_each_rule_means_and_what_to_do(self):
        text = (shared().path / "docs" / "OPERATIONS.md").read_text()
        rules = planned()["rule"]
        self.assertEqual(problems(text, rules), [])
        without = re.sub(r"^\| `banto-watch-pins` .*\n", "", text, flags=re.MULTILINE)
        self.assertEqual(problems(without, rules), [f"banto-watch-pins has no row in {HEADING}"])
        other = text.replace(rules[f"{GLOBAL}/pins"]["description"], "Somebody says something")
        self.assertEqual(len(problems(other, rules)), 1)
