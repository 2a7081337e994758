"""The example's `prepare` runs nothing of a release that its workflow did not make, and packages what it made."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tree import SOURCE, SOURCES

ROOTS = ("management", "log-archive", "identity")
SECONDS = 300

# Knows the two commands that are called, and refuses any other option.
GH = f"""#!{sys.executable}
import argparse, fnmatch, os, shutil, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("what")
parser.add_argument("--repo", required=True)
command, rest = sys.argv[1:3], sys.argv[3:]
with open(os.environ["SAID"], "a") as said:
    print("gh", *command, *(part for part in rest if not part.startswith("/")), file=said)
release = Path(os.environ["RELEASE"])
if command == ["release", "download"]:
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--pattern", action="append", required=True)
    asked = parser.parse_args(rest)
    asked.dir.mkdir()
    for path in (release / asked.what).iterdir():
        if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in asked.pattern):
            shutil.copyfile(path, asked.dir / path.name)
elif command == ["attestation", "verify"]:
    parser.add_argument("--signer-workflow", required=True)
    parser.add_argument("--source-ref", required=True)
    asked = parser.parse_args(rest)
    sys.exit((release / "attested").read_bytes() != Path(asked.what).read_bytes())
else:
    sys.exit(2)
"""

BANTO = """#!/usr/bin/env bash
echo banto "$@" | sed "s| /[^ ]*/| /|g" >>"$SAID"
exit "${BANTO_CODE:-0}"
"""


def pinned(name):
    """What the script says of a release."""
    return re.search(rf"^{name}=(\S+)", (SOURCE.example / "prepare").read_text(), re.MULTILINE)[1]


class Prepare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.example = self.folder / "example"
        shutil.copytree(SOURCE.example, self.example, symlinks=True)
        self.release = pinned("release")
        self.assets = self.folder / "assets" / self.release
        self.assets.mkdir(parents=True)
        for name in ("banto", "rotate-access-keys", "onboard-accounts", "notify-compliance", "report-compliance"):
            for arch in ("arm64", "x86_64"):
                (self.assets / f"{name}-{arch}").write_text(BANTO if name == "banto" else name)
        self.sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(self.assets.iterdir()))
        self.list(self.sums)
        (self.folder / "bin").mkdir()
        gh = self.folder / "bin" / "gh"
        gh.write_text(GH)
        gh.chmod(0o755)
        (self.folder / "temp").mkdir()

    def list(self, sums, attested=None):
        (self.assets / "SHA256SUMS").write_text(sums)
        (self.assets.parent / "attested").write_text(attested or sums)

    def prepare(self, root="identity", **environment):
        """The code that a root's `prepare` ends with, and what was called."""
        said = self.folder / "said"
        said.write_text("")
        environment |= {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "SAID": str(said), "RELEASE": str(self.assets.parent), "TMPDIR": str(self.folder / "temp"),
        }
        done = subprocess.run(["./prepare"], cwd=self.example / root, env=environment, capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(list((self.folder / "temp").iterdir()), [], "something is left")
        return done.returncode, [line for line in said.read_text().splitlines() if line.startswith("banto")], said.read_text()

    def test_each_root_has_its_export_checked_and_its_programs_packaged(self):
        for root in ROOTS:
            code, called, said = self.prepare(root)
            self.assertEqual(code, 0, said)
            self.assertEqual(called[0], f"banto config export --check {root}")
            self.assertRegex(called[1], rf"^banto package --release {self.release} --arch arm64 --from /tmp\.\w+ --out packages$")
            self.assertIn(f"--signer-workflow {pinned('repository')}/.github/workflows/release.yml --source-ref refs/tags/{self.release}", said)

    def test_a_command_that_is_not_what_the_list_says_is_not_run(self):
        (self.assets / "banto-x86_64").write_text(BANTO + "# changed\n")
        code, called, _ = self.prepare()
        self.assertNotEqual(code, 0)
        self.assertEqual(called, [])

    def test_a_list_that_the_releases_workflow_did_not_make_is_not_believed(self):
        (self.assets / "banto-x86_64").write_text(BANTO + "# changed\n")
        digest = hashlib.sha256((self.assets / "banto-x86_64").read_bytes()).hexdigest()
        self.list(re.sub(r"\w{64}(?=  banto-x86_64)", digest, self.sums), attested=self.sums)
        code, called, _ = self.prepare()
        self.assertNotEqual(code, 0)
        self.assertEqual(called, [])

    def test_a_command_that_the_list_does_not_name_is_not_run(self):
        self.list("".join(line for line in self.sums.splitlines(True) if not line.endswith("banto-x86_64\n")))
        code, called, _ = self.prepare()
        self.assertNotEqual(code, 0)
        self.assertEqual(called, [])

    def test_an_export_that_is_not_what_the_policy_says_makes_no_package(self):
        code, called, _ = self.prepare(BANTO_CODE="1")
        self.assertNotEqual(code, 0)
        self.assertEqual(len(called), 1)

    def test_release_and_workflow_are_of_one_version(self):
        text = (SOURCE.example / ".github/workflows/terraform.yml").read_text()
        self.assertEqual(set(re.findall(r"# (v\S+)$", text, re.MULTILINE)), {self.release})
        self.assertEqual(set(re.findall(r"uses: ([\w-]+/[\w-]+)/", text)), {pinned("repository")})

    def test_the_workflow_gives_each_prepare_the_token_that_reads_the_release(self):
        text = (SOURCES / ".github/workflows/terraform.yml").read_text()
        self.assertEqual(len(re.findall(r"- name: Prepare\n\s+env:\n\s+GH_TOKEN: \$\{\{ github\.token \}\}\n\s+run: .*prepare", text)), text.count("./prepare"))
        self.assertEqual(text.count("./prepare"), 2)
