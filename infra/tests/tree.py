"""A copy of what Terraform reads, so that no .terraform, state or edit is left in the sources."""

import functools
import json
import os
import shutil
import zipfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
TARGET = SOURCES / "target" / "infra-tests"

# Nothing of these is read by Terraform.
LEFT_OUT = {".terraform", "__pycache__"}

FUNCTIONS = ("notify-compliance", "onboard-accounts", "report-compliance", "rotate-access-keys")

# What onboard-accounts may do in other accounts. It is in the binary, and Terraform renders nothing of it.
SESSION_POLICY = "functions/onboard-accounts/session-policy.json"

# What modules and checks read besides infra/: permissions, Athena's tables, the titles of AWS Config's rules, and the
# handbook.
READ = [
    *(f"functions/{function}/iam-policy.json" for function in FUNCTIONS),
    SESSION_POLICY,
    "functions/report-compliance/sql",
    "shared/domain/src/compliance/rules.json",
    "docs/OPERATIONS.md",
]

# What `banto config export` writes.
VALUES = "banto.auto.tfvars.json"

# The stand-in for the AWS provider makes up ARNs of names, where an aggregator's ends in an id of AWS's, and knows an
# Organization without accounts.
STANDIN = {
    "log-archive": """module "log_archive" {
  accounts = ["111122223333", "222233334444", "444455556666", "999988887777"]
}

module "notify_compliance" {
  aggregator_arn = "arn:aws:config:ap-northeast-1:444455556666:config-aggregator/config-aggregator-abcd1234"
}

module "report_compliance" {
  aggregator_arn = "arn:aws:config:ap-northeast-1:444455556666:config-aggregator/config-aggregator-abcd1234"
}
""",
}

# Is True where an expected file is to be written rather than compared.
BLESS = "BLESS" in os.environ


class Tree:
    """infra/ and what it refers to, at a place of its own."""

    def __init__(self, path):
        self.path = Path(path)
        self.infra = self.path / "infra"
        self.example = self.infra / "envs" / "example"

    def modules(self):
        return folders(self.infra / "modules")

    def examples(self):
        return [example for module in self.modules() for example in folders(module / "examples")]

    def roots(self):
        return [folder for folder in folders(self.example) if (folder / "main.tf").exists()]

    def all(self):
        return self.modules() + self.examples() + self.roots()

    def name(self, folder):
        return str(Path(folder).relative_to(self.infra))

    def values(self):
        """What `banto config export` says of the example's policy."""
        return json.loads((self.example / VALUES).read_text())["banto"]


def folders(parent):
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and path.name not in LEFT_OUT)


SOURCE = Tree(SOURCES)


def copy(name):
    """Returns a new copy of the sources, with packages and without remote state."""
    path = TARGET / name
    shutil.rmtree(path, ignore_errors=True)
    left_out = shutil.ignore_patterns(*LEFT_OUT, "terraform.tfstate*", ".terraform.lock.hcl")
    shutil.copytree(SOURCES / "infra", path / "infra", ignore=left_out)
    for part in READ:
        (path / part).parent.mkdir(parents=True, exist_ok=True)
        if (SOURCES / part).is_dir():
            shutil.copytree(SOURCES / part, path / part)
        else:
            shutil.copy(SOURCES / part, path / part)
    tree = Tree(path)
    pack(tree.example / "packages")
    for example in tree.examples():
        text = "".join(path.read_text() for path in example.glob("*.tf"))
        # An example is what somebody writes who has run `cargo make package` and `banto config export`.
        if ".zip" in text:
            pack(example)
        if 'variable "banto"' in text:
            shutil.copy(tree.example / VALUES, example)
    for root in tree.roots():
        if (root / "backend.tf").exists():
            (root / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        if root.name in STANDIN:
            (root / "standin_override.tf").write_text(STANDIN[root.name])
    return tree


def pack(folder):
    """Makes the zip of each function, with next to nothing in it."""
    folder.mkdir(exist_ok=True)
    for function in FUNCTIONS:
        with zipfile.ZipFile(folder / f"{function}.zip", "w") as package:
            # Fixed times: the plan has the zip's hash, and must not change from day to day.
            package.writestr(zipfile.ZipInfo("bootstrap"), function)


@functools.cache
def shared():
    """The copy that all tests read. None edits what is in it; new folders may be added."""
    return copy("tree")
