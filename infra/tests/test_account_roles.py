"""The module account-roles makes the roles that the StackSet makes of the same policy."""

import functools
import json
import unittest

import terraform
from tree import VALUES, shared

ROOT = """
provider "aws" {
  region = "ap-northeast-1"
}

variable "banto" {
  type = any
}

module "roles" {
  source = "../../modules/account-roles"
  roles  = var.banto.onboarding.roles
}
"""


def of_template(banto):
    """The roles of the StackSet's template by name."""
    template = json.loads(banto["onboarding"]["stack_set"]["template"])
    properties = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    return {
        role["RoleName"]: {
            "description": role["Description"],
            "trust": role["AssumeRolePolicyDocument"],
            "seconds": role["MaxSessionDuration"],
            "boundary": role.get("PermissionsBoundary"),
            "managed": sorted(role["ManagedPolicyArns"]),
            "inline": {policy["PolicyName"]: policy["PolicyDocument"] for policy in role.get("Policies", [])},
            "tags": {tag["Key"]: tag["Value"] for tag in role["Tags"]},
            "path": role.get("Path", "/"),
        }
        for role in properties
    }


@functools.cache
def of_module():
    """The roles that the module makes of the example's policy, by name."""
    tree = shared()
    folder = tree.infra / "envs" / "account-roles"
    folder.mkdir(exist_ok=True)
    (folder / "main.tf").write_text(ROOT)
    (folder / VALUES).write_text((tree.example / VALUES).read_text())
    applied = terraform.Applied(folder)
    roles = {}
    for one in applied.of("aws_iam_role"):
        values = one["values"]
        roles[values["name"]] = {
            "description": values["description"],
            "trust": json.loads(values["assume_role_policy"]),
            "seconds": values["max_session_duration"],
            "boundary": values["permissions_boundary"] or None,
            "managed": sorted(values.get("managed_policy_arns") or []),
            "inline": {},
            "tags": values["tags"],
            "path": values["path"] or "/",
        }
    for one in applied.of("aws_iam_role_policy_attachment", "aws_iam_role_policy_attachments_exclusive"):
        values = one["values"]
        of_role = roles[values.get("role") or values["role_name"]]["managed"]
        of_role[:] = sorted({*of_role, *(values.get("policy_arns") or [values["policy_arn"]])})
    for one in applied.of("aws_iam_role_policy"):
        values = one["values"]
        roles[values["role"]]["inline"][values["name"]] = json.loads(values["policy"])
    return roles


def plain(value):
    """A policy's value, in which a list of one and the one are the same, and order means nothing."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        values = sorted((plain(one) for one in value), key=json.dumps)
        return values[0] if len(values) == 1 else values
    return value


def differences(banto):
    """The parts in which the roles of a template differ from the module's."""
    template, module = of_template(banto), of_module()
    found = [f"{name} is on one side only" for name in sorted(template.keys() ^ module.keys())]
    for name in sorted(template.keys() & module.keys()):
        for part, value in template[name].items():
            if plain(value) != plain(module[name][part]):
                found.append(f"{name}: {part} is {value} in the template, and {module[name][part]} in the module")
    return found


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class AccountRoles(unittest.TestCase):
    def test_module_and_template_make_the_same_roles(self):
        self.assertGreaterEqual(len(of_template(shared().values())), 3)
        self.assertEqual(differences(shared().values()), [])
