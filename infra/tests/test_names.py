"""What banto.toml names is what Terraform makes, in the account and region that it names."""

import re
import unittest

import terraform
from tree import SOURCE, shared

# The root of each account of the example.
ROOT_OF = {"999988887777": "management", "444455556666": "log-archive", "111122223333": "identity"}

TYPES = {"sqs": "aws_sqs_queue", "sns": "aws_sns_topic", "secretsmanager": "aws_secretsmanager_secret"}

# Names of one word are words of the language, too: "banto" is an aggregator, a workgroup and a configuration set.
WORD = re.compile(r"^[a-z]+$")

# Other things of the same name.
OTHERS = {
    ("modules/organization/events.tf", "banto-compliance"): "a rule of EventBridge, which banto.toml does not name",
    ("modules/report-compliance/quicksight.tf", "banto-compliance"): "a dashboard of QuickSight, which banto.toml does not name",
}


def wanted(banto):
    """Each resource that the policy names: path, account, region, type, and the attributes that it must have."""
    found = []

    def parts(value, path):
        if isinstance(value, dict):
            if {"name", "account", "region", "arn"} <= value.keys():
                kind = TYPES[value["arn"].split(":")[2]]
                found.append((path, value["account"], value["region"], kind, {"name": value["name"]}))
            for key, part in value.items():
                parts(part, f"{path}.{key}")
        elif isinstance(value, list):
            for part in value:
                parts(part, path)

    parts(banto, "banto")
    home = banto["organization"]["home_region"]
    management = banto["organization"]["management_account"]
    archive = banto["compliance"]["queue"]["account"]

    def add(path, account, kind, **attributes):
        found.append((path, account, home, kind, attributes))

    onboarding, compliance, report = banto["onboarding"], banto["compliance"], banto["report"]
    add("onboarding.table", management, "aws_dynamodb_table", name=onboarding["table"])
    add("onboarding.stack_set.name", management, "aws_cloudformation_stack_set", name=onboarding["stack_set"]["name"])
    add("onboarding.dashboard.bucket", archive, "aws_s3_bucket", bucket=onboarding["dashboard"]["bucket"])
    add("log_archive.bucket", archive, "aws_s3_bucket", bucket=banto["log_archive"]["bucket"])
    add("compliance.table", archive, "aws_dynamodb_table", name=compliance["table"])
    for part in (compliance, report):
        add("aggregator", archive, "aws_config_configuration_aggregator", name=part["aggregator"])
    add("report.archive.bucket", archive, "aws_s3_bucket", bucket=report["archive"]["bucket"])
    add("report.store.bucket", archive, "aws_s3_bucket", bucket=report["store"]["bucket"])
    add("report.athena.workgroup", archive, "aws_athena_workgroup", name=report["athena"]["workgroup"])
    add("report.athena.database", archive, "aws_glue_catalog_database", name=report["athena"]["database"])
    name = report["mail"]["configuration_set"]
    add("report.mail.configuration_set", archive, "aws_sesv2_configuration_set", configuration_set_name=name)
    for account in banto["rotation"]["accounts"]:
        role = {key: account["role"][key] for key in ("name", "path")}
        found.append(("rotation.accounts.role", account["id"], home, "aws_iam_role", role))
        bucket = account["certificate_bucket"]
        add("rotation.accounts.certificate_bucket", account["id"], "aws_s3_bucket", bucket=bucket)
    return found


def missing(banto, roots):
    """Each name that no root makes, with where it should be."""
    lacking = []
    for path, account, region, kind, attributes in wanted(banto):
        root = roots[ROOT_OF[account]]
        of_region = lambda values: kind == "aws_iam_role" or values.get("region") in (region, None)
        there = any(
            of_region(resource["values"])
            and all(resource["values"].get(name) == value for name, value in attributes.items())
            for resource in root.of(kind)
        )
        if not there:
            lacking.append(f"{path}: {ROOT_OF[account]} has no {kind} {attributes}")
    return lacking


def typed(tree):
    """Each name of the policy that a module or a root has as a text of its own."""
    names = {
        value
        for _, _, _, _, attributes in wanted(tree.values())
        for attribute, value in attributes.items()
        if attribute != "path" and not WORD.match(value)
    }
    found = []
    for path in sorted(path for folder in tree.modules() + tree.roots() for path in folder.glob("*.tf")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("#", 1)[0]
            if re.match(r"\s*(description|error_message|source)\s*=", code):
                continue
            for name in sorted(names):
                # ARNs and URLs end with a name.
                if re.search(rf'["/:]{re.escape(name)}"', code) and (tree.name(path), name) not in OTHERS:
                    found.append(f"{tree.name(path)}:{number}: {name}")
    return found


class Names(unittest.TestCase):
    def test_no_name_of_the_policy_is_typed_a_second_time(self):
        self.assertEqual(typed(SOURCE), [])
        for (path, name), _ in OTHERS.items():
            self.assertIn(f'"{name}"', (SOURCE.infra / path).read_text())

    @unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
    def test_every_name_of_the_policy_is_made_in_its_account_and_region(self):
        banto = shared().values()
        self.assertGreater(len(wanted(banto)), 25)
        self.assertEqual(missing(banto, terraform.applied_roots(shared())), [])
