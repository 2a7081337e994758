"""checkov finds nothing in infra/, and what it is told to skip has a reason."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from tree import SOURCE

PYTHON = Path(os.environ["BANTO_INFRA_VENV"] + "-checkov") / "bin" / "python"
CHECKOV = PYTHON.with_name("checkov")

# checkov reads all modules, and each of them again for whoever calls it.
SECONDS = 600

# Fewer words than that say no reason.
LEAST_WORDS = 4

SKIP = re.compile(r"#\s*checkov:skip=([A-Z0-9_]+)(?::(.*))?$")


def findings(folder):
    """What checkov finds in a folder, and how many checks it passes."""
    command = [PYTHON, CHECKOV, "--directory", folder, "--framework", "terraform", "--skip-download", "--quiet", "--compact", "--output", "json"]
    # It would ask about an account of its maker otherwise.
    environment = {**os.environ, "LOG_LEVEL": "ERROR", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment, timeout=SECONDS)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(done.stdout + done.stderr)
    if "results" not in report:
        return [], 0
    failed = report["results"]["failed_checks"]
    errors = report["results"].get("parsing_errors", [])
    found = [f"{one['check_id']} {one['check_name']}: {one['file_path']} {one['resource']}" for one in failed]
    return sorted(set(found)) + [f"can't read {error}" for error in errors], report["summary"]["passed"]


def unreasoned(tree):
    """Each check that is skipped without a reason."""
    found = []
    for path in sorted(tree.infra.rglob("*.tf")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            skip = SKIP.search(line)
            if skip and len((skip[2] or "").split()) < LEAST_WORDS:
                found.append(f"{tree.name(path)}:{number}: {skip[1]} is skipped without a reason")
    return found


class Checkov(unittest.TestCase):
    def test_nothing_is_found(self):
        found, passed = findings(SOURCE.infra)
        self.assertEqual(found, [])
        self.assertGreater(passed, 100)

    def test_each_skip_has_a_reason(self):
        self.assertEqual(unreasoned(SOURCE), [])
