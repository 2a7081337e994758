"""Runs Terraform, a few at a time."""

import concurrent.futures
import functools
import json
import os
import subprocess

# Is True where a stand-in for the AWS provider runs beside the tests. The real provider plans nothing without an
# account, so that all that plans is left out with it.
STANDIN = os.environ.get("BANTO_INFRA_PROVIDER") == "standin"
PROGRAM = os.environ.get("BANTO_INFRA_TERRAFORM", "terraform")

# Terraform waits for the provider half of the time. More than that at once slows each of them on two cores.
AT_ONCE = 3

# A command takes seconds. On a machine that builds something else it takes more.
SECONDS = 300

NO_PROVIDER = "plans need the stand-in for the AWS provider, or an account"


class Failed(Exception):
    """Terraform's own words."""


def run(folder, *arguments, codes=(0,)):
    command = [PROGRAM, f"-chdir={folder}", *arguments]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_VAR_"))},
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        # The AWS provider's schema is most of Terraform's memory, and collected again and again: a third of the time.
        "GOGC": os.environ.get("GOGC", "400"),
    }
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=SECONDS)
    if done.returncode not in codes:
        # A plan that fails has been printed up to there, and says nothing of the failure.
        said = done.stderr if arguments[0] in ("plan", "apply") else done.stdout + done.stderr
        raise Failed(f"{' '.join(arguments)} in {folder}:\n{said}")
    return done


@functools.cache
def init(folder):
    # A root's backend is replaced by a local one in the copy. Everything else has none.
    run(folder, "init", "-no-color", *(() if (folder / "backend_override.tf").exists() else ("-backend=false",)))


def validate(folder):
    init(folder)
    run(folder, "validate", "-no-color")


def test(folder):
    init(folder)
    return run(folder, "test", "-no-color").stdout


def plan(folder):
    """The plan of a folder as JSON."""
    init(folder)
    run(folder, "plan", "-no-color", "-out=plan.bin", "-compact-warnings")
    return json.loads(run(folder, "show", "-json", "plan.bin").stdout)


def apply(folder):
    """The state of a folder after its last plan was applied, as JSON."""
    run(folder, "apply", "-no-color", "-compact-warnings", "plan.bin")
    return json.loads(run(folder, "show", "-json").stdout)


def each(function, folders):
    """Returns what a function returns for each folder, or the exception that it raised."""

    def outcome(folder):
        try:
            return function(folder)
        except (Failed, subprocess.TimeoutExpired) as failed:
            return failed

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(folders, pool.map(outcome, folders)))


def resources(part):
    """Every resource in the values of a plan or of a state."""
    found = list(part.get("resources", []))
    for module in part.get("child_modules", []):
        found += resources(module)
    return [resource for resource in found if resource["mode"] == "managed"]


class Applied:
    """A root as it was planned, and as it is applied."""

    def __init__(self, folder):
        self.folder = folder
        self.plan = plan(folder)
        self.state = apply(folder)
        self.resources = resources(self.state["values"]["root_module"])
        self.variables = {name: one.get("value") for name, one in self.plan.get("variables", {}).items()}

    def of(self, *types):
        return [resource for resource in self.resources if resource["type"] in types]


@functools.cache
def _applied(tree, kind):
    return each(Applied, getattr(tree, kind)())


def applied_roots(tree):
    """Each root of the example by its name, applied once for all tests."""
    roots = {folder.name: root for folder, root in _applied(tree, "roots").items()}
    for root in roots.values():
        if isinstance(root, Exception):
            raise root
    return roots


def touched(plan):
    """What a plan would do, by address."""
    return {
        change["address"]: "+".join(change["change"]["actions"])
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] not in (["no-op"], ["read"])
    }
