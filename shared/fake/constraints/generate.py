"""Writes constraints.json: what AWS's own models allow in the requests of the calls below.

The models come from botocore, whose version the output names. Run it with any Python that has
botocore:

    python shared/fake/constraints/generate.py

The world in memory holds every request of these calls to them, so that a test fails where AWS would
refuse a name that is too long, or a list with one entry too many.
"""

import json
import pathlib
import re

import botocore
import botocore.loaders

OPERATIONS = {
    "account": ["GetAlternateContact", "ListRegions", "PutAlternateContact"],
    "cloudformation": [
        "CreateStackInstances",
        "ListStackInstances",
        "ListStackSetOperations",
        "UpdateStackInstances",
    ],
    "cloudtrail": ["LookupEvents"],
    "config": [
        "BatchGetAggregateResourceConfig",
        "DescribeAggregateComplianceByConfigRules",
        "DescribeConfigurationRecorderStatus",
        "DescribeConfigurationRecorders",
        "DescribeDeliveryChannelStatus",
        "DescribeDeliveryChannels",
        "GetAggregateComplianceDetailsByConfigRule",
        "PutConfigurationRecorder",
        "PutDeliveryChannel",
        "StartConfigurationRecorder",
    ],
    "dynamodb": [
        "BatchGetItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactWriteItems",
        "UpdateItem",
    ],
    "ec2": [
        "DeleteInternetGateway",
        "DeleteSubnet",
        "DeleteVpc",
        "DescribeVpcs",
        "DetachInternetGateway",
        "EnableEbsEncryptionByDefault",
        "GetEbsEncryptionByDefault",
    ],
    "iam": [
        "AttachRolePolicy",
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateRole",
        "CreateServiceLinkedRole",
        "DeleteAccessKey",
        "DeleteRolePermissionsBoundary",
        "DeleteRolePolicy",
        "DetachRolePolicy",
        "DetachUserPolicy",
        "GenerateCredentialReport",
        "GetAccessKeyLastUsed",
        "GetAccountAuthorizationDetails",
        "GetAccountPasswordPolicy",
        "GetCredentialReport",
        "GetGroup",
        "GetUser",
        "ListAccessKeys",
        "ListRoles",
        "PutRolePermissionsBoundary",
        "PutRolePolicy",
        "TagRole",
        "UpdateAccessKey",
        "UpdateAccountPasswordPolicy",
        "UpdateAssumeRolePolicy",
        "UpdateRole",
    ],
    "kms": ["Sign"],
    "organizations": [
        "DescribeAccount",
        "DescribeEffectivePolicy",
        "ListAccounts",
        "ListParents",
        "ListTagsForResource",
        "MoveAccount",
        "TagResource",
    ],
    "s3": ["GetObject", "ListObjectVersions", "ListObjectsV2", "PutObject"],
    "s3control": ["GetPublicAccessBlock", "PutPublicAccessBlock"],
    "secretsmanager": [
        "CreateSecret",
        "GetSecretValue",
        "ListSecretVersionIds",
        "ListSecrets",
        "PutResourcePolicy",
        "PutSecretValue",
        "TagResource",
        "UntagResource",
    ],
    "ses": ["SendEmail"],
    "sns": ["Publish"],
    "sqs": ["ChangeMessageVisibility", "SendMessageBatch"],
    "sts": ["AssumeRole"],
}

# Services whose model has another name than their calls in an IAM policy.
MODELS = {"ses": "sesv2"}

# Rules that stand in the API references in words only, by the structure's name and the member's.
DOCUMENTED = {
    # CloudTrail API reference, LookupEvents: "the list can contain only one item".
    "cloudtrail.LookupEventsRequest.LookupAttributes": {"max": 1},
    # AWS Config API reference, PutConfigurationRecorder: the server refuses a recorder without a role;
    # PutDeliveryChannel: a channel has a bucket.
    "config.PutConfigurationRecorderRequest.ConfigurationRecorder": {"required": ["roleARN"]},
    "config.PutDeliveryChannelRequest.DeliveryChannel": {"required": ["s3BucketName"]},
    # DynamoDB developer guide, "Constraints in Amazon DynamoDB": an item has 400 KB at most; a set
    # that is empty is refused (API reference, AttributeValue).
    "dynamodb.AttributeValue.S": {"maxBytes": 409600},
    "dynamodb.AttributeValue.SS": {"min": 1},
    # Secrets Manager API reference, CreateSecret: "ASCII letters, numbers, and /_+=.@-".
    "secretsmanager.CreateSecretRequest.Name": {"pattern": "[A-Za-z0-9/_+=.@-]+"},
    # Secrets Manager user guide, "Quotas": 65,536 bytes, 50 tags.
    "secretsmanager.CreateSecretRequest.SecretString": {"maxBytes": 65536},
    "secretsmanager.CreateSecretRequest.Tags": {"max": 50},
    "secretsmanager.PutSecretValueRequest.SecretString": {"maxBytes": 65536},
    # SNS API reference, Publish. It says "less than 100" of the subject; SNS takes 100.
    "sns.PublishInput.Message": {"min": 1, "maxBytes": 262144},
    "sns.PublishInput.Subject": {"min": 1, "max": 100, "pattern": "[^\\x00-\\x1F\\x7F]+"},
    # SQS API reference, ChangeMessageVisibility, SendMessageBatch and its entries.
    "sqs.ChangeMessageVisibilityRequest.VisibilityTimeout": {"min": 0, "max": 43200},
    "sqs.SendMessageBatchRequest.Entries": {"min": 1, "max": 10},
    "sqs.SendMessageBatchRequestEntry.DelaySeconds": {"min": 0, "max": 900},
    "sqs.SendMessageBatchRequestEntry.Id": {"min": 1, "max": 80, "pattern": "[A-Za-z0-9_-]+"},
    "sqs.SendMessageBatchRequestEntry.MessageBody": {"min": 1, "maxBytes": 1048576},
}

# Rust's regex crate has none of these: surrogates, and what looks ahead, behind or back.
UNSUPPORTED = re.compile(r"\\u[dD][89a-fA-F]|\(\?[=!<]|\\[1-9]")


class Models:
    """Collects the shapes that the requests are made of, by service and name."""

    def __init__(self):
        self.shapes = {}
        self.unsupported = set()
        self.used = set()

    def add(self, service, model, name):
        """Adds a shape and all below it; returns the name that it is kept under."""
        known = f"{service}.{name}"
        if known not in self.shapes:
            shape = model["shapes"][name]
            self.shapes[known] = kept = {"type": shape["type"]}
            self.rules(kept, shape)
            if shape["type"] == "structure":
                self.members(service, model, known, shape)
            for part in ("member", "key", "value"):
                if part in shape:
                    kept[part] = self.add(service, model, shape[part]["shape"])
        return known

    def members(self, service, model, known, shape):
        """Adds the members of a structure, with the rules that are documented of each."""
        kept = self.shapes[known]
        if shape.get("required"):
            kept["required"] = sorted(shape["required"])
        kept["members"] = {}
        for member, of in sorted(shape["members"].items()):
            own = self.add(service, model, of["shape"])
            path = f"{known}.{member}"
            if path in DOCUMENTED:
                self.used.add(path)
                self.shapes[path] = {**self.shapes[own], **DOCUMENTED[path]}
                own = path
            kept["members"][member] = own

    def rules(self, kept, shape):
        """Copies the rules of a shape; a pattern is rewritten in the words of Rust's regex."""
        for rule in ("min", "max", "enum"):
            if rule in shape:
                kept[rule] = shape[rule]
        pattern = shape.get("pattern")
        if pattern and UNSUPPORTED.search(pattern):
            self.unsupported.add(pattern)
        elif pattern:
            # In Java's patterns, which AWS uses, these are ASCII's.
            kept["pattern"] = pattern.replace(r"\w", "[0-9A-Za-z_]").replace(r"\d", "[0-9]")


def main():
    """Writes the file beside this one."""
    loader = botocore.loaders.Loader()
    models, operations = Models(), {}
    for service, names in sorted(OPERATIONS.items()):
        model = loader.load_service_model(MODELS.get(service, service), "service-2")
        for name in names:
            operation = model["operations"][name]
            shape = operation["input"]["shape"] if "input" in operation else None
            known = models.add(service, model, shape) if shape else None
            operations[f"{service}:{name}"] = known
    unused = sorted(set(DOCUMENTED) - models.used)
    if unused:
        raise SystemExit(f"no such members: {unused}")
    output = {
        "botocore": botocore.__version__,
        "operations": operations,
        "shapes": models.shapes,
        "unsupportedPatterns": sorted(models.unsupported),
    }
    path = pathlib.Path(__file__).with_name("constraints.json")
    path.write_text(json.dumps(output, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
