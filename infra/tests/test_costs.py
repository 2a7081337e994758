"""What docs/DEPLOY.md says Banto costs is what the model says, and the model counts what Terraform makes."""

import re
import unittest

import costs
from tree import BLESS, SOURCES

PAGE = SOURCES / "docs" / "DEPLOY.md"
BEGIN, END = "<!-- begin costs -->\n", "\n<!-- end costs -->"


class Costs(unittest.TestCase):
    def test_the_page_has_the_models_table(self):
        text = PAGE.read_text()
        before, _, rest = text.partition(BEGIN)
        said, _, after = rest.partition(END)
        if BLESS:
            PAGE.write_text(before + BEGIN + costs.table() + END + after)
        else:
            self.assertEqual(said, costs.table(), "BLESS=1 infra/check test_costs writes it anew")

    def test_every_part_that_costs_by_the_piece_is_counted_from_the_plans(self):
        for kind in ("aws_config_organization_managed_rule", "aws_cloudwatch_metric_alarm", "aws_kms_key", "aws_secretsmanager_secret"):
            self.assertGreater(costs.planned(kind), 0, kind)

    def test_the_handbook_names_as_many_metrics_as_are_paid_for(self):
        text = (SOURCES / "docs" / "OPERATIONS.md").read_text()
        # A list of metrics ends with its sentence.
        lists = re.findall(r"(?:Metrics:|Metrics, each once[^:]*:|dimension `Function`\)\n)(.*?)\.(?:\s|$)", text, re.DOTALL)
        # One that two functions count has a dimension for each, and is paid for twice.
        named = [name for one in lists for name in re.findall(r"`([A-Z][A-Za-z]+)`", one)]
        self.assertEqual(len(named), costs.METRICS, sorted(named))

    def test_ten_times_the_accounts_cost_no_more_than_ten_times_as_much(self):
        for row in costs.rows((100, 1000)):
            self.assertLessEqual(row.dollars[1000], 10 * row.dollars[100] + 1e-9, row.what)
