"""What AWS takes for an Organization with Banto in a month, from list prices, what Terraform makes, and some assumptions.

The table of docs/DEPLOY.md is written from here, so that an alarm or a rule more shows in it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"

# List prices of us-east-1 in USD, without free tiers and discounts: the services' pricing pages. AWS Config's are those of AWS's
# price list of April 2025. Other regions take up to a third more.
PRICES = {
    "configuration item": 0.003,
    "rule evaluation": 0.001,  # the first 100,000 of an account and region; those after that cost less
    "secret": 0.40,
    "KMS key": 1.00,
    "alarm": 0.10,
    "composite alarm": 0.50,
    "metric": 0.30,
    "GB of logs": 0.50,
    "GB-second of Lambda, arm64": 0.0000133334,
    "million messages of SQS": 0.40,
    "million events between buses": 1.00,
    "million writes of DynamoDB": 0.625,
    "million reads of DynamoDB": 0.125,
    "GB-month of S3": 0.023,
    "thousand PUTs of S3": 0.005,
    "thousand GETs of S3": 0.0004,
    "thousand mails": 0.10,
}

# What nobody can say of your Organization. AWS Config's own page "Cost" of an account says it of yours.
ITEMS = 1000  # configuration items of an account in a month: a quiet account has some hundreds, a busy one ten times as many
RESOURCES_OF_A_RULE = 3  # that it evaluates in an account and region, on average: many rules find none there, some a hundred
EVALUATIONS_OF_A_RESOURCE = 30  # by a rule in a month: one a day, periodic rules and changes alike
CHANGES = 100  # changes of compliance of an account in a month
PEOPLE_WITH_KEYS = 0.5  # for each account: users whose keys are rotated
METRICS = 40  # the metrics that docs/OPERATIONS.md names
MONTHS_KEPT = 12  # of the archive
FILES = 80  # of an account and region in a day: a snapshot, and history every six hours, a file for each type that changed

# Regions of the example's baseline.
REGIONS = 2


@dataclass(frozen=True)
class Row:
    what: str
    by: str
    dollars: dict  # by number of accounts


def planned(pattern):
    """The number of resources of a kind that the example's roots make."""
    addresses = [line for path in EXPECTED.glob("*.txt") for line in path.read_text().splitlines()]
    return sum(1 for address in addresses if re.search(rf"(^|\.){pattern}\.", address))


def rows(sizes):
    """What each part costs, AWS Config's own first."""
    rules = planned("aws_config_organization_managed_rule")
    alarms, composite = planned("aws_cloudwatch_metric_alarm"), planned("aws_cloudwatch_composite_alarm")
    keys = planned("aws_kms_key")
    secrets = planned("aws_secretsmanager_secret")
    price = PRICES

    def lambda_seconds(accounts):
        # onboard-accounts looks at eight accounts at once for a minute; notify-compliance compares an account in a second,
        # and takes in a change in a tenth of one; the others run for minutes a day. All at 128 MB.
        daily = accounts / 8 * 60 + accounts * 1 + 15 * 60
        return 0.125 * (30 * daily + 0.1 * CHANGES * accounts)

    def messages(accounts):
        # Each day two messages for each account, each sent, received and deleted; each change one, and a delivery; and empty
        # receives, five polls of 20 s at each of five queues.
        return 30 * accounts * 2 * 3 + CHANGES * accounts * 6 + 5 * 5 * 3 * 60 * 24 * 30

    def gigabytes(accounts):
        # 0.28 MB a snapshot of an account, zipped, with 2,000 items; history files as much again.
        return accounts * 30 * 2 * 0.28 / 1000 * MONTHS_KEPT

    def of(formula):
        return {size: formula(size) for size in sizes}

    return [
        Row("AWS Config: configuration items", f"{ITEMS:,} an account", of(lambda n: n * ITEMS * price["configuration item"])),
        Row(
            "AWS Config: rule evaluations",
            f"{rules} rules, counted by region, each with {RESOURCES_OF_A_RULE} resources an account, evaluated daily",
            of(lambda n: n * rules * RESOURCES_OF_A_RULE * EVALUATIONS_OF_A_RESOURCE * price["rule evaluation"]),
        ),
        Row(
            "records of users, in Secrets Manager",
            f"a user with keys for every {1 / PEOPLE_WITH_KEYS:.0f} accounts",
            of(lambda n: n * PEOPLE_WITH_KEYS * price["secret"]),
        ),
        Row(
            "alarms and metrics",
            f"{alarms} alarms, {composite} composite ones, {METRICS} metrics",
            of(lambda n: alarms * price["alarm"] + composite * price["composite alarm"] + METRICS * price["metric"]),
        ),
        Row("keys and secrets", f"{keys} keys, {secrets} secrets", of(lambda n: keys * price["KMS key"] + secrets * price["secret"])),
        Row("Lambda", "128 MB, minutes a day", of(lambda n: lambda_seconds(n) * price["GB-second of Lambda, arm64"])),
        Row(
            "queues, buses and tables",
            f"{CHANGES} changes of compliance an account",
            of(
                lambda n: messages(n) / 1e6 * price["million messages of SQS"]
                + CHANGES * n * 2 / 1e6 * price["million events between buses"]
                + (CHANGES * 6 + 60) * n / 1e6 * price["million writes of DynamoDB"]
                + (CHANGES * 6 + 60) * n / 1e6 * price["million reads of DynamoDB"]
            ),
        ),
        Row(
            "the archive and its reading",
            f"{MONTHS_KEPT} months of it",
            of(
                lambda n: gigabytes(n) * price["GB-month of S3"]
                + n * REGIONS * 30 * FILES / 1000 * (price["thousand PUTs of S3"] + price["thousand GETs of S3"])
            ),
        ),
        Row("logs and mails", "10 kB of log and a mail a day an account", of(lambda n: n * 30 * (10e-6 * price["GB of logs"] + price["thousand mails"] / 1000))),
    ]


def table(sizes=(50, 1000)):
    """The table as Markdown."""
    found = rows(sizes)
    lines = [
        "| what | by | " + " | ".join(f"{size:,} accounts" for size in sizes) + " |",
        "|---|---|" + "--:|" * len(sizes),
    ]
    for row in found:
        lines.append(f"| {row.what} | {row.by} | " + " | ".join(dollars(row.dollars[size]) for size in sizes) + " |")
    config, own = found[:2], found[2:]
    for name, part in (("**AWS Config**", config), ("**Banto's own**", own)):
        sums = [sum(row.dollars[size] for row in part) for size in sizes]
        lines.append(f"| {name} | | " + " | ".join(f"**{dollars(value)}**" for value in sums) + " |")
    return "\n".join(lines)


def dollars(amount):
    """An amount as it is worth saying: to the dollar, and cents below ten."""
    return f"${amount:,.0f}" if amount >= 10 else f"${amount:,.2f}"
