"""CloudFormation templates pass cfn-lint, and are given the parameters that they have."""

import json
import os
import subprocess
import unittest
from pathlib import Path

import terraform
from tree import SOURCE, TARGET, shared

LINT = Path(os.environ["BANTO_INFRA_VENV"]) / "bin" / "cfn-lint"


def lint(paths, regions):
    """What cfn-lint says of templates."""
    command = [LINT, "--regions", *regions, "--format", "parseable", "--template", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=terraform.SECONDS)
    return done.stdout.splitlines() + done.stderr.splitlines()


def templates(roots):
    """Each template in the roots: address, template and parameters."""
    return [
        (f"{name}: {resource['address']}", resource["values"]["template_body"], resource["values"].get("parameters") or {})
        for name, root in roots.items()
        for resource in root.resources
        if resource["values"].get("template_body")
    ]


def parameter_problems(address, body, given):
    known = json.loads(body).get("Parameters", {})
    found = [f"{address} gives {name}, which its template does not know" for name in given.keys() - known.keys()]
    lacking = {name for name, parameter in known.items() if "Default" not in parameter} - given.keys()
    return found + [f"{address} does not give {name}" for name in lacking]


class Templates(unittest.TestCase):
    def test_the_stacksets_templates_are_right_in_every_region(self):
        paths = sorted((SOURCE.infra / "stacksets").glob("*.json"))
        self.assertGreaterEqual(len(paths), 2)
        self.assertEqual(lint(paths, ["ALL_REGIONS"]), [])

    @unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
    def test_what_the_roots_deploy_is_right_where_it_is_deployed(self):
        found = templates(terraform.applied_roots(shared()))
        self.assertGreaterEqual(len(found), 2)
        folder = TARGET / "templates"
        folder.mkdir(exist_ok=True)
        paths = []
        for number, (address, body, parameters) in enumerate(found):
            self.assertEqual(parameter_problems(address, body, parameters), [])
            # CloudFormation user guide, "Understand CloudFormation quotas": a template in the request.
            self.assertLessEqual(len(body), 51_200, address)
            paths.append(folder / f"{number}.json")
            paths[-1].write_text(body)
        self.assertEqual(lint(paths, shared().values()["organization"]["regions"]), [])
