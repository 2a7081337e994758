"""ministack for a local AWS that enforces IAM, with a clock that can be set.

Binds a free port of the loopback interface, tells it as the first line of its output, and ends when its
standard input does: with the program that started it, however that one ends. It keeps nothing on disk.

    PUT /banto/clock  {"now": "2026-11-24T09:00:00Z"}  sets the clock, which goes on from there

What a policy of Banto's rests on and ministack leaves out is filled in below, each from the Service
Authorization Reference; `cli/src/local/ministack.rs` lists it.
"""

import asyncio
import json
import os
import socket
import sys
import threading
from datetime import datetime, timedelta, timezone
from email.utils import parseaddr

import time_machine

# The services' own addresses have the port, which they read when they are imported.
listener = socket.create_server(("127.0.0.1", 0))
PORT = listener.getsockname()[1]
os.environ |= {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "CLOUDTRAIL_RECORDING": "1",
    "GATEWAY_PORT": str(PORT),
    "IOT_MTLS_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
    "MINISTACK_HOST": "127.0.0.1",
    "SFTP_ENABLED": "0",
}

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app
from ministack.core import iam_actions, iam_evaluator, sigv4
from ministack.core.responses import get_account_id
from ministack.services import iam

# The Organization of every account here.
ORGANIZATION = os.environ["BANTO_ORGANIZATION"]

# How far the clock was set from the machine's own, by which clients sign.
ahead = timedelta()


def parameter(params, name):
    value = params.get(name)
    return value[0] if isinstance(value, list) else value


def fields(body):
    try:
        return json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        return {}


plain_iam_action = iam_actions.extract_iam_action
plain_resource_arn = iam_actions.extract_resource_arn
plain_tag_context = iam_actions.request_tag_context
plain_time_failure = sigv4.request_time_failure
plain_condition_key = iam_evaluator._resolve_condition_key


def iam_resource(params):
    """The stored ARN, which has the path; that of the key's owner where the request names a key alone."""
    key = iam._access_keys.get(parameter(params, "AccessKeyId") or "", {})
    user = iam._users.get(parameter(params, "UserName") or key.get("UserName"))
    group = iam._groups.get(parameter(params, "GroupName"))
    # A call that names a role or a policy alone finds neither.
    found = user or group
    return found["Arn"] if found else None


def organizations_resource(request):
    """The account or unit that the request names; it is of the Organization, not of a service's wildcard."""
    name = request.get("AccountId") or request.get("ChildId") or request.get("ResourceId")
    kind = "ou" if str(name).startswith("ou-") else "account"
    return f"arn:aws:organizations::{get_account_id()}:{kind}/{ORGANIZATION}/{name}" if name else "*"


def extract_iam_action(*request):
    """A batch of SQS needs the permission of a single message."""
    action = plain_iam_action(*request)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
    if service == "iam" and (found := iam_resource(query_params)):
        return found
    if service == "organizations":
        return organizations_resource(fields(body))
    if service == "ses" and (sender := fields(body).get("FromEmailAddress")):
        return f"arn:aws:ses:{region}:{account_id}:identity/{parseaddr(sender)[1]}"
    return plain_resource_arn(service, method, path, headers, body, query_params, region, account_id)


def request_tag_context(service, iam_action, body, params):
    """The condition keys of single services beside those of tags."""
    context, request = plain_tag_context(service, iam_action, body, params), fields(body)
    if service == "kms":
        given = {"kms:MessageType": request.get("MessageType", "RAW"), "kms:SigningAlgorithm": request.get("SigningAlgorithm")}
        return context | {name: value for name, value in given.items() if value}
    if iam_action in ("iam:AttachUserPolicy", "iam:DetachUserPolicy"):
        return context | {"iam:PolicyARN": parameter(params, "PolicyArn")}
    if iam_action == "sts:AssumeRole":
        return context | {"aws:ResourceOrgID": ORGANIZATION}
    return context


def request_time_failure(signature, *, now=None):
    """Clients sign by the machine's clock, however far this one was set, until an answer's date corrects them."""
    now = now or datetime.now(timezone.utc)
    return plain_time_failure(signature, now=now - ahead) and plain_time_failure(signature, now=now)


def resolve_condition_key(key, ctx):
    """A session's principal is its role, whose ARN has the path."""
    if key.lower() == "aws:principalarn" and ctx.principal_type == "AssumedRole":
        name = ctx.principal_arn.split("/")[1]
        role = iam._roles.get_scoped(ctx.principal_account, None, name)
        return role["Arn"] if role else ctx.principal_arn
    return plain_condition_key(key, ctx)


iam_actions.extract_iam_action = extract_iam_action
iam_actions.extract_resource_arn = extract_resource_arn
iam_actions.request_tag_context = request_tag_context
sigv4.request_time_failure = request_time_failure
iam_evaluator._resolve_condition_key = resolve_condition_key


class Application:
    """ministack's application, and the clock beside it."""

    def __init__(self, clock):
        self.clock = clock

    async def __call__(self, scope, receive, send):
        if scope.get("path") != "/banto/clock":
            return await app.app(scope, receive, send)
        message = await receive()
        self.set_clock(datetime.fromisoformat(json.loads(message["body"])["now"].replace("Z", "+00:00")))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def set_clock(self, now):
        global ahead
        ahead += now - datetime.now(timezone.utc)
        self.clock.move_to(now)


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    # A client that sends by a connection just as it is closed as idle has a request that comes to nothing.
    config.keep_alive_timeout = 3600
    with time_machine.travel(datetime.now(timezone.utc), tick=True) as clock:
        # The kernel takes connections from here on.
        print(json.dumps({"port": PORT}), flush=True)
        asyncio.run(serve(Application(clock), config))


main()
