"""Every IAM policy names actions that exist, on resources that they take, and no more of them than it must."""

import functools
import importlib.util
import json
import unittest
import warnings

import terraform
import tree
from tree import SOURCES, shared

CHECKER = SOURCES.parent / "shared" / "tools" / "iamcheck.py"

# Findings that are right as they are: a part of the address, a part of the finding, and why.
ACCEPTED = [
    (
        "module.notices.aws_kms_key",
        "allows kms:*",
        "the account's own IAM policies decide who administers the key; without this nobody could change its policy",
    ),
]

# Permissions of each policy, by statement. tests/src/calls.rs writes it from the templates, each of whose permissions
# is used by a scene or has a reason.
CALLS = SOURCES / "infra" / "tests" / "expected" / "calls.json"

# Statements that are not rendered, and why.
LEFT_OUT = {
    ("report-compliance", "DecryptTheArchiveWhereItHasAKeyOfItsOwn"): "the example's archive has no key of its own",
    ("rotate-access-keys", "EnterOtherIdentityAccounts"): "the example's users are in the function's own account",
}

# The role of an identity account that is not the function's own: no root of the example has one.
ROTATOR_ROLE = "modules/rotator-role/examples/basic"


@functools.cache
def checker():
    spec = importlib.util.spec_from_file_location("iamcheck", CHECKER)
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        # It leaves its table of actions open.
        warnings.simplefilter("ignore", ResourceWarning)
        spec.loader.exec_module(module)
    return module


def several(value):
    return value if isinstance(value, list) else [value]


def statement_findings(address, key, statement):
    """What the checker says of a statement, as far as it holds for statements of its kind."""
    check = lambda action, resource: checker().check(
        address, key, {"Statement": [{"Action": action, "Resource": resource}]}
    )
    resources = several(statement.get("Resource", statement.get("NotResource", "*")))
    # What is denied may be denied everywhere. In a key's policy * means the key. (KMS developer guide, "Key policies".)
    everywhere = statement["Effect"] == "Deny" or (address.split(".")[-2] == "aws_kms_key" and key == "policy")
    found = []
    for action in several(statement.get("Action", [])):
        if "*" not in action:
            said = check(action, resources)
            found += [one for one in said if not (everywhere and f'{action} on "*"' in one)]
        elif statement["Effect"] == "Allow" and action.endswith("*") and action[-2:] in ("*", ":*"):
            found.append(f"{address}.{key}: allows {action} on {resources}")
        elif action != "*":
            # Each resource is that of one of the actions that the pattern stands for.
            actions = checker().expand(action)
            lost = [one for one in resources if one != "*" and all(check(exact, one) for exact in actions)]
            found += [f"{address}.{key}: {action} never matches {one}" for one in lost]
            if not actions:
                found.append(f"{address}.{key}: unknown action {action}")
    return found


def findings(resources):
    """What is wrong with the policies of some resources."""
    state = {"values": {"root_module": {"resources": resources}}}
    return [
        finding
        for address, key, document, _ in checker().policies(state)
        for statement in several(document["Statement"])
        for finding in statement_findings(address, key, statement)
    ]


def accepted(finding):
    return [entry for entry in ACCEPTED if entry[0] in finding and entry[1] in finding]


@functools.cache
def calls():
    return json.loads(CALLS.read_text())


def policies_of_functions(roots, rotator_role):
    """What each function's role may do as it is rendered, by the names of calls.json."""
    found = {"onboard-accounts, in other accounts": json.loads((SOURCES / tree.SESSION_POLICY).read_text())}
    resources = [one for root in roots.values() for one in root.resources]
    for resource in resources:
        values = resource["values"]
        is_own = resource["type"] == "aws_iam_role_policy" and values["name"] == "own"
        if is_own and values["role"] in tree.FUNCTIONS:
            found[values["role"]] = json.loads(values["policy"])
    for resource in rotator_role.of("aws_iam_role_policy"):
        if resource["values"]["name"] == "own":
            found["rotate-access-keys, in other accounts"] = json.loads(resource["values"]["policy"])
    return found


@functools.cache
def rotator_role():
    return terraform.Applied(shared().infra / ROTATOR_ROLE)


def differences(policies):
    """What rendered policies allow and nothing calls, or the other way round."""
    said = [f"{name}: no policy of this name is rendered" for name in calls() if name not in policies]
    for name, document in policies.items():
        expected = {sid: set(actions) for sid, actions in calls()[name].items() if (name, sid) not in LEFT_OUT}
        rendered = {}
        for statement in several(document["Statement"]):
            if statement["Effect"] == "Allow":
                exact = [":".join(checker().ACTIONS[one]) for a in several(statement["Action"]) for one in checker().expand(a)]
                rendered.setdefault(statement.get("Sid", ""), set()).update(exact)
        for sid in sorted(expected.keys() | rendered.keys()):
            wanted, given = expected.get(sid, set()), rendered.get(sid, set())
            said += [f"{name}: {sid} calls {one} but may not" for one in sorted(wanted - given)]
            said += [f"{name}: {sid} may {one} but never calls it" for one in sorted(given - wanted)]
    return said


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
@unittest.skipUnless(CHECKER.exists(), "the checker of IAM policies is not here")
class Iam(unittest.TestCase):
    def test_every_policy_names_actions_and_resources_that_fit(self):
        policies, found = 0, []
        for name, root in terraform.applied_roots(shared()).items():
            policies += len(list(checker().policies(root.state)))
            found += [f"{name}: {finding}" for finding in findings(root.resources)]
        self.assertGreater(policies, 20)
        self.assertEqual([finding for finding in found if not accepted(finding)], [])
        used = {entry for finding in found for entry in accepted(finding)}
        self.assertEqual([entry for entry in ACCEPTED if entry not in used], [], "nothing is found of these any more")
        for _, _, reason in ACCEPTED:
            self.assertGreaterEqual(len(reason.split()), 4)

    def test_what_is_rendered_is_what_functions_call(self):
        self.assertEqual(differences(policies_of_functions(terraform.applied_roots(shared()), rotator_role())), [])
        for name, sid in LEFT_OUT:
            self.assertIn(sid, calls()[name])

    def test_a_policy_has_no_placeholder_left(self):
        for root in terraform.applied_roots(shared()).values():
            for address, _, document, _ in checker().policies(root.state):
                # IAM's own variables stand in policies of users: ${aws:username}.
                text = json.dumps(document).replace("${aws:", "").replace("${saml:", "")
                self.assertNotIn("${", text, address)
