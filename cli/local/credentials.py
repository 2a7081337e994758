"""What moto leaves out of the life of credentials, and a rotation rests on.

- An access key that is inactive, or was deleted, signs nothing.
- A user's keys stay theirs when the user is renamed.
- `GetSessionToken` gives every user sessions of their own. A policy that denies temporary credentials
  ends them.
- CloudTrail keeps each key that was created and each session that was begun, and with which credential;
  `LookupEvents` finds them, at once. IAM's are in us-east-1, those of STS in the region that was asked.

It comes before `moto_server.py` in one program.
"""

import json
import uuid
from datetime import datetime, timedelta, timezone

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, InvalidClientTokenIdError
from moto.core.responses import ActionResult
from moto.iam.access_control import S3IAMRequest
from moto.iam.models import IAMBackend, iam_backends
from moto.iam.responses import IamResponse
from moto.s3.exceptions import S3AccessDeniedError, S3InvalidAccessKeyIdError
from moto.sts.models import STSBackend, sts_backends
from moto.sts.responses import TokenResponse
from moto.sts.utils import random_session_token

# The condition of a policy that denies temporary credentials: only they have a time of issue.
TEMPORARY = {"Null": {"aws:TokenIssueTime": "false"}}

# CloudTrail keeps events for 90 days.
KEPT = timedelta(days=90)

# The user of each session that `GetSessionToken` began, by the id of its access key.
sessions = {}

# The ids of the access keys that were deleted.
deleted = set()

# Every event of CloudTrail, in the order in which they happened.
history = []


def iam(account):
    return iam_backends[account]["aws"]


def user_of(account, key):
    """The user whose key or session this is; None if it is no user's."""
    if key in sessions:
        return sessions[key]
    return iam(account).get_user_from_access_key_id(key)


def is_inactive(user, key):
    return any(owned.access_key_id == key and owned.status != "Active" for owned in user.access_keys)


def denies_sessions(policy):
    document = next(version.document for version in policy.versions if version.is_default)
    statements = json.loads(document)["Statement"]
    return any(
        statement["Effect"] == "Deny" and statement["Action"] == "*" and statement.get("Condition") == TEMPORARY
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def refuse_ended(response, request_class):
    """Refuses a request that is signed with a key that has ended, or with a session that is denied."""
    key, of_s3 = response.get_access_key(), request_class is S3IAMRequest
    user = user_of(response.current_account, key)
    if key in deleted or user and is_inactive(user, key):
        raise S3InvalidAccessKeyIdError() if of_s3 else InvalidClientTokenIdError()
    if user is None:
        return
    action = f"{response.service_name}:{response._get_action()}"
    # Nobody can be denied to learn who they are.
    if key not in sessions or action == "sts:GetCallerIdentity":
        return
    if any(denies_sessions(policy) for policy in user.managed_policies.values()):
        raise S3AccessDeniedError() if of_s3 else AccessDeniedError(user.arn, action)


plain_authorize = ActionAuthenticatorMixin._authenticate_and_authorize_action


def authorize(self, request_class, resource="*"):
    refuse_ended(self, request_class)
    plain_authorize(self, request_class, resource)


ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize


plain_delete_access_key = IAMBackend.delete_access_key


def delete_access_key(self, access_key_id, user_name):
    plain_delete_access_key(self, access_key_id, user_name)
    deleted.add(access_key_id)


IAMBackend.delete_access_key = delete_access_key

plain_update_user = IAMBackend.update_user


def update_user(self, user_name, new_path=None, new_user_name=None):
    plain_update_user(self, user_name, new_path, new_user_name)
    user = self.users[new_user_name or user_name]
    for key in user.access_keys:
        key.user_name = user.name


IAMBackend.update_user = update_user


def identity(account, key):
    """Whoever signed, as CloudTrail names them."""
    known = {"accountId": account, "accessKeyId": key}
    role = sts_backends[account]["aws"].get_assumed_role_from_access_key(key)
    if role:
        name = role.role_arn.rpartition("/")[2]
        issuer = {"type": "Role", "arn": role.role_arn, "accountId": account, "userName": name}
        context = {"sessionContext": {"sessionIssuer": issuer}}
        return {"type": "AssumedRole", "principalId": role.user_id, "arn": role.arn, **known, **context}
    user = user_of(account, key)
    if user is None:
        return {"type": "Unknown", **known}
    context = {"sessionContext": {"attributes": {"mfaAuthenticated": "false"}}} if key in sessions else {}
    return {"type": "IAMUser", "principalId": user.id, "arn": user.arn, **known, "userName": user.name, **context}


def parameters(response):
    """The request's parameters, as CloudTrail writes them."""
    fields = {name: values[0] for name, values in response.querystring.items()}
    return {name[0].lower() + name[1:]: fields[name] for name in fields if name not in ("Action", "Version")}


def remember(response, name, elements):
    account, key = response.current_account, response.get_access_key()
    event = {
        "eventVersion": "1.11",
        "userIdentity": identity(account, key),
        "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{response.service_name}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1" if response.service_name == "iam" else response.region,
        "sourceIPAddress": "127.0.0.1",
        "requestParameters": parameters(response),
        "responseElements": elements,
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    history.append(event)


plain_create_access_key = IamResponse.create_access_key
plain_assume_role = TokenResponse.assume_role
plain_get_caller_identity = STSBackend.get_caller_identity


def create_access_key(self):
    answer = plain_create_access_key(self)
    created = answer.result["AccessKey"]
    key = {"accessKeyId": created.access_key_id, "status": created.status, "userName": created.user_name}
    remember(self, "CreateAccessKey", {"accessKey": key})
    return answer


def assume_role(self):
    answer = plain_assume_role(self)
    key = answer.result["Credentials"].access_key_id
    remember(self, "AssumeRole", {"credentials": {"accessKeyId": key}})
    return answer


def get_session_token(self):
    """moto gives everyone the same session. Here each has a key, a secret and a user of its own."""
    user = user_of(self.current_account, self.get_access_key())
    if user is None:
        raise AccessDeniedError("nobody", "sts:GetSessionToken")
    key = iam(self.current_account).create_temp_access_key()
    sessions[key.access_key_id] = user
    remember(self, "GetSessionToken", {"credentials": {"accessKeyId": key.access_key_id}})
    lasts = timedelta(seconds=self._get_int_param("DurationSeconds", 43_200))
    credentials = {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "SessionToken": random_session_token(),
        "Expiration": datetime.now(timezone.utc) + lasts,
    }
    return ActionResult({"Credentials": credentials})


def get_caller_identity(self, access_key_id, region):
    user = sessions.get(access_key_id)
    if user:
        return user.id, user.arn, self.account_id
    return plain_get_caller_identity(self, access_key_id, region)


IamResponse.create_access_key = create_access_key
TokenResponse.assume_role = assume_role
TokenResponse.get_session_token = get_session_token
STSBackend.get_caller_identity = get_caller_identity


def moment(event):
    return datetime.fromisoformat(event["eventTime"].replace("Z", "+00:00")).timestamp()


def attribute(event, name):
    """The value by which `LookupEvents` finds an event."""
    by_name = {
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventId": event["eventID"],
        "AccessKeyId": event["userIdentity"]["accessKeyId"],
        "Username": event["userIdentity"].get("userName"),
    }
    return by_name[name]


def entry(event):
    fields = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": moment(event),
        "ReadOnly": "false",
        "AccessKeyId": event["userIdentity"]["accessKeyId"],
        "Resources": [],
        "CloudTrailEvent": json.dumps(event),
    }
    name = event["userIdentity"].get("userName")
    return fields if name is None else {**fields, "Username": name}


def lookup_events(self):
    """The newest first, a page at a time; the token is the number of events before the page."""
    forgotten = (datetime.now(timezone.utc) - KEPT).timestamp()
    begin = max(self._get_param("StartTime") or 0, forgotten)
    end = self._get_param("EndTime") or float("inf")
    wanted = self._get_param("LookupAttributes") or []
    found = [
        event
        for event in reversed(history)
        if event["recipientAccountId"] == self.current_account
        and event["awsRegion"] == self.region
        and begin <= moment(event) <= end
        and all(attribute(event, one["AttributeKey"]) == one["AttributeValue"] for one in wanted)
    ]
    # The clock may have been set back.
    found.sort(key=moment, reverse=True)
    before, page = int(self._get_param("NextToken") or 0), int(self._get_param("MaxResults") or 50)
    answer = {"Events": [entry(event) for event in found[before : before + page]]}
    if before + page < len(found):
        answer["NextToken"] = str(before + page)
    return json.dumps(answer)


CloudTrailResponse.lookup_events = lookup_events
