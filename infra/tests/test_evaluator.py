"""Each statement of what guards Banto is met by an evaluator: by a request that it lets, and by one that it doesn't.

A case is one line: document, statement, whether it is allowed, who, action, resource, and what else the request has.
"""

import functools
import json
import re
import sys
import threading
import unittest

import evaluator
import terraform
import tree
from evaluator import IDENTITY, LOG_ARCHIVE, MANAGEMENT, Case, Document

# Documents in the roots' states by address: their kind, the root, the attribute.
RENDERED = {
    "keys": ("limit", "management", f'module.organization.aws_organizations_policy.this["access-keys/{IDENTITY}"]', "content"),
    "pins": ("limit", "management", f'module.organization.aws_organizations_policy.this["pins/{IDENTITY}"]', "content"),
    "recorders": ("limit", "management", 'module.organization.aws_organizations_policy.this["recorders"]', "content"),
    "users": ("own", "identity", "module.identity.aws_iam_policy.users", "policy"),
    "mfa": ("own", "identity", "module.identity.aws_iam_policy.mfa", "policy"),
    "left": ("own", "identity", "module.identity.aws_iam_policy.left", "policy"),
    "deny-temporary-credentials": ("own", "identity", "module.identity.aws_iam_policy.deny_temporary_credentials", "policy"),
    "break-glass": ("own", "identity", 'module.identity.aws_iam_role_policy.break_glass["break-glass"]', "policy"),
    "break-glass's trust": ("resource", "identity", 'module.identity.aws_iam_role.break_glass["break-glass"]', "assume_role_policy"),
    "certificates": ("resource", "identity", f'module.identity.aws_s3_bucket_policy.certificates["banto-certificates-{IDENTITY}"]', "policy"),
    "signing key": ("resource", "identity", 'module.identity.aws_kms_key.signing["alias/banto-records"]', "policy"),
    "requests": ("resource", "identity", 'module.rotate_access_keys.module.function.aws_sqs_queue_policy.this["requests"]', "policy"),
    "accounts": ("resource", "management", 'module.onboard_accounts.module.function.aws_sqs_queue_policy.this["accounts"]', "policy"),
    "events": ("resource", "log-archive", 'module.notify_compliance.module.function.aws_sqs_queue_policy.this["events"]', "policy"),
    "deliveries": ("resource", "log-archive", 'module.notify_compliance.module.function.aws_sqs_queue_policy.this["deliveries"]', "policy"),
    "owners' topic": ("resource", "log-archive", 'module.notices.aws_sns_topic_policy.this["banto-owners"]', "policy"),
    "alarms": ("resource", "log-archive", "module.alarm_topic.aws_sns_topic_policy.this", "policy"),
    "bounces": ("resource", "log-archive", 'module.report_compliance.aws_sns_topic_policy.bounces["set"]', "policy"),
    "notices' key": ("resource", "log-archive", 'module.notices.aws_kms_key.this["secrets"]', "policy"),
    "notices' secret": ("resource", "log-archive", 'module.notices.aws_secretsmanager_secret_policy.this["banto/slack/token"]', "policy"),
    "log archive": ("resource", "log-archive", 'module.log_archive.aws_s3_bucket_policy.this["bucket"]', "policy"),
    "reports": ("resource", "log-archive", "module.report_compliance.aws_s3_bucket_policy.store", "policy"),
    "breaking the glass": ("own", "identity", 'module.identity.aws_iam_group_policy.break_glass["break-glass"]', "policy"),
    **{f"group {name}": ("own", "identity", f'module.identity.aws_iam_group_policy.roles["{name}"]', "policy") for name in ("developers", "finance", "on-call")},
    "watch's topic": ("resource", "identity", f'module.watch.aws_sns_topic_policy.this["{evaluator.REGION}"]', "policy"),
    "forwarding's trust": ("resource", "management", 'module.organization.aws_iam_role.forward["organizations"]', "assume_role_policy"),
    **{f"{phase}-identity's trust": ("federated", "pipeline", f'module.pipeline.aws_iam_role.this["{phase}-identity"]', "assume_role_policy") for phase in ("plan", "apply")},
    **{f"{phase}-identity": ("own", "pipeline", f'module.pipeline.aws_iam_role_policy.this["{phase}-identity"]', "policy") for phase in ("plan", "apply")},
    "status's trust": ("federated", "pipeline", 'module.pipeline.aws_iam_role.this["status"]', "assume_role_policy"),
    "status": ("own", "pipeline", 'module.pipeline.aws_iam_role_policy.this["status"]', "policy"),
    **{f"{phase} boundary": ("limit", "pipeline", f'module.pipeline.aws_iam_policy.boundary["{phase}"]', "policy") for phase in ("plan", "apply", "status")},
    "states": ("resource", "pipeline", "module.pipeline.aws_s3_bucket_policy.state", "policy"),
}

# Documents that no case asks about, by root and address, and why. One that is like another has no other statements.
LIKE = {
    r"\S+ module\..*alarm_topic\.aws_sns_topic_policy\.this policy": "alarms",
    r"identity .*health\.module\.topic\[.*\]\.aws_sns_topic_policy\.this policy": "alarms",
    r"identity module\.watch\.aws_sns_topic_policy\.this\[.*\] policy": "watch's topic",
    r"log-archive module\.notices\.aws_sns_topic_policy\.this\[.*\] policy": "owners' topic",
    r"log-archive module\.notices\.aws_secretsmanager_secret_policy\.this\[.*\] policy": "notices' secret",
    r"log-archive module\.log_archive\.aws_s3_bucket_policy\.results\[.*\] policy": "reports",
    r'\S+ .*aws_sqs_queue_policy\.this\["(failed|.*-dead)"\] policy': "requests",
    r'management module\.organization\.aws_iam_role\.forward\["compliance/.*"\] assume_role_policy': "forwarding's trust",
    r'pipeline module\.pipeline\.aws_iam_role\.this\["plan-.*"\] assume_role_policy': "plan-identity's trust",
    r'pipeline module\.pipeline\.aws_iam_role\.this\["apply-.*"\] assume_role_policy': "apply-identity's trust",
    r'pipeline module\.pipeline\.aws_iam_role_policy\.this\["plan-.*"\] policy': "plan-identity",
    r'pipeline module\.pipeline\.aws_iam_role_policy\.this\["apply-.*"\] policy': "apply-identity",
}
LEFT_OUT = {
    r".*module\.function\.aws_iam_role_policy\.(own|common|schedule.*) policy": "what a function may do itself: test_iam holds each action to its resource",
    r".*aws_iam_role_policy\.forward.* policy": "one call on one target: test_event_forwarding sends events through it",
    r".*module\.function\.aws_iam_role\.(this|schedule.*) assume_role_policy": "the trust in Lambda or the scheduler, which no person is",
    r".*health\.aws_iam_role\.forward assume_role_policy": "the trust in EventBridge, as the Organization's forwarding has it",
    r".*aggregator\.aws_iam_role\.this assume_role_policy": "the trust in AWS Config",
}

ROTATOR_ROLE = "modules/rotator-role/examples/basic"


def rendered(roots):
    """Every document of the roots: root, address and attribute, and its text."""
    return {
        f"{name} {one['address']} {attribute}": value
        for name, root in roots.items()
        for one in root.resources
        for attribute, value in one["values"].items()
        if attribute in ("policy", "assume_role_policy", "content") and isinstance(value, str) and '"Statement"' in value
    }


def unasked(roots, documents):
    """Documents that are neither asked about nor left out with a reason."""
    asked = {f"{root} {address} {attribute}" for _, root, address, attribute in RENDERED.values()}
    found = []
    for name, text in rendered(roots).items():
        likeness = next((document for pattern, document in LIKE.items() if re.fullmatch(pattern, name)), None)
        if name in asked or any(re.fullmatch(pattern, name) for pattern in LEFT_OUT):
            continue
        if likeness is None:
            found.append(f"{name}: no case asks about it")
        elif not set(Document("resource", text).sids()) <= set(documents[likeness].sids()):
            found.append(f"{name}: has statements that {likeness} lacks")
    return found


# Faults are sown side by side, and Terraform lets one plan at a time into a folder.
_one_at_a_time = threading.Lock()


@functools.cache
def _elsewhere():
    return terraform.plan(tree.shared().infra / ROTATOR_ROLE)


def elsewhere():
    """The plan of the rotator's role in an account that is not the function's."""
    with _one_at_a_time:
        return _elsewhere()


def documents(roots):
    found = {}
    for name, (kind, root, address, attribute) in RENDERED.items():
        [one] = [one for one in roots[root].resources if one["address"] == address]
        found[name] = Document(kind, one["values"][attribute])
    [role] = [one for one in terraform.resources(elsewhere()["planned_values"]["root_module"]) if one["address"] == "module.rotator_role.aws_iam_role.this"]
    found["rotator-role's trust"] = Document("resource", role["values"]["assume_role_policy"])
    # The roles of all accounts, as the StackSet makes them.
    [baseline] = [one for one in roots["management"].of("aws_cloudformation_stack_set") if one["values"]["name"] != "banto-event-forwarding"]
    for one in json.loads(baseline["values"]["template_body"])["Resources"].values():
        if one["Type"] == "AWS::IAM::Role":
            found[f"{one['Properties']['RoleName']}'s trust"] = Document("resource", json.dumps(one["Properties"]["AssumeRolePolicyDocument"]))
    found["record"] = Document("resource", (tree.SOURCE.infra / "tests" / "expected" / "record-policy.json").read_text())
    found["session"] = Document("limit", (tree.SOURCES / "functions" / "onboard-accounts" / "session-policy.json").read_text())
    return found


ALICE, BOB = f"arn:aws:iam::{IDENTITY}:user/alice", f"arn:aws:iam::{IDENTITY}:user/bob"
DEVELOPER = f"arn:aws:iam::{IDENTITY}:user/developers/alice"
ROTATOR, GLASS = f"arn:aws:iam::{IDENTITY}:role/banto/rotate-access-keys", f"arn:aws:iam::{IDENTITY}:role/break-glass"
REACH, DEPLOY = f"arn:aws:iam::{IDENTITY}:role/OrganizationAccountAccessRole", f"arn:aws:iam::{IDENTITY}:role/terraform-apply"
ADMIN, STACK_SETS = f"arn:aws:iam::{IDENTITY}:role/admin", f"arn:aws:iam::{IDENTITY}:role/stacksets-exec-1f2e"
ONBOARD = f"arn:aws:iam::{MANAGEMENT}:role/banto/onboard-accounts"
FORWARD = f"arn:aws:iam::222233334444:role/banto/banto-forward-{evaluator.REGION}"
BUCKET = f"arn:aws:s3:::banto-certificates-{IDENTITY}"
RECORD = f"arn:aws:secretsmanager:{evaluator.REGION}:{IDENTITY}:secret:banto/access-keys"
MFA, NO_MFA = ("aws:MultiFactorAuthPresent", "true"), ("aws:MultiFactorAuthPresent", "false")
SESSION = ("aws:TokenIssueTime", "2026-11-27T00:00:00Z")
PLAIN = ("aws:SecureTransport", "false")
# What the stand-in for the provider calls the Organization, and the account that it works in.
OURS, THEIRS = ("aws:PrincipalOrgID", "o-stub000000"), ("aws:PrincipalOrgID", "o-someoneelse")
HERE = "123456789012"
CASES = []

# Nothing is let through by a denial of everything.
ONE_SIDED = {("left", "NothingAnyMore", True)}


def allowed(document, sid, who, action, resource="*", *context):
    CASES.append(Case(document, sid, True, who, action, resource, context))


def denied(document, sid, who, action, resource="*", *context):
    CASES.append(Case(document, sid, False, who, action, resource, context))


def tags(*names):
    return ("aws:TagKeys", names)


# Service control policies.

allowed("keys", "OnlyTheRotatorMakesKeys", ROTATOR, "iam:CreateAccessKey", ALICE)
allowed("keys", "OnlyTheRotatorMakesKeys", ALICE, "iam:ListUsers")
for who in (ALICE, ADMIN, GLASS, DEPLOY, f"arn:aws:iam::{IDENTITY}:root", f"arn:aws:iam::{IDENTITY}:role/other/rotate-access-keys"):
    denied("keys", "OnlyTheRotatorMakesKeys", who, "iam:CreateAccessKey", ALICE)
for who in (ROTATOR, GLASS):
    allowed("keys", "OnlyTheRotatorAndBreakGlassEndKeys", who, "iam:DeleteAccessKey", ALICE)
for action in ("iam:DeleteAccessKey", "iam:UpdateAccessKey"):
    denied("keys", "OnlyTheRotatorAndBreakGlassEndKeys", ALICE, action, ALICE)
    denied("keys", "OnlyTheRotatorAndBreakGlassEndKeys", ADMIN, action, ALICE)
allowed("keys", "NobodyMakesOtherCredentials", ALICE, "iam:GetUser", ALICE)
denied("keys", "NobodyMakesOtherCredentials", ALICE, "iam:UploadSSHPublicKey", ALICE)
denied("keys", "NobodyMakesOtherCredentials", ROTATOR, "iam:CreateServiceSpecificCredential", ALICE)
allowed("keys", "NobodyElseBecomesOneOfTheseRoles", DEPLOY, "iam:UpdateAssumeRolePolicy", ROTATOR)
allowed("keys", "NobodyElseBecomesOneOfTheseRoles", ADMIN, "iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{IDENTITY}:role/else")
for role in (ROTATOR, GLASS, REACH, DEPLOY):
    denied("keys", "NobodyElseBecomesOneOfTheseRoles", ADMIN, "iam:UpdateAssumeRolePolicy", role)
    denied("keys", "NobodyElseBecomesOneOfTheseRoles", ADMIN, "iam:PassRole", role)
denied("keys", "NobodyElseBecomesOneOfTheseRoles", ALICE, "iam:DeleteRole", REACH)
allowed("keys", "NobodyPosesAsStackSets", ADMIN, "iam:DeleteRole", STACK_SETS)
denied("keys", "NobodyPosesAsStackSets", ADMIN, "iam:CreateRole", STACK_SETS)
denied("keys", "NobodyPosesAsStackSets", ALICE, "iam:UpdateAssumeRolePolicy", STACK_SETS)
CODE = f"arn:aws:lambda:{evaluator.REGION}:{IDENTITY}:function:banto-rotate-access-keys"
allowed("keys", "OnlyTheDeploymentChangesTheRotatorsCode", DEPLOY, "lambda:UpdateFunctionCode", CODE)
allowed("keys", "OnlyTheDeploymentChangesTheRotatorsCode", ALICE, "lambda:UpdateFunctionCode", CODE.replace("banto-", "other-"))
denied("keys", "OnlyTheDeploymentChangesTheRotatorsCode", ALICE, "lambda:UpdateFunctionCode", CODE)
denied("keys", "OnlyTheDeploymentChangesTheRotatorsCode", ROTATOR, "lambda:AddPermission", f"{CODE}:live")
for who in (ROTATOR, GLASS):
    allowed("keys", "OnlyTheRotatorAndBreakGlassKeepRecords", who, "secretsmanager:PutResourcePolicy", f"{RECORD}/alice-AbCdEf")
denied("keys", "OnlyTheRotatorAndBreakGlassKeepRecords", ADMIN, "secretsmanager:DeleteResourcePolicy", f"{RECORD}/alice-AbCdEf")
denied("keys", "OnlyTheRotatorAndBreakGlassKeepRecords", ALICE, "secretsmanager:DeleteSecret", f"{RECORD}/alice-AbCdEf")

for user in (ALICE, DEVELOPER):
    allowed("pins", "OnlyUsersSetTheirOwnPins", user, "iam:TagUser", user, tags("banto:openpgp"), MFA)
allowed("pins", "OnlyUsersSetTheirOwnPins", ADMIN, "iam:TagUser", ALICE, tags("team"))
denied("pins", "OnlyUsersSetTheirOwnPins", BOB, "iam:TagUser", ALICE, tags("banto:openpgp"), MFA)
denied("pins", "OnlyUsersSetTheirOwnPins", BOB, "iam:UntagUser", ALICE, tags("banto:acknowledged"), MFA)
denied("pins", "OnlyUsersSetTheirOwnPins", BOB, "iam:TagUser", ALICE, tags("Banto:OpenPGP"), MFA)
denied("pins", "OnlyUsersSetTheirOwnPins", ALICE, "iam:TagUser", f"arn:aws:iam::{IDENTITY}:user/malice", tags("banto:openpgp"), MFA)
denied("pins", "OnlyUsersSetTheirOwnPins", ADMIN, "iam:CreateUser", ALICE, tags("team", "banto:openpgp"))
denied("pins", "OnlyUsersSetTheirOwnPins", ROTATOR, "iam:TagUser", ALICE, tags("banto:acknowledged"))
denied("pins", "OnlyUsersSetTheirOwnPins", DEPLOY, "iam:TagUser", ALICE, tags("BANTO:OPENPGP"))
allowed("pins", "OnlyUsersAndProvisionersSetSlackIds", ALICE, "iam:TagUser", ALICE, tags("banto:slack"), MFA)
allowed("pins", "OnlyUsersAndProvisionersSetSlackIds", DEPLOY, "iam:CreateUser", ALICE, tags("banto:slack"))
denied("pins", "OnlyUsersAndProvisionersSetSlackIds", BOB, "iam:TagUser", ALICE, tags("BANTO:slack"), MFA)
denied("pins", "OnlyUsersAndProvisionersSetSlackIds", ADMIN, "iam:CreateUser", ALICE, tags("banto:slack"))
allowed("pins", "OnlyTheDeploymentSaysWhoHasLeft", DEPLOY, "iam:TagUser", ALICE, tags("banto:identity"))
denied("pins", "OnlyTheDeploymentSaysWhoHasLeft", ALICE, "iam:TagUser", ALICE, tags("banto:identity"), MFA)
denied("pins", "OnlyTheDeploymentSaysWhoHasLeft", ADMIN, "iam:CreateUser", ALICE, tags("Banto:Identity"))
for tag in ("banto:openpgp", "banto:acknowledged", "banto:slack", "Banto:Slack"):
    allowed("pins", "UsersSetTheirTagsWithMfaOnly", ALICE, "iam:TagUser", ALICE, tags(tag), MFA)
    denied("pins", "UsersSetTheirTagsWithMfaOnly", ALICE, "iam:TagUser", ALICE, tags(tag), NO_MFA)
    denied("pins", "UsersSetTheirTagsWithMfaOnly", ALICE, "iam:UntagUser", ALICE, tags(tag))
# BREAK-GLASS, "Nobody can sign in" and "Apply by hand": the role by which the management account comes.
allowed("pins", "NoMfaDeviceGoesWithoutMfa", REACH, "iam:DeactivateMFADevice", ALICE)
allowed("keys", "NobodyMakesOtherCredentials", REACH, "iam:UpdateLoginProfile", ALICE)
allowed("keys", "NobodyElseBecomesOneOfTheseRoles", REACH, "iam:UpdateAssumeRolePolicy", ROTATOR)
allowed("keys", "OnlyTheDeploymentChangesTheRotatorsCode", REACH, "lambda:UpdateFunctionCode", CODE)
for device in ("iam:CreateVirtualMFADevice", "iam:EnableMFADevice"):
    allowed("pins", "NoFirstMfaDeviceByAnAccessKey", ALICE, device, ALICE, NO_MFA)
    allowed("pins", "NoFirstMfaDeviceByAnAccessKey", ADMIN, device, ALICE)
    denied("pins", "NoFirstMfaDeviceByAnAccessKey", ALICE, device, ALICE)
allowed("pins", "NoMfaDeviceGoesWithoutMfa", ALICE, "iam:DeactivateMFADevice", ALICE, MFA)
denied("pins", "NoMfaDeviceGoesWithoutMfa", ALICE, "iam:DeactivateMFADevice", ALICE, NO_MFA)
denied("pins", "NoMfaDeviceGoesWithoutMfa", ALICE, "iam:ResyncMFADevice", ALICE)
for action, resource in (("s3:PutBucketVersioning", BUCKET), ("s3:DeleteObjectVersion", f"{BUCKET}/certs/alice.asc")):
    allowed("pins", "TheCertificateBucketKeepsItsVersions", DEPLOY, action, resource)
    allowed("pins", "TheCertificateBucketKeepsItsVersions", ADMIN, action, "arn:aws:s3:::another")
    denied("pins", "TheCertificateBucketKeepsItsVersions", ADMIN, action, resource)

for who in (REACH, STACK_SETS):
    allowed("recorders", "RecordersAndChannelsGoOn", who, "config:PutConfigurationRecorder")
allowed("recorders", "RecordersAndChannelsGoOn", ALICE, "config:DescribeConfigurationRecorders")
for action in ("config:StopConfigurationRecorder", "config:DeleteConfigurationRecorder", "config:DeleteDeliveryChannel"):
    denied("recorders", "RecordersAndChannelsGoOn", ALICE, action)
    denied("recorders", "RecordersAndChannelsGoOn", DEPLOY, action)
allowed("recorders", "NobodyElseBecomesTheReachRole", REACH, "iam:UpdateAssumeRolePolicy", REACH)
denied("recorders", "NobodyElseBecomesTheReachRole", ADMIN, "iam:UpdateAssumeRolePolicy", REACH)
denied("recorders", "NobodyElseBecomesTheReachRole", ALICE, "iam:DeleteRole", REACH)
allowed("recorders", "NobodyPosesAsStackSets", ADMIN, "iam:DeleteRole", STACK_SETS)
denied("recorders", "NobodyPosesAsStackSets", REACH, "iam:CreateRole", STACK_SETS)
RULE = f"arn:aws:events:{evaluator.REGION}:{IDENTITY}:rule/banto-compliance"
allowed("recorders", "ForwardingGoesOn", STACK_SETS, "events:PutRule", RULE)
allowed("recorders", "ForwardingGoesOn", ALICE, "events:DeleteRule", RULE.replace("banto", "other"))
denied("recorders", "ForwardingGoesOn", ALICE, "events:DeleteRule", RULE)
denied("recorders", "ForwardingGoesOn", ADMIN, "iam:PutRolePolicy", f"arn:aws:iam::{IDENTITY}:role/banto/banto-forward-{evaluator.REGION}")

# What users have.

allowed("users", "OwnTagsWithMfa", DEVELOPER, "iam:TagUser", DEVELOPER, tags("banto:openpgp", "banto:slack"), MFA)
denied("users", "OwnTagsWithMfa", DEVELOPER, "iam:TagUser", DEVELOPER, tags("banto:openpgp"), NO_MFA)
denied("users", "OwnTagsWithMfa", ALICE, "iam:TagUser", ALICE, tags("banto:openpgp", "team"), MFA)
denied("users", "OwnTagsWithMfa", ALICE, "iam:TagUser", ALICE, MFA)
denied("users", "OwnTagsWithMfa", BOB, "iam:TagUser", ALICE, tags("banto:openpgp"), MFA)
for what in ("asc", "acknowledged"):
    allowed("users", "OwnCertificateAndAcknowledgement", ALICE, "s3:PutObject", f"{BUCKET}/certs/alice.{what}")
    denied("users", "OwnCertificateAndAcknowledgement", BOB, "s3:PutObject", f"{BUCKET}/certs/alice.{what}")
allowed("users", "OwnRecord", ALICE, "secretsmanager:GetSecretValue", f"{RECORD}/alice-AbCdEf")
denied("users", "OwnRecord", ALICE, "secretsmanager:GetSecretValue", f"{RECORD}/bob-AbCdEf")
denied("users", "OwnRecord", ALICE, "secretsmanager:GetSecretValue", f"{RECORD}/alice-b-AbCdEf")
allowed("users", "OwnPasswordAndDevices", DEVELOPER, "iam:EnableMFADevice", DEVELOPER)
denied("users", "OwnPasswordAndDevices", DEVELOPER, "iam:EnableMFADevice", BOB)
denied("users", "OwnPasswordAndDevices", ALICE, "iam:CreateAccessKey", ALICE)
# `banto keys status` shows when one's own keys were last used, and nobody else's.
allowed("users", "OwnPasswordAndDevices", ALICE, "iam:GetAccessKeyLastUsed", ALICE)
denied("users", "OwnPasswordAndDevices", ALICE, "iam:GetAccessKeyLastUsed", BOB)
allowed("users", "OwnPasswordAndDevices", DEVELOPER, "iam:ListGroupsForUser", DEVELOPER)
denied("users", "OwnPasswordAndDevices", DEVELOPER, "iam:ListGroupsForUser", BOB)
allowed("users", "RolesOfGroups", ALICE, "iam:GetGroupPolicy", f"arn:aws:iam::{IDENTITY}:group/developers")
denied("users", "RolesOfGroups", ALICE, "iam:PutGroupPolicy", f"arn:aws:iam::{IDENTITY}:group/developers")
denied("users", "RolesOfGroups", ALICE, "iam:GetGroupPolicy", "arn:aws:iam::999988887777:group/developers")
allowed("users", "NewDevices", ALICE, "iam:CreateVirtualMFADevice", f"arn:aws:iam::{IDENTITY}:mfa/alice-phone")
denied("users", "NewDevices", ALICE, "iam:CreateVirtualMFADevice", f"arn:aws:iam::{IDENTITY}:mfa/bob")
allowed("users", "WhatTheConsoleAsksFor", ALICE, "iam:GetAccountSummary")
denied("users", "WhatTheConsoleAsksFor", ALICE, "iam:ListUsers")
for context in ((), (NO_MFA,)):
    denied("mfa", "WithoutMfaOnlySigningInAndOwnCredentials", ALICE, "ec2:DescribeVpcs", "*", *context)
    denied("mfa", "WithoutMfaOnlyOwnObjects", ALICE, "s3:GetObject", f"{BUCKET}/certs/bob.asc", *context)
    denied("mfa", "WithoutMfaOnlyTheOwnRecord", ALICE, "secretsmanager:GetSecretValue", f"{RECORD}/bob-AbCdEf", *context)
allowed("mfa", "WithoutMfaOnlySigningInAndOwnCredentials", ALICE, "ec2:DescribeVpcs", "*", MFA)
allowed("mfa", "WithoutMfaOnlySigningInAndOwnCredentials", ALICE, "iam:ListMFADevices", ALICE)
allowed("mfa", "WithoutMfaOnlySigningInAndOwnCredentials", ALICE, "iam:GetAccessKeyLastUsed", ALICE)
allowed("mfa", "WithoutMfaOnlyOwnObjects", ALICE, "s3:GetObject", f"{BUCKET}/certs/alice.asc")
allowed("mfa", "WithoutMfaOnlyTheOwnRecord", ALICE, "secretsmanager:GetSecretValue", f"{RECORD}/alice-AbCdEf")
allowed("mfa", "NoDeviceByAnAccessKey", ALICE, "iam:EnableMFADevice", ALICE, NO_MFA)
denied("mfa", "NoDeviceByAnAccessKey", ALICE, "iam:EnableMFADevice", ALICE)
denied("left", "NothingAnyMore", ALICE, "iam:GetUser", ALICE)
denied("left", "NothingAnyMore", ALICE, "ec2:DescribeVpcs")
denied("deny-temporary-credentials", "NoSession", ALICE, "iam:ListUsers", "*", SESSION)
denied("deny-temporary-credentials", "NoSession", ALICE, "ec2:DescribeVpcs", "*", SESSION)
allowed("deny-temporary-credentials", "NoSession", ALICE, "ec2:DescribeVpcs")
allowed("break-glass", "ReadAndMendRecords", GLASS, "secretsmanager:PutSecretValue", f"{RECORD}/alice-AbCdEf")
denied("break-glass", "ReadAndMendRecords", GLASS, "secretsmanager:GetSecretValue", RECORD.replace("access-keys", "slack/token"))
allowed("break-glass", "EndKeys", GLASS, "iam:DeleteAccessKey", ALICE)
denied("break-glass", "EndKeys", GLASS, "iam:CreateAccessKey", ALICE)
DENIAL = f"arn:aws:iam::{IDENTITY}:policy/banto/deny-temporary-credentials"
allowed("break-glass", "EndSessions", GLASS, "iam:AttachUserPolicy", ALICE, ("iam:PolicyARN", DENIAL))
denied("break-glass", "EndSessions", GLASS, "iam:AttachUserPolicy", ALICE, ("iam:PolicyARN", "arn:aws:iam::aws:policy/AdministratorAccess"))
allowed("break-glass", "FindRecordsAndUsers", GLASS, "iam:ListUsers")
denied("break-glass", "FindRecordsAndUsers", GLASS, "iam:ListRoles")

# Who assumes what.

NAMED, OTHERWISE, FRESH = ("sts:RoleSessionName", "alice"), ("sts:RoleSessionName", "bob"), ("aws:MultiFactorAuthAge", "60")
for role in ("admin", "readonly", "billing"):
    allowed(f"{role}'s trust", "#0", ALICE, "sts:AssumeRole", "*", MFA, NAMED)
    denied(f"{role}'s trust", "#0", ALICE, "sts:AssumeRole", "*", MFA, OTHERWISE)
    denied(f"{role}'s trust", "#0", ALICE, "sts:AssumeRole", "*", NO_MFA, NAMED)
    denied(f"{role}'s trust", "#0", ALICE, "sts:AssumeRole", "*", NAMED)
    denied(f"{role}'s trust", "#0", ADMIN, "sts:AssumeRole", "*", MFA, NAMED)
    denied(f"{role}'s trust", "#0", "arn:aws:iam::444455556666:user/alice", "sts:AssumeRole", "*", MFA, NAMED)
HUB = f"arn:aws:iam::{MANAGEMENT}:role/banto/pipeline"
for role, mine, other in (("terraform-plan", "plan", "apply"), ("terraform-apply", "apply", "plan")):
    allowed(f"{role}'s trust", "#0", f"{HUB}-{mine}-identity", "sts:AssumeRole")
    denied(f"{role}'s trust", "#0", f"{HUB}-{other}-identity", "sts:AssumeRole")
    denied(f"{role}'s trust", "#0", f"{HUB.replace('banto/', '')}-{mine}-identity", "sts:AssumeRole")
    denied(f"{role}'s trust", "#0", f"{HUB.replace(MANAGEMENT, LOG_ARCHIVE)}-{mine}-identity", "sts:AssumeRole")
allowed("break-glass's trust", "#0", ALICE, "sts:AssumeRole", "*", MFA, NAMED, FRESH)
denied("break-glass's trust", "#0", ALICE, "sts:AssumeRole", "*", MFA, NAMED, ("aws:MultiFactorAuthAge", "3600"))
denied("break-glass's trust", "#0", ALICE, "sts:AssumeRole", "*", MFA, OTHERWISE, FRESH)
denied("break-glass's trust", "#0", ALICE, "sts:AssumeRole", "*", NAMED)
denied("break-glass's trust", "#0", BOB, "sts:AssumeRole", "*", MFA, OTHERWISE, FRESH)

# The rotator's role in an account that the function does not run in.
ELSEWHERE = f"arn:aws:iam::{LOG_ARCHIVE}:role"
allowed("rotator-role's trust", "#0", f"{ELSEWHERE}/banto/rotate-access-keys", "sts:AssumeRole")
for who in (f"{ELSEWHERE}/rotate-access-keys", f"{ELSEWHERE}/banto/other", ROTATOR, ADMIN):
    denied("rotator-role's trust", "#0", who, "sts:AssumeRole")

# Which roles the members of a group may assume, and by which name.

IN_ORG, OUT_OF_ORG = ("aws:ResourceOrgID", "o-stub000000"), ("aws:ResourceOrgID", "o-someoneelse")
for group, role, account, other in (
    ("developers", "readonly", "222233334444", "admin"),
    ("on-call", "admin", "222233334444", "billing"),
    ("finance", "billing", MANAGEMENT, "admin"),
):
    document, role = f"group {group}", f"arn:aws:iam::{account}:role/{role}"
    allowed(document, "AssumeByTheOwnName", ALICE, "sts:AssumeRole", role, IN_ORG, NAMED)
    denied(document, "AssumeByTheOwnName", ALICE, "sts:AssumeRole", role, IN_ORG, OTHERWISE)
    denied(document, "AssumeByTheOwnName", ALICE, "sts:AssumeRole", role, IN_ORG)
    denied(document, "AssumeByTheOwnName", ALICE, "sts:AssumeRole", role, OUT_OF_ORG, NAMED)
    denied(document, "AssumeByTheOwnName", ALICE, "sts:AssumeRole", f"arn:aws:iam::{account}:role/{other}", IN_ORG, NAMED)
denied("group finance", "AssumeByTheOwnName", ALICE, "sts:AssumeRole", "arn:aws:iam::222233334444:role/billing", IN_ORG, NAMED)
allowed("breaking the glass", "BreakTheGlass", ALICE, "sts:AssumeRole", GLASS, NAMED)
denied("breaking the glass", "BreakTheGlass", ALICE, "sts:AssumeRole", GLASS, OTHERWISE)
denied("breaking the glass", "BreakTheGlass", ALICE, "sts:AssumeRole", ROTATOR, NAMED)

# The pipeline.

ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{MANAGEMENT}:oidc-provider/{ISSUER}"
AUDIENCE = (f"{ISSUER}:aud", "sts.amazonaws.com")
REPOSITORY, WITH_IDS = "repo:example-org/banto", "repo:example-org@12345678/banto@87654321"
OCCASIONS = {"plan": ("pull_request", "ref:refs/heads/main"), "apply": ("environment:identity",)}


def claims(subject, audience=AUDIENCE):
    return audience, (f"{ISSUER}:sub", subject)


for phase, mine in OCCASIONS.items():
    trust, action = f"{phase}-identity's trust", "sts:AssumeRoleWithWebIdentity"
    for repository in (REPOSITORY, WITH_IDS):
        for occasion in mine:
            allowed(trust, "#0", PROVIDER, action, "*", *claims(f"{repository}:{occasion}"))
            denied(trust, "#0", PROVIDER, action, "*", *claims(f"{repository}:{occasion}", (f"{ISSUER}:aud", "else")))
            denied(trust, "#0", PROVIDER, action, "*", AUDIENCE)
            denied(trust, "#0", PROVIDER.replace(ISSUER, "token.example.com"), action, "*", *claims(f"{repository}:{occasion}"))
        for occasion in {"environment:management", "environment:Identity", "ref:refs/heads/other", "pull_request", "ref:refs/heads/main", "environment:identity"} - set(mine):
            denied(trust, "#0", PROVIDER, action, "*", *claims(f"{repository}:{occasion}"))
    for repository in ("repo:example-org/banto-fork", "repo:someone/banto", "repo:example-org@12345678/banto@1"):
        denied(trust, "#0", PROVIDER, action, "*", *claims(f"{repository}:{mine[0]}"))
    denied(trust, "#0", ADMIN, "sts:AssumeRole", "*", *claims(f"{REPOSITORY}:{mine[0]}"))

STATES = "arn:aws:s3:::example-terraform-state-999988887777"
STATE, ANOTHERS = f"{STATES}/state/identity.tfstate", f"{STATES}/state/management.tfstate"
LOCK, STATUS, A_PLAN = f"{STATE}.tflock", f"{STATES}/status/identity.json", f"{STATES}/plans/identity/one.tfplan"
PLANNING, APPLYING = f"{HUB}-plan-identity", f"{HUB}-apply-identity"
HUB_ADMIN, HUB_PLAN, HUB_APPLY = (f"arn:aws:iam::{MANAGEMENT}:role/{name}" for name in ("admin", "terraform-plan", "terraform-apply"))
for phase, who, other in (("plan", PLANNING, "apply"), ("apply", APPLYING, "plan")):
    for document in (f"{phase}-identity", f"{phase} boundary"):
        allowed(document, "AssumesTheAccountsRole", who, "sts:AssumeRole", f"arn:aws:iam::{IDENTITY}:role/terraform-{phase}")
        denied(document, "AssumesTheAccountsRole", who, "sts:AssumeRole", f"arn:aws:iam::{IDENTITY}:role/terraform-{other}")
        denied(document, "AssumesTheAccountsRole", who, "sts:AssumeRole", HUB_ADMIN)
        allowed(document, "SeesWhatIsThere", who, "s3:ListBucket", STATES)
        denied(document, "SeesWhatIsThere", who, "s3:ListBucket", "arn:aws:s3:::example-pipeline-state-999988887777")
        denied(document, "SeesWhatIsThere", who, "s3:PutBucketPolicy", STATES)
        denied(document, "SeesWhatIsThere", who, "iam:UpdateAssumeRolePolicy", who)
    denied(f"{phase}-identity", "AssumesTheAccountsRole", who, "sts:AssumeRole", f"arn:aws:iam::{LOG_ARCHIVE}:role/terraform-{phase}")
    allowed(f"{phase} boundary", "AssumesTheAccountsRole", who, "sts:AssumeRole", f"arn:aws:iam::{LOG_ARCHIVE}:role/terraform-{phase}")
for document in ("plan-identity", "plan boundary"):
    allowed(document, "ReadsItsState", PLANNING, "s3:GetObject", STATE)
    for action, resource in (("s3:PutObject", STATE), ("s3:PutObject", LOCK), ("s3:DeleteObject", STATE)):
        denied(document, "ReadsItsState", PLANNING, action, resource)
    for resource in (A_PLAN, STATUS):
        allowed(document, "KeepsPlansAndStatus", PLANNING, "s3:PutObject", resource)
        denied(document, "KeepsPlansAndStatus", PLANNING, "s3:DeleteObject", resource)
for document in ("apply-identity", "apply boundary"):
    for resource in (STATE, LOCK, STATUS):
        allowed(document, "KeepsItsStateAndStatus", APPLYING, "s3:PutObject", resource)
    denied(document, "KeepsItsStateAndStatus", APPLYING, "s3:DeleteObject", STATE)
    allowed(document, "GivesItsLockBack", APPLYING, "s3:DeleteObject", LOCK)
    denied(document, "GivesItsLockBack", APPLYING, "s3:DeleteObject", STATUS)
    allowed(document, "ReadsPlans", APPLYING, "s3:GetObject", A_PLAN)
    denied(document, "ReadsPlans", APPLYING, "s3:PutObject", A_PLAN)
SHOWING = f"{HUB}-status"
for repository in (REPOSITORY, WITH_IDS):
    allowed("status's trust", "#0", PROVIDER, "sts:AssumeRoleWithWebIdentity", "*", *claims(f"{repository}:ref:refs/heads/main"))
    for occasion in ("pull_request", "ref:refs/heads/other", "environment:identity"):
        denied("status's trust", "#0", PROVIDER, "sts:AssumeRoleWithWebIdentity", "*", *claims(f"{repository}:{occasion}"))
denied("status's trust", "#0", PROVIDER, "sts:AssumeRoleWithWebIdentity", "*", *claims("repo:example-org/shop:ref:refs/heads/main"))
for document in ("status", "status boundary"):
    allowed(document, "ReadsStatuses", SHOWING, "s3:GetObject", STATUS)
    allowed(document, "SeesWhatIsThere", SHOWING, "s3:ListBucket", STATES)
    denied(document, "SeesWhatIsThere", SHOWING, "s3:ListBucket", "arn:aws:s3:::example-pipeline-state-999988887777")
    for resource in (STATE, A_PLAN):
        denied(document, "ReadsStatuses", SHOWING, "s3:GetObject", resource)
    denied(document, "ReadsStatuses", SHOWING, "s3:PutObject", STATUS)
denied("plan-identity", "ReadsItsState", PLANNING, "s3:GetObject", ANOTHERS)
denied("plan-identity", "KeepsPlansAndStatus", PLANNING, "s3:PutObject", A_PLAN.replace("identity", "management"))
denied("apply-identity", "KeepsItsStateAndStatus", APPLYING, "s3:GetObject", ANOTHERS)
denied("apply-identity", "KeepsItsStateAndStatus", APPLYING, "s3:PutObject", ANOTHERS)
for action in ("s3:DeleteObjectVersion", "s3:ReplicateObject"):
    denied("states", "VersionsStay", HUB_ADMIN, action, STATE)
    denied("states", "VersionsStay", APPLYING, action, STATE)
allowed("states", "VersionsStay", HUB_ADMIN, "s3:GetObjectVersion", STATE)
for who in (PLANNING, APPLYING, HUB_ADMIN):
    allowed("states", "OnlyThePipelineAndAdministratorsReadAndWrite", who, "s3:GetObject", STATE)
for who in (HUB_PLAN, HUB_APPLY, f"arn:aws:iam::{MANAGEMENT}:role/pipeline-plan-identity", f"arn:aws:iam::{MANAGEMENT}:root"):
    denied("states", "OnlyThePipelineAndAdministratorsReadAndWrite", who, "s3:GetObject", STATE)
for who in (APPLYING, HUB_ADMIN):
    allowed("states", "NoPlanWritesStates", who, "s3:PutObject", STATE)
allowed("states", "NoPlanWritesStates", PLANNING, "s3:PutObject", A_PLAN)
denied("states", "NoPlanWritesStates", PLANNING, "s3:PutObject", STATE)
denied("states", "NoPlanWritesStates", PLANNING, "s3:DeleteObject", LOCK)
for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"):
    allowed("states", "OnlyAdministratorsSetItUp", HUB_ADMIN, action, STATES)
    for who in (PLANNING, APPLYING, HUB_APPLY):
        denied("states", "OnlyAdministratorsSetItUp", who, action, STATES)

# Whom resources let.

for what in ("asc", "acknowledged"):
    allowed("certificates", "UsersWriteTheirOwnObjects", ALICE, "s3:PutObject", f"{BUCKET}/certs/alice.{what}")
    denied("certificates", "UsersWriteTheirOwnObjects", BOB, "s3:PutObject", f"{BUCKET}/certs/alice.{what}")
    denied("certificates", "UsersWriteTheirOwnObjects", BOB, "s3:DeleteObject", f"{BUCKET}/certs/alice.{what}")
allowed("certificates", "NobodyElseWritesButTheRegistry", ROTATOR, "s3:GetObject", f"{BUCKET}/certs/alice.asc")
denied("certificates", "NobodyElseWritesButTheRegistry", ADMIN, "s3:PutObject", f"{BUCKET}/certs/alice.asc")
allowed("certificates", "VersionsStay", ROTATOR, "s3:GetObjectVersion", f"{BUCKET}/certs/alice.asc")
denied("certificates", "VersionsStay", ALICE, "s3:DeleteObjectVersion", f"{BUCKET}/certs/alice.asc")
KEY_ADMIN = "AdministratorsAdministerAndDoNotSign"
DIGEST, ECDSA = ("kms:MessageType", "DIGEST"), ("kms:SigningAlgorithm", "ECDSA_SHA_256")
allowed("signing key", KEY_ADMIN, ADMIN, "kms:ScheduleKeyDeletion")
denied("signing key", KEY_ADMIN, ADMIN, "kms:Sign", "*", DIGEST, ECDSA)
denied("signing key", KEY_ADMIN, ONBOARD, "kms:ScheduleKeyDeletion")
allowed("signing key", "EverybodyHereReadsThePublicKey", ALICE, "kms:GetPublicKey")
denied("signing key", "EverybodyHereReadsThePublicKey", ONBOARD, "kms:GetPublicKey")
allowed("signing key", "OnlyBantoSigns", ROTATOR, "kms:Sign", "*", DIGEST, ECDSA)
denied("signing key", "OnlyBantoSigns", ROTATOR, "kms:Sign", "*", ("kms:MessageType", "RAW"), ECDSA)
denied("signing key", "OnlyBantoSigns", GLASS, "kms:Sign", "*", DIGEST, ECDSA)
allowed("record", "TheOwnerReads", DEVELOPER, "secretsmanager:GetSecretValue")
denied("record", "TheOwnerReads", f"arn:aws:iam::{IDENTITY}:user/alice", "secretsmanager:DescribeSecret")
for who in (DEVELOPER, ROTATOR, GLASS):
    allowed("record", "NobodyElseReads", who, "secretsmanager:GetSecretValue")
for who in (ALICE, ADMIN, REACH, f"arn:aws:iam::{IDENTITY}:root", ONBOARD):
    denied("record", "NobodyElseReads", who, "secretsmanager:GetSecretValue")
for who in (ROTATOR, GLASS):
    allowed("record", "NobodyElseWrites", who, "secretsmanager:PutSecretValue")
for who in (DEVELOPER, ADMIN, f"arn:aws:iam::{IDENTITY}:root"):
    denied("record", "NobodyElseWrites", who, "secretsmanager:PutSecretValue")
    denied("record", "NobodyElseWrites", who, "secretsmanager:TagResource")


def source(arn):
    return ("aws:SourceArn", arn)


def queue(name):
    return f"arn:aws:sqs:{evaluator.REGION}:{HERE}:{name}"


RULES = f"arn:aws:events:{evaluator.REGION}:{HERE}:rule"
for document, sid, name, rule in (("requests", "ExposedKeys", "banto-rotation", "banto-health"), ("accounts", "EventsOfTheOrganization", "banto-accounts", "banto-onboarding")):
    allowed(document, sid, "events.amazonaws.com", "sqs:SendMessage", queue(name), source(f"{RULES}/{rule}"))
    denied(document, sid, "events.amazonaws.com", "sqs:SendMessage", queue(name), source(f"{RULES}/other"))
    denied(document, sid, "events.amazonaws.com", "sqs:ReceiveMessage", queue(name), source(f"{RULES}/{rule}"))
    denied(document, sid, "sns.amazonaws.com", "sqs:SendMessage", queue(name), source(f"{RULES}/{rule}"))
allowed("accounts", f"Rotator{IDENTITY}", ROTATOR, "sqs:SendMessage", queue("banto-accounts"))
denied("accounts", f"Rotator{IDENTITY}", ADMIN, "sqs:SendMessage", queue("banto-accounts"))
allowed("events", "RulesOfTheOrganization", FORWARD, "sqs:SendMessage", queue("banto-compliance"), OURS)
denied("events", "RulesOfTheOrganization", FORWARD, "sqs:SendMessage", queue("banto-compliance"), THEIRS)
denied("events", "RulesOfTheOrganization", ADMIN, "sqs:SendMessage", queue("banto-compliance"), OURS)
allowed("deliveries", "FunctionsOfOtherAccounts", ONBOARD, "sqs:SendMessage", queue("banto-deliveries"), OURS)
denied("deliveries", "FunctionsOfOtherAccounts", ONBOARD, "sqs:SendMessage", queue("banto-deliveries"), THEIRS)
denied("deliveries", "FunctionsOfOtherAccounts", ROTATOR, "sqs:SendMessage", queue("banto-deliveries"), OURS)
TOPICS = f"arn:aws:sns:{evaluator.REGION}:{HERE}"
for who in (ROTATOR, ONBOARD):
    allowed("owners' topic", "FunctionsOfOtherAccountsPublish", who, "sns:Publish", f"{TOPICS}:banto-owners", OURS)
    denied("owners' topic", "FunctionsOfOtherAccountsPublish", who, "sns:Publish", f"{TOPICS}:banto-owners", THEIRS)
denied("owners' topic", "FunctionsOfOtherAccountsPublish", ADMIN, "sns:Publish", f"{TOPICS}:banto-owners", OURS)
allowed("alarms", "AlarmsOfThisAccount", "cloudwatch.amazonaws.com", "sns:Publish", f"{TOPICS}:banto-alarms", ("aws:SourceAccount", HERE))
denied("alarms", "AlarmsOfThisAccount", "cloudwatch.amazonaws.com", "sns:Publish", f"{TOPICS}:banto-alarms", ("aws:SourceAccount", IDENTITY))
WATCH = f"arn:aws:sns:{evaluator.REGION}:{HERE}:banto-watch"
for rule, may in (("banto-watch-keys", allowed), ("other", denied)):
    may("watch's topic", "RulesOfThisWatch", "events.amazonaws.com", "sns:Publish", WATCH, source(f"arn:aws:events:{evaluator.REGION}:{IDENTITY}:rule/{rule}"))
denied("watch's topic", "RulesOfThisWatch", "events.amazonaws.com", "sns:Publish", WATCH, source(f"{RULES.replace(HERE, LOG_ARCHIVE)}/banto-watch-keys"))
FORWARDS = f"arn:aws:events:us-east-1:{MANAGEMENT}:rule"
BY_HUB = ("aws:SourceAccount", MANAGEMENT)
allowed("forwarding's trust", "OneRuleOfEventBridge", "events.amazonaws.com", "sts:AssumeRole", "*", source(f"{FORWARDS}/banto-organizations"), BY_HUB)
denied("forwarding's trust", "OneRuleOfEventBridge", "events.amazonaws.com", "sts:AssumeRole", "*", source(f"{FORWARDS}/other"), BY_HUB)
denied("forwarding's trust", "OneRuleOfEventBridge", "events.amazonaws.com", "sts:AssumeRole", "*", source(f"{FORWARDS}/banto-organizations"), ("aws:SourceAccount", IDENTITY))
denied("forwarding's trust", "OneRuleOfEventBridge", "lambda.amazonaws.com", "sts:AssumeRole", "*", source(f"{FORWARDS}/banto-organizations"), BY_HUB)
SET = source(f"arn:aws:ses:{evaluator.REGION}:{HERE}:configuration-set/banto")
allowed("bounces", "SesTellsOfBounces", "ses.amazonaws.com", "sns:Publish", f"{TOPICS}:banto-bounces", SET, ("aws:SourceAccount", HERE))
denied("bounces", "SesTellsOfBounces", "ses.amazonaws.com", "sns:Publish", f"{TOPICS}:banto-bounces", SET, ("aws:SourceAccount", IDENTITY))
VIA = ("kms:ViaService", f"secretsmanager.{evaluator.REGION}.amazonaws.com")
allowed("notices' key", "ThisAccountsPoliciesCount", f"arn:aws:iam::{LOG_ARCHIVE}:role/admin", "kms:PutKeyPolicy")
denied("notices' key", "ThisAccountsPoliciesCount", ROTATOR, "kms:PutKeyPolicy", "*", OURS, VIA)
allowed("notices' key", "FunctionsOfOtherAccountsDecryptSecrets", ROTATOR, "kms:Decrypt", "*", OURS, VIA)
denied("notices' key", "FunctionsOfOtherAccountsDecryptSecrets", ROTATOR, "kms:Decrypt", "*", OURS)
denied("notices' key", "FunctionsOfOtherAccountsDecryptSecrets", ROTATOR, "kms:Decrypt", "*", THEIRS, VIA)
denied("notices' key", "FunctionsOfOtherAccountsDecryptSecrets", ADMIN, "kms:Decrypt", "*", OURS, VIA)
TOKEN = f"arn:aws:secretsmanager:{evaluator.REGION}:{HERE}:secret:banto/slack/token-AbCdEf"
allowed("notices' secret", "FunctionsOfOtherAccountsRead", ROTATOR, "secretsmanager:GetSecretValue", TOKEN, OURS)
denied("notices' secret", "FunctionsOfOtherAccountsRead", ROTATOR, "secretsmanager:PutSecretValue", TOKEN, OURS)
denied("notices' secret", "FunctionsOfOtherAccountsRead", ADMIN, "secretsmanager:GetSecretValue", TOKEN, OURS)
ARCHIVE = f"arn:aws:s3:::banto-log-archive-{LOG_ARCHIVE}"
LOGS = f"{ARCHIVE}/o-exampleorgid/AWSLogs/{IDENTITY}/Config"
CONFIG, BY_US, BY_THEM = "config.amazonaws.com", ("aws:SourceOrgID", "o-stub000000"), ("aws:SourceOrgID", "o-someoneelse")
ACL = ("s3:x-amz-acl", "bucket-owner-full-control")
for sid, action in (("ConfigChecksTheBucketsPermissions", "s3:GetBucketAcl"), ("ConfigChecksThatTheBucketIsThere", "s3:ListBucket")):
    allowed("log archive", sid, CONFIG, action, ARCHIVE, BY_US)
    denied("log archive", sid, CONFIG, action, ARCHIVE, BY_THEM)
allowed("log archive", "ConfigDelivers", CONFIG, "s3:PutObject", f"{LOGS}/one", BY_US, ACL)
denied("log archive", "ConfigDelivers", CONFIG, "s3:PutObject", f"{LOGS}/one", BY_THEM, ACL)
denied("log archive", "ConfigDelivers", CONFIG, "s3:PutObject", f"{LOGS}/one", BY_US)
denied("log archive", "ConfigDelivers", CONFIG, "s3:PutObject", f"{ARCHIVE}/elsewhere", BY_US, ACL)
REPORT = f"arn:aws:iam::{HERE}:role/report-compliance"
for sid, action, resource in (("ReadersList", "s3:ListBucket", ARCHIVE), ("ReadersRead", "s3:GetObject", f"{LOGS}/one")):
    allowed("log archive", sid, REPORT, action, resource, OURS)
    denied("log archive", sid, REPORT, action, resource, THEIRS)
    denied("log archive", sid, f"arn:aws:iam::{HERE}:role/other", action, resource, OURS)
REPORTS = f"arn:aws:s3:::banto-reports-{LOG_ARCHIVE}"
allowed("reports", "OnboardAccountsPublishesTheDashboardsData", ONBOARD, "s3:PutObject", f"{REPORTS}/accounts.json", OURS)
denied("reports", "OnboardAccountsPublishesTheDashboardsData", ONBOARD, "s3:PutObject", f"{REPORTS}/else.json", OURS)
denied("reports", "OnboardAccountsPublishesTheDashboardsData", ROTATOR, "s3:PutObject", f"{REPORTS}/accounts.json", OURS)
for document, sid, who, action, resource in (
    ("certificates", "OnlyByTls", ALICE, "s3:GetObject", f"{BUCKET}/certs/alice.asc"),
    ("requests", "OnlyByTls", ROTATOR, "sqs:ReceiveMessage", queue("banto-rotation")),
    ("accounts", "OnlyByTls", ONBOARD, "sqs:ReceiveMessage", queue("banto-accounts")),
    ("events", "OnlyByTls", ADMIN, "sqs:ReceiveMessage", queue("banto-compliance")),
    ("deliveries", "OnlyByTls", ADMIN, "sqs:DeleteMessage", queue("banto-deliveries")),
    ("owners' topic", "OnlyByTls", f"arn:aws:iam::{HERE}:role/report-compliance", "sns:Publish", f"{TOPICS}:banto-owners"),
    ("alarms", "OnlyByTls", ADMIN, "sns:Publish", f"{TOPICS}:banto-alarms"),
    ("bounces", "OnlyByTls", ADMIN, "sns:Publish", f"{TOPICS}:banto-bounces"),
    ("log archive", "NothingWithoutTls", ADMIN, "s3:GetBucketPolicy", ARCHIVE),
    ("reports", "NothingWithoutTls", ADMIN, "s3:GetBucketPolicy", REPORTS),
    ("states", "OnlyByTls", HUB_ADMIN, "s3:GetObject", STATE),
    ("watch's topic", "OnlyByTls", ADMIN, "sns:Publish", WATCH),
):
    allowed(document, sid, who, action, resource)
    denied(document, sid, who, action, resource, PLAIN)

# A session of onboard-accounts in somebody's account.

for action in json.loads((tree.SOURCES / "functions" / "onboard-accounts" / "session-policy.json").read_text())["Statement"][0]["Action"]:
    allowed("session", "#0", REACH, action)
for action in ("ec2:TerminateInstances", "iam:CreateAccessKey", "s3:ListAllMyBuckets", "secretsmanager:GetSecretValue", "config:StopConfigurationRecorder", "iam:DeleteRole", "sqs:ListQueues"):
    denied("session", "#0", REACH, action)


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Evaluator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.documents = documents(terraform.applied_roots(tree.shared()))

    def test_each_statement_lets_what_it_should_and_nothing_beside(self):
        problems = [evaluator.problem(self.documents, case) for case in CASES]
        self.assertEqual([one for one in problems if one], [])

    def test_each_statement_has_an_allowed_case_and_a_denied_one(self):
        self.assertEqual(evaluator.uncovered(self.documents, CASES, ONE_SIDED), [])

    def test_each_document_of_a_root_is_asked_about_or_left_out_with_a_reason(self):
        roots = terraform.applied_roots(tree.shared())
        self.assertEqual(unasked(roots, self.documents), [])
        names = rendered(roots)
        for pattern in (*LIKE, *LEFT_OUT):
            self.assertTrue(any(re.fullmatch(pattern, name) for name in names), f"nothing is named {pattern}")

    def test_a_document_that_nobody_asks_about_is_found(self):
        roots = terraform.applied_roots(tree.shared())
        one = roots["identity"].resources[0]
        extra = {"address": "module.new.aws_sqs_queue_policy.this", "values": {"policy": '{"Statement": [{"Sid": "New"}]}'}}
        like = {**extra, "address": "module.alarm_topic.aws_sns_topic_policy.this"}

        class Root:
            resources = [one, extra, like]

        self.assertEqual(len(unasked({"identity": Root}, self.documents)), 2)

    def test_calls_are_let_and_denied_as_the_evaluator_says(self):
        reasons = {case: evaluator.why_not_called(self.documents[case.document], case) for case in CASES}
        server = evaluator.Server()
        self.addCleanup(server.close)
        called = [case for case, reason in reasons.items() if reason is None]
        problems = [server.called(self.documents[case.document], case) for case in called]
        self.assertEqual([one for one in problems if one], [])
        self.assertGreater(len(called), 20)
        print(f"\n{len(CASES)} cases, {len(called)} of them by a call. The others are asked of its evaluator alone:", file=sys.stderr)
        for reason in sorted({reason for reason in reasons.values() if reason}):
            print(f"  {list(reasons.values()).count(reason)}: {reason}", file=sys.stderr)

    def test_a_record_is_read_by_its_owner_and_by_no_administrator(self):
        server = evaluator.Server()
        self.addCleanup(server.close)
        iam, secrets, sts = server.root("iam"), server.root("secretsmanager"), server.root("sts")
        everything = json.dumps({"Version": "2012-10-17", "Statement": [evaluator.ALL]})
        secret = secrets.create_secret(Name="banto/access-keys/alice", SecretString="sealed")["ARN"]
        secrets.put_resource_policy(SecretId=secret, ResourcePolicy=self.documents["record"].text)

        def outcome(credentials):
            return server.outcome(server.client("secretsmanager", *credentials).get_secret_value, SecretId=secret)

        for path, name, own, expected in (
            ("/developers/", "alice", None, "done"),
            ("/", "alice-of-another-path", everything, "AccessDeniedException"),
            ("/", "bob", None, "AccessDeniedException"),
            ("/", "administrator", everything, "AccessDeniedException"),
        ):
            iam.create_user(UserName=name, Path=path)
            if own:
                iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=own)
            key = iam.create_access_key(UserName=name)["AccessKey"]
            with self.subTest(name):
                self.assertEqual(outcome((key["AccessKeyId"], key["SecretAccessKey"])), expected)
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": IDENTITY}, "Action": "sts:AssumeRole"}]}
        iam.create_role(RoleName="admin", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="admin", PolicyName="own", PolicyDocument=everything)
        session = sts.assume_role(RoleArn=ADMIN, RoleSessionName="alice")["Credentials"]
        self.assertEqual(outcome((session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])), "AccessDeniedException")
