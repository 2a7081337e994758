"""Asks an evaluator of IAM policies, ministack's, what Banto's documents let whom do.

ministack in its enforcement mode answers real calls as far as it knows what they hang on. Where it doesn't, its evaluator is
asked about the same document with a request that is made up here, and `why_not_called` says why.
"""

import contextlib
import dataclasses
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
from ministack.core import iam_evaluator

REGION = "ap-northeast-1"
IDENTITY, LOG_ARCHIVE, MANAGEMENT = "111122223333", "444455556666", "999988887777"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}

# Starting takes half a second, on a machine that builds something else many times that.
SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Document:
    """kind: `limit` (a service control policy, a boundary or a session's), `own` (of a user or a role), `resource` (of a
    resource, or of a role's trust), `federated` (of a role's trust in tokens)."""

    kind: str
    text: str

    def statements(self):
        found = json.loads(self.text)["Statement"]
        return found if isinstance(found, list) else [found]

    def sids(self):
        """A statement without a Sid goes by its place."""
        return [one.get("Sid") or f"#{place}" for place, one in enumerate(self.statements())]

    def statement(self, sid):
        return self.statements()[self.sids().index(sid)]


@dataclasses.dataclass(frozen=True)
class Case:
    document: str
    sid: str
    allowed: bool
    who: str
    action: str
    resource: str = "*"
    context: tuple = ()

    def name(self):
        keys = " ".join(f"{key}={value}" for key, value in self.context)
        may = "may" if self.allowed else "may not"
        return f"{self.document}, {self.sid}: {self.who} {may} {self.action} on {self.resource} {keys}".strip()


def put_in(text, user):
    """A document with the user's name for IAM's variable, or its default value where there is none
    (IAM user guide, "IAM policy elements: Variables and tags"). ministack leaves variables as they are."""
    if user:
        return re.sub(r"\$\{aws:username(, '[^']*')?\}", lambda _: user, text)
    return re.sub(r"\$\{aws:username, '([^']*)'\}", r"\1", text)


def user_of(who):
    """The name of an IAM user, which a role and a service don't have."""
    return who.rsplit("/", 1)[-1] if ":user/" in who else None


def request(case):
    """The request that a case makes. aws:PrincipalArn is the user's ARN or the role's
    (IAM user guide, "AWS global condition context keys")."""
    service = not case.who.startswith("arn:")
    keys = {"aws:principalorgid": None, **{key.lower(): value for key, value in case.context}}
    if user_of(case.who):
        keys["aws:username"] = user_of(case.who)
    return iam_evaluator.EvalContext(
        principal_arn=case.who,
        principal_type="Service" if service else "User" if user_of(case.who) else "AssumedRole",
        principal_account="" if service else case.who.split(":")[4],
        action=case.action,
        resource_arn=case.resource,
        region=REGION,
        secure_transport=keys.pop("aws:securetransport", "true") == "true",
        tag_keys=list(keys.pop("aws:tagkeys", ())) or None,
        principal_keys=keys,
    )


def decide(document, case, alone=False):
    """What the evaluator says of a document, or of the case's statement alone: Allow, Deny or ImplicitDeny, and by which statement."""
    statements = json.loads(put_in(document.text, user_of(case.who)))["Statement"]
    statements = statements if isinstance(statements, list) else [statements]
    labelled = [{**one, "Sid": sid} for one, sid in zip(statements, document.sids()) if sid == case.sid or not alone]
    asked = request(case)
    everything = iam_evaluator.parse_policy_document({"Statement": [ALL]})
    if document.kind == "federated":
        found = iam_evaluator.evaluate_trust_policy({"Statement": labelled}, case.who, asked)
        return ("Allow", case.sid) if found else ("ImplicitDeny", None)
    if document.kind == "resource":
        service = None if case.who.startswith("arn:") else case.who
        found = iam_evaluator.evaluate_resource_policy({"Statement": labelled}, asked, service=service)
        # Beside a denial the caller's own policy lets everything.
        if document.statement(case.sid)["Effect"] == "Deny" and found.decision == "ImplicitDeny":
            found.decision = "Allow"
        return found.decision, found.matched_sid
    parsed = iam_evaluator.parse_policy_document({"Statement": labelled})
    beside = everything if document.statement(case.sid)["Effect"] == "Deny" else []
    if document.kind == "limit":
        found = iam_evaluator.evaluate(asked, [everything], [parsed, beside])
    else:
        found = iam_evaluator.evaluate(asked, [parsed, beside])
    return found.decision, found.matched_sid


def problem(documents, case):
    """What is wrong with the answer to a case; None if it is as it should be."""
    document = documents[case.document]
    decision, sid = decide(document, case)
    if (decision == "Allow") != case.allowed:
        return f"{case.name()}: {decision} by {sid or 'no statement'}"
    # Whoever is let or denied by another statement proves nothing of this one.
    effect = document.statement(case.sid)["Effect"]
    if case.allowed == (effect == "Allow") and decide(document, case, alone=True)[0] != effect:
        return f"{case.name()}: not by this statement, but by {sid}"
    return None


def uncovered(documents, cases, one_sided=frozenset()):
    """Statements without an allowed case and a denied one."""
    seen = set(one_sided) | {(case.document, case.sid, case.allowed) for case in cases}
    return [
        f"{name}, {sid}: no case that is {'allowed' if allowed else 'denied'}"
        for name, document in documents.items()
        for sid in document.sids()
        for allowed in (True, False)
        if (name, sid, allowed) not in seen
    ]


def why_not_called(document, case):
    """Why ministack can't answer a real call of this case as AWS would; None where it can."""
    if document.kind in ("resource", "federated"):
        return "the policy of a resource or a role, whose callers are services, of other accounts, or have a second factor"
    if not user_of(case.who) and "aws:PrincipalArn" in document.text:
        return "aws:PrincipalArn of a session is its own ARN there, not the role's"
    if "${aws:" in document.text:
        return "variables stay as they are there"
    if any(key.lower().startswith("aws:multifactor") for key, _ in case.context):
        return "no session has a second factor there"
    if case.action not in CALLS:
        return "a call that is not in evaluator.CALLS"
    return None


def name_in(arn):
    return arn.rsplit("/", 1)[-1] if "/" in arn else "anything"


def in_bucket(arn):
    bucket, _, key = arn.rsplit(":", 1)[-1].partition("/")
    return {"Bucket": bucket, "Key": key}


# A call for an action: it needs no more than what its permission is looked up by. None of EventBridge's are here: ministack
# looks up a rule of the default bus as rule/default/name, where AWS has rule/name.
CALLS = {
    "iam:CreateAccessKey": ("create_access_key", lambda arn: {"UserName": name_in(arn)}),
    "iam:DeleteAccessKey": ("delete_access_key", lambda arn: {"UserName": name_in(arn), "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
    "iam:UpdateAccessKey": ("update_access_key", lambda arn: {"UserName": name_in(arn), "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "Status": "Inactive"}),
    "iam:ListUsers": ("list_users", lambda arn: {}),
    "iam:GetUser": ("get_user", lambda arn: {"UserName": name_in(arn)}),
    "iam:DeleteRole": ("delete_role", lambda arn: {"RoleName": name_in(arn)}),
    "iam:UpdateAssumeRolePolicy": ("update_assume_role_policy", lambda arn: {"RoleName": name_in(arn), "PolicyDocument": "{}"}),
    "iam:UploadSSHPublicKey": ("upload_ssh_public_key", lambda arn: {"UserName": name_in(arn), "SSHPublicKeyBody": "ssh-rsa AAAA"}),
    "iam:CreateVirtualMFADevice": ("create_virtual_mfa_device", lambda arn: {"VirtualMFADeviceName": "phone"}),
    "iam:ListRoles": ("list_roles", lambda arn: {}),
    "lambda:UpdateFunctionCode": ("update_function_code", lambda arn: {"FunctionName": arn.rsplit(":", 1)[-1], "ZipFile": b"x"}),
    "config:StopConfigurationRecorder": ("stop_configuration_recorder", lambda arn: {"ConfigurationRecorderName": "default"}),
    "config:DescribeConfigurationRecorders": ("describe_configuration_recorders", lambda arn: {}),
    "config:DeleteConfigurationRecorder": ("delete_configuration_recorder", lambda arn: {"ConfigurationRecorderName": "default"}),
    "ec2:DescribeVpcs": ("describe_vpcs", lambda arn: {}),
    "ec2:TerminateInstances": ("terminate_instances", lambda arn: {"InstanceIds": ["i-0123456789abcdef0"]}),
    "secretsmanager:DeleteSecret": ("delete_secret", lambda arn: {"SecretId": arn}),
    "secretsmanager:GetSecretValue": ("get_secret_value", lambda arn: {"SecretId": arn}),
    "s3:GetObject": ("get_object", lambda arn: in_bucket(arn)),
    "s3:PutObject": ("put_object", lambda arn: in_bucket(arn)),
    "s3:DeleteObject": ("delete_object", lambda arn: in_bucket(arn)),
    "s3:ListBucket": ("list_objects_v2", lambda arn: {"Bucket": arn.rsplit(":", 1)[-1]}),
    "s3:ListAllMyBuckets": ("list_buckets", lambda arn: {}),
    "sqs:ListQueues": ("list_queues", lambda arn: {}),
}


class Server:
    """ministack with IAM enforced, on a port of its own."""

    def __init__(self):
        self.made = 0
        self.stack = contextlib.ExitStack()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AUTH": "true",
            "GATEWAY_PORT": str(port),
            "EDGE_PORT": str(port),
            "MINISTACK_HOST": "127.0.0.1",
            "HOME": folder,
            "TMPDIR": folder,
        }
        log = self.stack.enter_context(open(os.path.join(folder, "log"), "w+"))
        self.process = subprocess.Popen([sys.executable, "-m", "ministack"], cwd=folder, env=environment, stdout=log, stderr=log)
        self.stack.callback(self.process.wait)
        self.stack.callback(self.process.terminate)
        end = time.monotonic() + SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                text = log.read()
                self.close()
                raise AssertionError(f"ministack does not start: {text}")
            time.sleep(0.1)

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def close(self):
        self.stack.close()

    def client(self, service, key, secret, token=None):
        config = botocore.config.Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, config=config
        )

    def root(self, service, account=IDENTITY):
        return self.client(service, account, "test")

    def caller(self, document, case):
        """Credentials of somebody new, who has the document."""
        iam = self.root("iam")
        self.made += 1
        name = user_of(case.who) if user_of(case.who) else "banto-role"
        name = f"{name}-{self.made}"
        deny = document.statement(case.sid)["Effect"] == "Deny"
        text = json.loads(document.text)
        beside = json.dumps({"Version": "2012-10-17", "Statement": [ALL]})
        if deny:
            text = {**text, "Statement": [*document.statements(), ALL]}
        text = json.dumps(text)
        own, limit = (beside, text) if document.kind == "limit" else (text, None)
        if not user_of(case.who):
            trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": IDENTITY}, "Action": "sts:AssumeRole"}]}
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=own)
            policy = {"Policy": limit} if limit else {}
            session = self.root("sts").assume_role(RoleArn=f"arn:aws:iam::{IDENTITY}:role/{name}", RoleSessionName="session", **policy)["Credentials"]
            return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
        boundary = {}
        if limit:
            arn = iam.create_policy(PolicyName=f"limit-{self.made}", PolicyDocument=limit)["Policy"]["Arn"]
            boundary = {"PermissionsBoundary": arn}
        iam.create_user(UserName=name, **boundary)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=own)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        if any(key_.lower() == "aws:tokenissuetime" for key_, _ in case.context):
            session = self.client("sts", key["AccessKeyId"], key["SecretAccessKey"]).get_session_token()["Credentials"]
            return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]
        return key["AccessKeyId"], key["SecretAccessKey"], None

    def called(self, document, case):
        """What a real call says that is wrong; None if it is as it should be."""
        operation, arguments = CALLS[case.action]
        if "Bucket" in arguments(case.resource):
            # ministack looks for the bucket of an object before it asks who is there.
            with contextlib.suppress(botocore.exceptions.ClientError):
                self.root("s3").create_bucket(Bucket=arguments(case.resource)["Bucket"], CreateBucketConfiguration={"LocationConstraint": REGION})
        client = self.client(case.action.split(":")[0], *self.caller(document, case))
        code = self.outcome(getattr(client, operation), **arguments(case.resource))
        denied = code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
        authenticated = code not in ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidToken")
        if denied == case.allowed or not authenticated:
            return f"{case.name()}, by a call: {code}"
        return None

    def outcome(self, call, **arguments):
        """`done`, or the code of the error. What is let through may still not find what it names."""
        try:
            call(**arguments)
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return "done"
