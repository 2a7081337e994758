"""An event that later news has overtaken: reads what the table knows of the finding and of its account.

Lacks everything that notify-compliance does besides: no policy, plan, check, log or metrics, and no hash
in a finding's key. The table is in the environment, where the function has it in its policy.
"""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
table = os.environ["TABLE"]


def read(pk, sk, consistent):
    keys = {"Keys": [{"pk": {"S": pk}, "sk": {"S": sk}}], "ConsistentRead": consistent}
    return dynamodb.batch_get_item(RequestItems={table: keys})["Responses"][table]


def handler(event):
    failures = []
    for record in event["Records"]:
        detail = json.loads(record["body"])["detail"]
        account = f"account#{detail['awsAccountId']}"
        read(account, f"finding#{detail['configRuleName']}#{detail['resourceId']}", True)
        if not read(account, "account", False):
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


