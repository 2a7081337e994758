"""Terraform's own checks: formatting, validity, the modules' tests, and examples that plan."""

import unittest

import terraform
from tree import SOURCE, shared


def unformatted(tree):
    done = terraform.run(tree.path, "fmt", "-check", "-recursive", "-list=true", "infra", codes=(0, 2, 3))
    return done.stdout.split() + done.stderr.splitlines()


class Terraform(unittest.TestCase):
    def assert_none_failed(self, outcomes):
        failed = [str(one) for one in outcomes.values() if isinstance(one, Exception)]
        self.assertFalse(failed, "\n\n".join(failed))

    def test_every_file_is_formatted(self):
        self.assertEqual(unformatted(SOURCE), [])

    def test_every_module_example_and_root_is_valid(self):
        folders = shared().all()
        self.assertGreater(len(folders), 20)
        self.assert_none_failed(terraform.each(terraform.validate, folders))

    @unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
    def test_every_module_keeps_the_promises_of_its_own_tests(self):
        modules = shared().modules()
        without = [module.name for module in modules if not list(module.glob("tests/*.tftest.hcl"))]
        self.assertEqual(without, [], "modules without tests")
        outcomes = terraform.each(terraform.test, modules)
        self.assert_none_failed(outcomes)
        for module, said in outcomes.items():
            self.assertRegex(said, r"Success! [1-9]\d* passed, 0 failed", f"{module} tested nothing")

    @unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
    def test_every_modules_example_plans(self):
        examples = shared().examples()
        self.assertGreaterEqual(len(examples), len(shared().modules()))
        self.assert_none_failed(terraform.each(terraform.plan, examples))
