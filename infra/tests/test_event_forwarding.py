"""Holds infra/stacksets/event-forwarding.json to what it promises in each region, and to AWS's own models.

It needs botocore, which cfn-lint brings. What a model refuses would fail every stack.
"""

import fnmatch
import json
import pathlib
import re
import unittest

import botocore.loaders
import botocore.model

TEMPLATE = pathlib.Path(__file__).parents[1] / "stacksets" / "event-forwarding.json"
SENDERS = pathlib.Path(__file__).parents[1] / "modules" / "notify-compliance" / "senders.tf"
ACCOUNT = "444455556666"
HOME = "ap-northeast-1"
QUEUE = "arn:aws:sqs:ap-northeast-1:111122223333:banto-compliance"
HOME_BUS = f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/default"
PARAMETERS = {"HomeRegion": HOME, "QueueArn": QUEUE}


class Stack:
    """The template's resources in a region of an account, with their intrinsic functions evaluated."""

    def __init__(self, template, region):
        self.template = template
        self.names = PARAMETERS | {"AWS::Region": region, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
        self.role = self.properties("Role")
        self.rule = self.properties("Rule")

    def properties(self, resource):
        return self.value(self.template["Resources"][resource]["Properties"])

    def value(self, value):
        match value:
            case {"Ref": name}:
                return self.names[name]
            case {"Fn::Sub": text}:
                return re.sub(r"\$\{([^}]+)\}", lambda found: self.names[found[1]], text)
            case {"Fn::Equals": [one, other]}:
                return self.value(one) == self.value(other)
            case {"Fn::If": [condition, yes, no]}:
                return self.value(yes if self.value(self.template["Conditions"][condition]) else no)
            case {"Fn::GetAtt": ["Role", "Arn"]}:
                return f"arn:aws:iam::{ACCOUNT}:role{self.role['Path']}{self.role['RoleName']}"
            case dict():
                return {key: self.value(one) for key, one in value.items()}
            case list():
                return [self.value(one) for one in value]
        return value

    def requests(self):
        """The requests that CloudFormation makes for the resources."""
        policies = self.role["Policies"]
        create = {key: one for key, one in self.role.items() if key != "Policies"}
        create["AssumeRolePolicyDocument"] = json.dumps(create["AssumeRolePolicyDocument"])
        yield "iam", "CreateRole", create
        for policy in policies:
            named = {"RoleName": self.role["RoleName"], "PolicyName": policy["PolicyName"]}
            yield "iam", "PutRolePolicy", named | {"PolicyDocument": json.dumps(policy["PolicyDocument"])}
        rule = {key: one for key, one in self.rule.items() if key != "Targets"}
        yield "events", "PutRule", rule | {"EventPattern": json.dumps(rule["EventPattern"])}
        yield "events", "PutTargets", {"Rule": self.rule["Name"], "Targets": self.rule["Targets"]}


def problems(shape, value, path=""):
    """What a model refuses of a value."""
    rules = shape.metadata
    if shape.type_name == "structure":
        for name in set(shape.required_members) - set(value):
            yield f"{path}.{name}: missing"
        for name, one in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: unknown"
            else:
                yield from problems(shape.members[name], one, f"{path}.{name}")
        return
    if shape.type_name == "list":
        for index, one in enumerate(value):
            yield from problems(shape.member, one, f"{path}[{index}]")
    size = value if shape.type_name in ("integer", "long") else len(value)
    if not rules.get("min", size) <= size <= rules.get("max", size):
        yield f"{path}: {size}, not {rules.get('min')} to {rules.get('max')}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{path}: {value}, none of {rules['enum']}"
    # Java's way to write all of Unicode is not Python's.
    pattern = rules.get("pattern", "").replace("\\u0020-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF", "\\x20-\\U0010FFFF")
    if pattern and isinstance(value, str) and not re.fullmatch(pattern, value):
        yield f"{path}: {value} does not match {pattern}"


class EventForwarding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        template = json.loads(TEMPLATE.read_text())
        cls.home, cls.other = Stack(template, HOME), Stack(template, "us-east-1")
        cls.stacks = [cls.home, cls.other, Stack(template, "ap-southeast-3")]

    def test_aws_takes_what_the_template_asks_for_in_each_region(self):
        loader = botocore.loaders.Loader()
        for stack in self.stacks:
            for service, operation, request in stack.requests():
                model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"))
                shape = model.operation_model(operation).input_shape
                self.assertEqual(list(problems(shape, request, operation)), [])

    def test_events_of_other_regions_go_to_the_home_region_and_those_at_home_to_the_queue(self):
        for stack, target in [(self.home, QUEUE), (self.other, HOME_BUS)]:
            self.assertEqual([one["Arn"] for one in stack.rule["Targets"]], [target])

    def test_the_queue_has_each_account_as_a_group_of_its_own_and_a_bus_has_none(self):
        self.assertEqual(self.home.rule["Targets"][0]["SqsParameters"], {"MessageGroupId": ACCOUNT})
        self.assertNotIn("SqsParameters", self.other.rule["Targets"][0])

    def test_a_delivery_is_tried_for_a_day(self):
        for stack in self.stacks:
            retries = stack.rule["Targets"][0]["RetryPolicy"]
            self.assertEqual(retries, {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185})

    def test_the_role_may_deliver_to_the_rules_target_and_do_nothing_else(self):
        for stack, action in [(self.home, "sqs:SendMessage"), (self.other, "events:PutEvents")]:
            [policy] = stack.role["Policies"]
            [statement] = policy["PolicyDocument"]["Statement"]
            target = stack.rule["Targets"][0]["Arn"]
            allowed = (statement["Effect"], statement["Action"], statement["Resource"])
            self.assertEqual(allowed, ("Allow", action, target))

    def test_only_the_rule_may_have_the_role(self):
        for stack in self.stacks:
            rule = f"arn:aws:events:{stack.names['AWS::Region']}:{ACCOUNT}:rule/{stack.rule['Name']}"
            [trust] = stack.role["AssumeRolePolicyDocument"]["Statement"]
            self.assertEqual(trust["Principal"], {"Service": "events.amazonaws.com"})
            source = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": rule}
            self.assertEqual(trust["Condition"], {"StringEquals": source})
            self.assertEqual(stack.rule["Targets"][0]["RoleArn"], stack.value({"Fn::GetAtt": ["Role", "Arn"]}))

    def test_each_region_has_a_role_of_its_own_so_that_no_stack_waits_for_another(self):
        names = {stack.role["RoleName"] for stack in self.stacks}
        self.assertEqual(len(names), len(self.stacks))

    def test_the_queues_policy_lets_the_role_in(self):
        [pattern] = re.findall(r'"aws:PrincipalArn" = "([^"]+)"', SENDERS.read_text())
        for stack in self.stacks:
            self.assertTrue(fnmatch.fnmatchcase(stack.rule["Targets"][0]["RoleArn"], pattern))

    def test_the_role_is_not_one_of_the_baselines(self):
        # Roles with this tag get the denials that end a user's sessions.
        for stack in self.stacks:
            self.assertNotIn("banto:managed", [tag["Key"] for tag in stack.role.get("Tags", [])])

    def test_the_parameters_take_what_banto_toml_takes(self):
        parameters = json.loads(TEMPLATE.read_text())["Parameters"]
        for name, value in PARAMETERS.items():
            self.assertRegex(value, f"^(?:{parameters[name]['AllowedPattern']})$")


if __name__ == "__main__":
    unittest.main()
