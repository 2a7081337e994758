"""Every alarm is in the table of docs/OPERATIONS.md, and every row of it is an alarm."""

import re
import unittest

import terraform
from tree import shared

HEADING = "## Alarms"


def rows(tree):
    """The rows of the table: metric and threshold by the alarm's name."""
    text = (tree.path / "docs" / "OPERATIONS.md").read_text()
    section = re.split(r"^## ", text.split(f"\n{HEADING}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    found = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        # The first cell may name several alarms that mean the same.
        for name in re.findall(r"`([a-z0-9-]+)`", cells[0]) if len(cells) >= 5 else []:
            found[name] = cells[1:]
    return found


def alarms(roots):
    """Each alarm by its name. One that is made of another stands for it, and has its metric and threshold."""
    found, composite = {}, {}
    for root in roots.values():
        found |= {alarm["values"]["alarm_name"]: alarm["values"] for alarm in root.of("aws_cloudwatch_metric_alarm")}
        composite |= {alarm["values"]["alarm_name"]: alarm["values"] for alarm in root.of("aws_cloudwatch_composite_alarm")}
    parts = {name: re.fullmatch(r'ALARM\("([^"]+)"\)', alarm["alarm_rule"]).group(1) for name, alarm in composite.items()}
    for name, part in parts.items():
        found[name] = {**found[part], **{key: composite[name][key] for key in ("alarm_actions", "actions_enabled")}}
    return {name: alarm for name, alarm in found.items() if name not in parts.values()}


def metrics(alarm):
    """The names of the metrics that an alarm reads."""
    if alarm.get("metric_name"):
        return {alarm["metric_name"]}
    return {metric["metric_name"] for query in alarm["metric_query"] for metric in query["metric"]}


def problems(tree, roots):
    written, made = rows(tree), alarms(roots)
    found = [f"{name} has no row in {HEADING} of docs/OPERATIONS.md" for name in sorted(made.keys() - written.keys())]
    found += [f"{name} is in docs/OPERATIONS.md, and no root makes it" for name in sorted(written.keys() - made.keys())]
    for name in sorted(made.keys() & written.keys()):
        alarm, (metric, threshold, means, todo) = made[name], written[name][:4]
        for one in metrics(alarm):
            if f"`{one}`" not in metric:
                found.append(f"{name} reads {one}, and its row says {metric}")
        number = f"{alarm['threshold']:.15g}"
        if number not in re.findall(r"[\d.]+", threshold.replace(",", "")):
            found.append(f"{name} has the threshold {number}, and its row says {threshold!r}")
        if len(means.split()) < 3 or len(todo.split()) < 2:
            found.append(f"{name}: its row does not say what it means and what to do")
    for name, alarm in made.items():
        if not alarm.get("alarm_actions") or alarm.get("actions_enabled") is False:
            found.append(f"{name} tells nobody")
    return found


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Alarms(unittest.TestCase):
    def test_every_alarm_tells_somebody_and_the_handbook_says_what_it_means(self):
        roots = terraform.applied_roots(shared())
        self.assertGreater(len(alarms(roots)), 20)
        self.assertEqual(problems(shared(), roots), [])
