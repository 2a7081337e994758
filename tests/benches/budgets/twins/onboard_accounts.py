"""An account that was asked for: looks it up, and queues its convergence and the dashboard's data.

Lacks everything that onboard-accounts does besides: no policy, other events, pace, log or metrics. The
function's queue is in the environment, where the function has it in its policy.
"""

import json
import os

import boto3

organizations = boto3.client("organizations")
sqs = boto3.client("sqs")


def handler(event):
    accounts = [organizations.describe_account(AccountId=id)["Account"] for id in event["accounts"]]
    bodies = [{"version": 1, "kind": "converge", "account": account["Id"], "name": account["Name"]} for account in accounts]
    entries = [{"Id": str(index), "MessageBody": json.dumps(body)} for index, body in enumerate(bodies)]
    entries.append({"Id": "publish", "MessageBody": json.dumps({"version": 1, "kind": "publishDashboard"}), "DelaySeconds": 120})
    sqs.send_message_batch(QueueUrl=os.environ["QUEUE_URL"], Entries=entries)
    return {"queued": len(accounts), "departed": []}


