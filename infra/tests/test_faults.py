"""Every check can fail: a fault of each kind, sown into a copy, is found."""

import concurrent.futures
import copy
import dataclasses
import json
import re
import unittest

import evaluator
import terraform
import test_account_roles
import test_alarms
import test_checkov
import test_evaluator
import test_iam
import test_names
import test_readmes
import test_roots
import test_templates
import test_terraform
import tree

# A fault that no check needs a plan for is found with any provider.
FAULTS, PLANNED_FAULTS = [], []


def fault(expected, planned=False):
    """Notes a fault: a function that sows it and returns what the check says, and a part of that."""

    def note(function):
        (PLANNED_FAULTS if planned else FAULTS).append((function, expected))
        return function

    return note


def edit(path, old, new, count=1):
    text = path.read_text()
    changed = re.sub(old, new, text, count=count, flags=re.MULTILINE)
    assert changed != text, f"{path} has no {old}"
    path.write_text(changed)


def said(function, folder):
    """What Terraform says of a folder."""
    outcome = terraform.each(function, [folder])[folder]
    return [str(outcome)] if isinstance(outcome, Exception) else []


class Mutated:
    """An applied root with one resource changed."""

    def __init__(self, root, kind, change, where=lambda values: True):
        self.folder, self.variables = root.folder, root.variables
        self.resources = copy.deepcopy(root.resources)
        change(next(one["values"] for one in self.of(kind) if where(one["values"])))

    def of(self, *types):
        return [resource for resource in self.resources if resource["type"] in types]


def mutated(name, *change):
    roots = dict(terraform.applied_roots(tree.shared()))
    roots[name] = Mutated(roots[name], *change)
    return roots


# Terraform.


@fault("Unsupported argument")
def a_misspelt_argument(sown):
    module = sown.infra / "modules" / "lambda-function"
    edit(module / "main.tf", r"function_name = var\.name", "function_nam = var.name")
    return said(terraform.validate, module)


@fault("Incorrect attribute value type")
def a_wrong_type(sown):
    module = sown.infra / "modules" / "lambda-function"
    edit(module / "main.tf", r"timeout\s+= var\.timeout", 'timeout = ["soon"]')
    return said(terraform.validate, module)


@fault("Reference to undeclared input variable")
def a_variable_that_nobody_declared(sown):
    module = sown.infra / "modules" / "alarm-topic"
    edit(module / "outputs.tf", r"value\s*=.*", "value = var.nothing")
    return said(terraform.validate, module)


@fault("versions.tf")
def a_file_that_is_not_formatted(sown):
    edit(sown.infra / "modules" / "alarm-topic" / "versions.tf", "^  required_version = ", "  required_version    = ")
    return test_terraform.unformatted(sown)


@fault("0 passed, 1 failed", planned=True)
def a_promise_that_a_module_breaks(sown):
    module = sown.infra / "modules" / "alarm-topic"
    for path in module.glob("tests/*"):
        path.unlink()
    test = 'variables {\n  mails = ["sre@example.com"]\n}\n\nrun "it_has_no_arn" {\n  assert {\n    condition     = output.arn == ""\n    error_message = "it has"\n  }\n}\n'
    (module / "tests" / "broken.tftest.hcl").write_text(test)
    return said(terraform.test, module)


@fault("There is no file", planned=True)
def a_package_that_is_missing(sown):
    (sown.example / "packages" / "onboard-accounts.zip").unlink()
    return said(terraform.plan, sown.example / "management")


@fault("is for x86_64, and architecture is arm64", planned=True)
def a_package_of_another_architecture_than_the_functions(sown):
    (sown.example / "packages" / "onboard-accounts.zip.architecture").write_text("x86_64\n")
    return said(terraform.plan, sown.example / "management")


# READMEs.


@fault("alarm-topic/README.md has other tables")
def a_row_that_is_missing_in_a_readme(sown):
    test_readmes.bless(sown)
    edit(sown.infra / "modules" / "alarm-topic" / "README.md", r"^\| `mails` .*\n", "")
    return test_readmes.problems(sown)


@fault("the variable mails has no description")
def a_variable_without_a_description(sown):
    edit(sown.infra / "modules" / "alarm-topic" / "variables.tf", r"^  description = .*\n", "")
    return test_readmes.problems(sown)


# Plans.


@fault("is gone", planned=True)
def a_resource_that_is_not_made_any_more(_):
    roots = dict(terraform.applied_roots(tree.shared()))
    roots["management"] = copy.copy(roots["management"])
    roots["management"].resources = roots["management"].resources[1:]
    return test_roots.differences(roots)


@fault("update", planned=True)
def a_value_that_changes_with_each_plan(sown):
    root = sown.example / "management"
    edit(root / "main.tf", r"mails  = var\.alarm_mails", 'mails = var.alarm_mails\n  name = "banto-${formatdate("ss", timestamp())}"')
    terraform.Applied(root)
    return [f"{address}: {action}" for address, action in terraform.touched(terraform.plan(root)).items()]


@fault("access-keys", planned=True)
def two_users_whose_values_are_swapped(_):
    root = terraform.applied_roots(tree.shared())["identity"]
    users = dict(root.variables["users"])
    users["alice"], users["bob"] = users["bob"], users["alice"]
    return list(test_roots.changed(root, "swapped", users=users))


@fault("aws_sqs_queue", planned=True)
def a_resource_that_is_kept_by_its_place(_):
    roots = mutated("management", "aws_sqs_queue", lambda values: None)
    roots["management"].of("aws_sqs_queue")[0]["index"] = 0
    return test_roots.by_place(roots)


# Names.


@fault("onboarding.queue: management has no aws_sqs_queue", planned=True)
def a_queue_with_another_name(_):
    rename = lambda values: values.update(name="banto-acounts")
    roots = mutated("management", "aws_sqs_queue", rename, lambda values: values["name"] == "banto-accounts")
    return test_names.missing(tree.shared().values(), roots)


@fault("notices.owners_topic: log-archive has no aws_sns_topic", planned=True)
def a_topic_in_another_region(_):
    move = lambda values: values.update(region="us-east-1")
    roots = mutated("log-archive", "aws_sns_topic", move, lambda values: values["name"] == "banto-owners")
    return test_names.missing(tree.shared().values(), roots)


@fault("main.tf:[0-9]+: banto-accounts")
def a_name_that_is_typed_a_second_time(sown):
    edit(sown.infra / "modules" / "lambda-function" / "main.tf", r"function_name = var\.name", 'function_name = "banto-accounts"')
    return test_names.typed(sown)


# Alarms.


@fault("banto-onboard-accounts-throttles has no row", planned=True)
def an_alarm_without_a_row(sown):
    edit(sown.path / "docs" / "OPERATIONS.md", "`banto-onboard-accounts-throttles`, ", "")
    return test_alarms.problems(sown, terraform.applied_roots(tree.shared()))


@fault("banto-onboard-accounts-gone is in docs/OPERATIONS.md", planned=True)
def a_row_without_an_alarm(sown):
    edit(sown.path / "docs" / "OPERATIONS.md", "`banto-onboard-accounts-throttles`", "`banto-onboard-accounts-gone`")
    return test_alarms.problems(sown, terraform.applied_roots(tree.shared()))


def alarm_with(**change):
    throttles = lambda values: values["alarm_name"] == "banto-onboard-accounts-throttles"
    roots = mutated("management", "aws_cloudwatch_metric_alarm", lambda values: values.update(change), throttles)
    return test_alarms.problems(tree.shared(), roots)


@fault("throttles has the threshold 7", planned=True)
def an_alarm_with_another_threshold(_):
    return alarm_with(threshold=7)


@fault("throttles reads Duration", planned=True)
def an_alarm_on_another_metric(_):
    return alarm_with(metric_name="Duration")


@fault("throttles tells nobody", planned=True)
def an_alarm_that_nobody_hears(_):
    return alarm_with(alarm_actions=[])


# IAM.


def policy_of(**statement):
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
    return test_iam.findings([{"address": "aws_iam_policy.x", "mode": "managed", "values": {"policy": document}}])


def changed_permissions(change):
    """What is said if a permission of notify-compliance is rendered otherwise."""

    def sow(values):
        document = json.loads(values["policy"])
        change(next(one for one in document["Statement"] if one["Sid"] == "KeepTheLedger")["Action"])
        values["policy"] = json.dumps(document)

    is_own = lambda values: values["name"] == "own" and values["role"] == "notify-compliance"
    roots = mutated("log-archive", "aws_iam_role_policy", sow, is_own)
    return test_iam.differences(test_iam.policies_of_functions(roots, test_iam.rotator_role()))


@fault("KeepTheLedger calls dynamodb:Query but may not", planned=True)
def a_permission_that_the_rendering_loses(_):
    return changed_permissions(lambda actions: actions.remove("dynamodb:Query"))


@fault("KeepTheLedger may dynamodb:Scan but never calls it", planned=True)
def a_permission_that_the_rendering_adds(_):
    return changed_permissions(lambda actions: actions.append("dynamodb:Scan"))


@fault("notify-compliance: no policy of this name is rendered", planned=True)
def a_function_whose_policy_is_not_found(_):
    def sow(values):
        values["role"] = "another"

    is_own = lambda values: values["name"] == "own" and values["role"] == "notify-compliance"
    roots = mutated("log-archive", "aws_iam_role_policy", sow, is_own)
    return test_iam.differences(test_iam.policies_of_functions(roots, test_iam.rotator_role()))


@fault("unknown action sqs:SendMesage", planned=True)
def an_action_that_does_not_exist(_):
    return policy_of(Action="sqs:SendMesage", Resource="arn:aws:sqs:eu-west-1:111122223333:banto")


@fault('sqs:SendMessage on "\\*"', planned=True)
def an_action_on_everything(_):
    return policy_of(Action="sqs:SendMessage", Resource="*")


@fault("sqs:SendMessage never matches", planned=True)
def a_resource_of_another_service(_):
    return policy_of(Action=["sqs:SendMessage"], Resource=["arn:aws:sns:eu-west-1:111122223333:banto"])


@fault("allows s3:\\*", planned=True)
def a_whole_service(_):
    return policy_of(Action="s3:*", Resource="arn:aws:s3:::banto/*")


@fault("s3:Get\\* never matches", planned=True)
def a_pattern_of_actions_on_nothing(_):
    return policy_of(Effect="Deny", Action="s3:Get*", Resource="arn:aws:sqs:eu-west-1:111122223333:banto")


# Templates.


@fault("E3002|Additional properties")
def a_template_with_a_property_that_does_not_exist(sown):
    path = sown.infra / "stacksets" / "event-forwarding.json"
    template = json.loads(path.read_text())
    next(iter(template["Resources"].values()))["Properties"]["Nmae"] = "x"
    path.write_text(json.dumps(template))
    return test_templates.lint([path], ["eu-west-1"])


@fault("does not give QueueArn")
def a_parameter_that_is_not_given(sown):
    body = (sown.infra / "stacksets" / "event-forwarding.json").read_text()
    return test_templates.parameter_problems("x", body, {"HomeRegion": "eu-west-1"})


@fault("gives Queue, which its template does not know")
def a_parameter_that_is_not_known(sown):
    body = (sown.infra / "stacksets" / "event-forwarding.json").read_text()
    return test_templates.parameter_problems("x", body, {"Queue": "x"})


# Roles.


def roles_with(part, change):
    banto = tree.SOURCE.values()
    template = json.loads(banto["onboarding"]["stack_set"]["template"])
    roles = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    roles[0][part] = change(roles[0][part])
    banto["onboarding"]["stack_set"]["template"] = json.dumps(template)
    return test_account_roles.differences(banto)


@fault("seconds is 60 in the template", planned=True)
def a_role_with_another_session(_):
    return roles_with("MaxSessionDuration", lambda _: 60)


@fault("trust is .* in the template", planned=True)
def a_role_that_trusts_others(_):
    trust = lambda document: json.loads(json.dumps(document).replace("111122223333", "222233334444"))
    return roles_with("AssumeRolePolicyDocument", trust)


@fault("is on one side only", planned=True)
def a_role_with_another_name(_):
    return roles_with("RoleName", lambda name: name + "s")


# checkov.


@fault("CKV_AWS_(53|54|55|56|20|57)")
def a_public_bucket(sown):
    folder = sown.path / "public"
    folder.mkdir()
    (folder / "main.tf").write_text(
        'resource "aws_s3_bucket" "this" {\n  bucket = "example"\n}\n\n'
        'resource "aws_s3_bucket_public_access_block" "this" {\n  bucket              = aws_s3_bucket.this.id\n'
        "  block_public_acls   = false\n  block_public_policy = false\n}\n"
    )
    return test_checkov.findings(folder)[0]


@fault("CKV_AWS_53 is skipped without a reason")
def a_skip_without_a_reason(sown):
    edit(sown.infra / "modules" / "alarm-topic" / "main.tf", r"\A", "#checkov:skip=CKV_AWS_53:not needed\n")
    return test_checkov.unreasoned(sown)


# The evaluator.


def evaluated(name, change):
    """What the evaluator says of the documents, one of them with its statements changed."""
    found = test_evaluator.documents(terraform.applied_roots(tree.shared()))
    statements = found[name].statements()
    change(statements)
    found[name] = dataclasses.replace(found[name], text=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    problems = [evaluator.problem(found, case) for case in test_evaluator.CASES if case.document == name and case.sid in found[name].sids()]
    return [one for one in problems if one] + evaluator.uncovered(found, test_evaluator.CASES, test_evaluator.ONE_SIDED)


@fault("bob may not iam:TagUser on .*user/alice", planned=True)
def a_service_control_policy_that_lets_others_set_a_pin(_):
    return evaluated("pins", lambda statements: statements[0].update(NotResource="arn:aws:iam::*:user/*"))


@fault("bob may not secretsmanager:GetSecretValue|alice may not secretsmanager:GetSecretValue on .*bob", planned=True)
def a_policy_of_users_that_gives_others_records(_):
    return evaluated("users", lambda statements: statements[2].update(Resource="*"))


@fault("role/admin may not secretsmanager:GetSecretValue", planned=True)
def a_record_whose_policy_lets_everybody_read(_):
    return evaluated("record", lambda statements: statements[1].update(Effect="Allow"))


@fault("may not sts:AssumeRole on .*MultiFactorAuthPresent=false", planned=True)
def a_trust_without_a_second_factor(_):
    return evaluated("admin's trust", lambda statements: statements[0]["Condition"].pop("Bool"))


@fault("may not iam:CreateAccessKey", planned=True)
def a_session_policy_that_lets_more(_):
    return evaluated("session", lambda statements: statements[0].update(Action="*"))


@fault("events.amazonaws.com may not sqs:SendMessage .*rule/other", planned=True)
def a_queue_that_takes_the_messages_of_every_rule(_):
    return evaluated("requests", lambda statements: statements[1].pop("Condition"))


@fault("pins, Another: no case that is allowed", planned=True)
def a_statement_without_cases(_):
    return evaluated("pins", lambda statements: statements.append({**statements[0], "Sid": "Another"}))


class Faults(unittest.TestCase):
    def assert_each_is_found(self, faults):
        copies = [tree.copy(f"fault-{number}") for number in range(len(faults))]
        with concurrent.futures.ThreadPoolExecutor(terraform.AT_ONCE) as pool:
            found = [pool.submit(sow, sown) for (sow, _), sown in zip(faults, copies)]
        for (sow, expected), one in zip(faults, found):
            with self.subTest(sow.__name__):
                self.assertRegex("\n".join(one.result()), expected)

    def test_each_fault_is_found(self):
        self.assert_each_is_found(FAULTS)

    @unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
    def test_each_fault_of_a_plan_is_found(self):
        # Applied once, before several ask for it at once.
        terraform.applied_roots(tree.shared())
        test_account_roles.of_module()
        test_iam.rotator_role()
        self.assert_each_is_found(PLANNED_FAULTS)
