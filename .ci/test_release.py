"""What a release is made of: tags, lists of hashes, and SBOMs. By Python's unittest, with what requirements.txt has.

BANTO_PROGRAM is a program of this machine that was built, of notify-compliance: its SBOM is made and judged.
"""

import hashlib
import json
import os
import subprocess
import tempfile
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

CI = Path(__file__).resolve().parent
FUNCTIONS = ["rotate-access-keys", "onboard-accounts", "notify-compliance", "report-compliance"]


def module(path):
    loader = SourceFileLoader(path.name, str(path))
    loaded = module_from_spec(spec_from_loader(path.name, loader))
    loader.exec_module(loaded)
    return loaded


sbom = module(CI / "sbom")


def shell(line, *arguments):
    command = ["bash", "-c", f". {CI}/release; {line}", "bash", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


class Tags(unittest.TestCase):
    def check(self, tag, version):
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "Cargo.toml"
            manifest.write_text(
                f'[package]\nversion = "9.9.9"\n[workspace.package]\nversion = "{version}"\n[other]\nversion = "8.8.8"\n'
            )
            return shell('check_tag "$1" "$2"', tag, manifest)

    def test_a_tag_is_that_of_the_workspaces_version(self):
        self.assertEqual(self.check("v0.1.0", "0.1.0").returncode, 0)
        for tag in ["v0.1.1", "0.1.0", "v0.1", "v9.9.9", "v8.8.8", ""]:
            found = self.check(tag, "0.1.0")
            self.assertEqual(found.returncode, 1, tag)
            self.assertIn("the workspace's version is 0.1.0: tag v0.1.0", found.stderr)

    def test_a_version_that_nobody_set_is_not_released(self):
        found = self.check("v0.0.0", "0.0.0")
        self.assertEqual(found.returncode, 1)
        self.assertIn("still 0.0.0", found.stderr)


class Sums(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for arch in ["arm64", "x86_64"]:
            for program in [*FUNCTIONS, "banto"]:
                (self.folder / f"{program}-{arch}").write_text(f"{program} {arch}")
                (self.folder / f"{program}-{arch}.cdx.json").write_text("{}")
            self.assertEqual(shell('list "$1" "$2"', arch, self.folder).returncode, 0)

    def refused(self):
        found = shell('join "$1"', self.folder)
        self.assertEqual(found.returncode, 1)
        self.assertFalse((self.folder / "SHA256SUMS").exists())
        return found.stderr

    def test_both_architectures_are_joined_to_one_list_of_all_assets(self):
        found = shell('join "$1"', self.folder)
        self.assertEqual(found.returncode, 0, found.stderr)
        lines = (self.folder / "SHA256SUMS").read_text().splitlines()
        names = sorted(path.name for path in self.folder.iterdir() if path.name != "SHA256SUMS")
        self.assertEqual(sorted(line.split("  ")[1] for line in lines), names)
        self.assertEqual(len(names), 20)
        for line in lines:
            digest, name = line.split("  ")
            self.assertEqual(digest, hashlib.sha256((self.folder / name).read_bytes()).hexdigest())

    def test_a_file_that_changed_on_its_way_is_refused(self):
        (self.folder / "banto-x86_64").write_text("another")
        self.assertIn("banto-x86_64", self.refused())

    def test_a_file_or_a_list_that_did_not_arrive_is_refused(self):
        (self.folder / "onboard-accounts-arm64").unlink()
        self.assertIn("onboard-accounts-arm64", self.refused())
        (self.folder / "SHA256SUMS.arm64").unlink()
        self.assertIn("SHA256SUMS.arm64", self.refused())

    def test_a_list_that_is_not_whole_is_refused(self):
        listed = self.folder / "SHA256SUMS.arm64"
        listed.write_text("".join(listed.read_text().splitlines(keepends=True)[1:]))
        self.assertIn("other files", self.refused())


TREE = """\
0other v0.0.0 (/banto/other)||MIT
1alone v3.0.0||MIT
0tool v0.0.0 (/banto/tool)||Apache-2.0 OR MIT
1one v1.0.0|default,std|MIT/Apache-2.0
2deep v2.0.0+build.1||Unicode-3.0
1two v1.0.0 (proc-macro)|x|MIT
2deep v2.0.0+build.1|y|Unicode-3.0 (*)
"""
LINKED = "0tool v0.0.0 (/banto/tool)||Apache-2.0 OR MIT\n1one v1.0.0||MIT\n2deep v2.0.0+build.1||MIT\n"
LOCK = '[[package]]\nname = "one"\nversion = "1.0.0"\nchecksum = "{}"\n[[package]]\nname = "tool"\nversion = "0.0.0"\n'


class Sboms(unittest.TestCase):
    def judged(self, text):
        self.assertIsNone(JsonStrictValidator(SchemaVersion.V1_5).validate_str(text))
        return json.loads(text)

    def test_an_sbom_has_what_one_program_is_made_of_and_how_that_hangs_together(self):
        tree, linked = (sbom.below("tool", text.splitlines()) for text in (TREE, LINKED))
        sums = sbom.checksums(LOCK.format("a" * 64))
        made = sbom.sbom("tool-arm64", "b" * 64, "aarch64-unknown-linux-gnu", tree, linked, sums)
        made = self.judged(json.dumps(made))
        found = {one["name"]: one for one in made["components"]}
        self.assertEqual(sorted(found), ["deep", "one", "two"])
        self.assertEqual({name: one["scope"] for name, one in found.items()},
                         {"deep": "required", "one": "required", "two": "excluded"})
        self.assertEqual(found["one"]["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual(found["one"]["hashes"], [{"alg": "SHA-256", "content": "a" * 64}])
        self.assertEqual(found["one"]["properties"][0]["value"], "default,std")
        self.assertEqual(found["deep"]["purl"], "pkg:cargo/deep@2.0.0%2Bbuild.1")
        program = made["metadata"]["component"]
        self.assertEqual((program["name"], program["type"]), ("tool", "application"))
        self.assertEqual(program["hashes"][0]["content"], "b" * 64)
        needs = {one["ref"]: one["dependsOn"] for one in made["dependencies"]}
        self.assertEqual(needs["pkg:cargo/tool@0.0.0"], ["pkg:cargo/one@1.0.0", "pkg:cargo/two@1.0.0"])
        self.assertEqual(needs["pkg:cargo/two@1.0.0"], ["pkg:cargo/deep@2.0.0%2Bbuild.1"])
        self.assertEqual(len(needs), 4)

    def test_an_unknown_program_and_an_unknown_line_are_refused(self):
        for program, text in [("nobody", TREE), ("tool", "what is this")]:
            with self.assertRaises(SystemExit):
                sbom.below(program, text.splitlines())

    def test_a_programs_sbom_is_valid_and_the_same_each_time(self):
        program = Path(os.environ["BANTO_PROGRAM"])
        command = [CI / "sbom", "notify-compliance", program, "aarch64-unknown-linux-gnu", *FUNCTIONS]
        texts = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
        self.assertEqual(texts[0], texts[1])
        made = self.judged(texts[0])
        found = {one["name"]: one for one in made["components"]}
        # Each with a licence; those of a registry with a hash, ours without.
        self.assertGreater(len(found), 150)
        self.assertTrue(all(one["licenses"] for one in found.values()))
        self.assertTrue(all(("hashes" in one) != name.startswith("banto-") for name, one in found.items()))
        self.assertEqual(found["rustls"]["scope"], "required")
        self.assertEqual(found["syn"]["scope"], "excluded")
        # What other programs and the tests need is not in it.
        self.assertEqual({"sequoia-openpgp", "proptest"} & set(found), set())


if __name__ == "__main__":
    unittest.main()
