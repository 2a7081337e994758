"""Asks STS whose access key this is: `caller_identity.py ENDPOINT REGION < credentials.json`.

The credentials are in the shape of the AWS CLI's `credential_process`.
"""

import json
import sys

import boto3

endpoint, region = sys.argv[1:]
credentials = json.load(sys.stdin)
sts = boto3.client(
    "sts",
    endpoint_url=endpoint,
    region_name=region,
    aws_access_key_id=credentials["AccessKeyId"],
    aws_secret_access_key=credentials["SecretAccessKey"],
)
print(sts.get_caller_identity()["Arn"])
