"""The example Organization: what each root makes, that a second plan is empty, and what a change touches."""

import copy
import json
import shutil
import unittest

import terraform
from tree import BLESS, SOURCE, VALUES, shared

EXPECTED = SOURCE.infra / "tests" / "expected"

# Read after every other file of variables, so that its values count. (Terraform documentation, "Variable definition
# precedence": in lexical order.)
CHANGED = "zz.auto.tfvars.json"

# What somebody who joins or leaves changes besides what has the name in its address.
MEMBERSHIPS = {
    "joined": ["banto-users", "developers"],
    "left": ["banto-users", "finance"],
}

# What one account or region less or more changes in the log archive: where Athena's tables look.
TABLES = [
    'module.log_archive.aws_glue_catalog_table.tables["config_history"]',
    'module.log_archive.aws_glue_catalog_table.tables["config_snapshots"]',
]

# What one region more changes besides what has the region in its address. A StackSet's template and Glue's tables name
# all regions.
REGION = {
    "identity": [],
    "log-archive": TABLES,
    "management": [
        'module.organization.aws_cloudformation_stack_set.baseline["banto-baseline"]',
    ],
    "pipeline": [],
}


def planned(root):
    return "".join(f"{resource['address']}\n" for resource in sorted(root.resources, key=lambda one: one["address"]))


def differences(roots):
    """The addresses by which roots differ from what is written down."""
    found = []
    for name, root in roots.items():
        path = EXPECTED / f"{name}.txt"
        there = set(planned(root).splitlines())
        written = set(path.read_text().splitlines()) if path.exists() else set()
        found += [f"{name}: {address} is new" for address in sorted(there - written)]
        found += [f"{name}: {address} is gone" for address in sorted(written - there)]
    return found


def variant(root, name):
    """A copy of an applied root, its state included."""
    folder = root.folder.parent / f"{root.folder.name}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root.folder, folder, ignore=shutil.ignore_patterns(".terraform"))
    return folder


def changed(root, name, **variables):
    """What an applied root would do with other variables, by address."""
    folder = variant(root, name)
    (folder / CHANGED).write_text(json.dumps(variables))
    return terraform.touched(terraform.plan(folder))


def with_override(root, name, old, new):
    """What an applied root would do if the stand-in answered something else."""
    folder = variant(root, name)
    path = folder / "standin_override.tf"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return terraform.touched(terraform.plan(folder))


def changed_back(root, name, **variables):
    """What a root that was applied with other variables would do with its own."""
    folder = variant(root, name)
    (folder / CHANGED).write_text(json.dumps(variables))
    terraform.plan(folder)
    terraform.apply(folder)
    (folder / CHANGED).unlink()
    return terraform.touched(terraform.plan(folder))


def backwards(value):
    """The same value, whose maps and lists are written in the opposite order."""
    if isinstance(value, dict):
        return {key: backwards(one) for key, one in reversed(value.items())}
    if isinstance(value, list):
        return [backwards(one) for one in reversed(value)]
    return value


def without(values, key):
    return {name: value for name, value in values.items() if name != key}


def with_region(banto, region):
    """The values of banto.toml with one region more, as `banto config export` has them."""
    banto = copy.deepcopy(banto)
    for part in (banto["organization"], banto["report"]):
        part["regions"] = sorted([*part["regions"], region])
    template = json.loads(banto["onboarding"]["stack_set"]["template"])
    template["Mappings"]["Topics"][region] = {"Arn": ""}
    banto["onboarding"]["stack_set"]["template"] = json.dumps(template, separators=(",", ":"))
    return banto


def with_account(banto, account):
    """The values of banto.toml with one identity account more."""
    banto = copy.deepcopy(banto)
    banto["organization"]["identity_accounts"].append(account)
    one = banto["rotation"]["accounts"][0]
    text = json.dumps(one).replace(one["id"], account)
    banto["rotation"]["accounts"].append({**json.loads(text), "assume": True})
    return banto


def changes(roots):
    """Each change of variables that is tried: a root, and what its plan touches then."""
    identity, management = roots["identity"], roots["management"]
    users = identity.variables["users"]
    tried = {
        ("identity", "joined"): lambda: changed(
            identity, "joined", users={**users, "dave": {"groups": ["developers"]}}
        ),
        ("identity", "left"): lambda: changed(identity, "left", users=without(users, "carol")),
        ("management", "account"): lambda: changed_back(
            management, "account", banto=with_account(management.variables["banto"], "222233334444")
        ),
    }
    tried["log-archive", "account"] = lambda: with_override(
        roots["log-archive"], "account", '"222233334444", ', ""
    )
    for name, root in roots.items():
        region = with_region(root.variables["banto"], "eu-west-1")
        tried[name, "nothing"] = lambda root=root: terraform.touched(terraform.plan(root.folder))
        tried[name, "backwards"] = lambda root=root: changed(root, "backwards", **backwards(root.variables))
        tried[name, "region"] = lambda root=root, region=region: changed(root, "region", banto=region)
    return tried


def by_place(roots):
    """The addresses of what is kept by its place in a list."""
    return [
        resource["address"]
        for root in roots.values()
        for resource in root.resources
        if isinstance(resource.get("index"), int)
    ]


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Roots(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.roots = terraform.applied_roots(shared())
        tried = changes(cls.roots)
        cls.outcomes = dict(zip(tried, terraform.each(lambda change: change(), tried.values()).values()))

    def touched(self, root, change):
        outcome = self.outcomes[root, change]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def test_each_root_makes_what_is_written_down(self):
        self.assertEqual(set(self.roots), {"identity", "log-archive", "management", "pipeline"})
        if BLESS:
            EXPECTED.mkdir(exist_ok=True)
            for name, root in self.roots.items():
                (EXPECTED / f"{name}.txt").write_text(planned(root))
        self.assertEqual(differences(self.roots), [], "BLESS=1 writes them anew")
        stale = {path.stem for path in EXPECTED.glob("*.txt")} - set(self.roots)
        self.assertEqual(stale, set())

    def test_a_second_plan_is_empty(self):
        for name in self.roots:
            self.assertEqual(self.touched(name, "nothing"), {}, name)

    def test_nothing_is_kept_by_its_place_in_a_list(self):
        self.assertEqual(by_place(self.roots), [])

    def test_the_order_in_which_things_are_written_changes_nothing(self):
        for name in self.roots:
            self.assertEqual(self.touched(name, "backwards"), {}, name)

    def test_who_joins_or_leaves_touches_nobody_else(self):
        for change, user, action in (("joined", "dave", "create"), ("left", "carol", "delete")):
            touched = self.touched("identity", change)
            self.assertEqual(touched[f'module.identity.aws_iam_user.this["{user}"]'], action)
            own = {address for address in touched if f'["{user}' in address}
            self.assertEqual({touched[address] for address in own}, {action})
            others = {address: touched[address] for address in touched if address not in own}
            groups = [f'module.identity.aws_iam_group_membership.this["{group}"]' for group in MEMBERSHIPS[change]]
            self.assertEqual(others, {group: "update" for group in groups})

    def test_a_region_more_touches_no_other_region(self):
        for name in self.roots:
            touched = self.touched(name, "region")
            own = {address for address in touched if "eu-west-1" in address}
            self.assertLessEqual({touched[address] for address in own}, {"create"}, name)
            others = {address: touched[address] for address in touched if address not in own}
            self.assertEqual(others, {address: "update" for address in REGION[name]}, name)
        self.assertTrue(any("eu-west-1" in address for address in self.touched("management", "region")))

    def test_an_account_that_goes_touches_no_other_account(self):
        touched = self.touched("management", "account")
        self.assertTrue(touched)
        self.assertEqual({address: action for address, action in touched.items() if "222233334444" not in address}, {})
        self.assertEqual(self.touched("log-archive", "account"), {address: "update" for address in TABLES})
