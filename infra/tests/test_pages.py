"""What the pages tell people to type is what the programs take, and names what Terraform makes."""

import functools
import json
import re
import subprocess
import unittest

import pages
import terraform
import tree

# Words that stand for what the reader has.
PLACEHOLDERS = {"BUCKET", "ID", "FINGERPRINT", "NEW-FINGERPRINT", "CURRENT", "EARLIER"}
# Ids of versions have 32 characters at the least.
VERSIONS = {"CURRENT": "c" * 32, "EARLIER": "e" * 32}
EXAMPLES = {
    "PolicyId": r"p-examplepolicyid\d{3}",
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "RootId": "r-ab12",
    "KeyId": r"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "SerialNumber": "arn:aws:iam::111122223333:mfa/alice",
}

# Parameters that name nothing of Banto's: texts, numbers, switches and words of AWS's own.
FREE = {
    "AlarmTypes",
    "ACL", "ChecksumMode", "Content", "CreateBucketConfiguration", "Description", "EncodingType", "Filter", "Filters", "IncludeDeprecated", "InvocationType",
    "KeySpec", "KeyUsage", "LookupAttributes", "MoveToVersionId", "Password", "PasswordResetRequired", "Payload", "PolicyDocument",
    "PublicAccessBlockConfiguration", "RemoveFromVersionId", "ReservedConcurrentExecutions", "SecretString", "ServicePrincipal", "Status",
    "Tags", "Type", "PolicyType", "VersionId", "VersionStage", "VersioningConfiguration", "ClientRequestToken", "MaxResults",
}  # fmt: skip

USERS = {"alice", "bob"}


def complaint(code, printed, errors):
    said = (errors or printed).strip().splitlines()
    return f"{code}: {said[-1] if said else ''}"


def problems_of_aws(command):
    """What the AWS CLI says against a command, and the parameters of what it would ask."""
    operation = [word for word in command.words[1:3] if not word.startswith("-")]
    if operation[0] in pages.VERSION_2:
        return [], []
    if not command.whole and len(operation) == 2 and operation[0] != "s3":
        # Nothing is asked by it: it is a name alone. So its complaint may be about what is missing, and no more.
        code, printed, errors, calls = pages.Cli().run(("aws", *operation))
        wrong = code != 0 and "arguments are required" not in errors
        return [f"{command.text()}: {complaint(code, printed, errors)}"] if wrong else [], []
    words = tuple(VERSIONS.get(word, word) for word in command.words)
    if operation[0] == "s3":
        words = (*words, "--dryrun")
    files = [word.removeprefix("file://") for word in words if word.startswith("file://")]
    files += [word for word in words[3:4] if operation[0] == "s3" and "://" not in word and word != "-"]
    code, printed, errors, calls = pages.Cli().run(words, files)
    found = [f"{command.text()}: {complaint(code, printed, errors)}"] if code != 0 else []
    for _, _, model, params in calls:
        found += [f"{command.text()}: {one}" for one in pages.enumerations(model.input_shape, params)] if model.input_shape else []
    return found, [one for _, _, _, params in calls for one in params.items()]


@functools.cache
def names():
    """What there is of each parameter, from the states of the roots."""
    roots = terraform.applied_roots(tree.shared())
    every = [one for root in roots.values() for one in root.resources]

    def values(kind, attribute):
        return {one["values"][attribute] for one in every if one["type"] == kind}

    backends = [(root / "backend.tf").read_text() for root in tree.SOURCE.roots()]
    secrets = values("aws_secretsmanager_secret", "name")
    banto = tree.SOURCE.values()
    hub = banto["organization"]["management_account"]
    identity = banto["rotation"]["accounts"][0]
    keys = {found for text in backends for found in re.findall(r'key\s+= "(.*)"', text)}
    return {
        "FunctionName": values("aws_lambda_function", "function_name"),
        "Bucket": values("aws_s3_bucket", "bucket") | {found for text in backends for found in re.findall(r'bucket\s+= "(.*)"', text)},
        "Key": keys,
        "Prefix": keys,
        "SecretId": secrets | {f"banto/access-keys/{user}" for user in USERS},
        "RoleArn": {identity["break_glass"]},
        "RoleName": set(banto["onboarding"]["roles"]) | values("aws_iam_role", "name"),
        "RoleSessionName": USERS,
        "UserName": USERS,
        "PolicyArn": {f"arn:aws:iam::{identity['id']}:policy{one['values']['path']}{one['values']['name']}" for one in roots["identity"].of("aws_iam_policy")},
        "TargetId": set(re.findall(r"\b\d{12}\b", json.dumps(banto))),
        "StackSetName": values("aws_cloudformation_stack_set", "name"),
        "OrganizationConfigRuleName": values("aws_config_organization_managed_rule", "name"),
        "OpenIDConnectProviderArn": {f"arn:aws:iam::{hub}:oidc-provider/{url.removeprefix('https://')}" for url in values("aws_iam_openid_connect_provider", "url")},
    }


# Names that the reader gives: of a policy that a page makes.
GIVEN = {"PolicyName": r"banto-revoked-alice|AWSRevokeOlderSessions|ended", "Name": "quarantine"}


def unknown(params):
    """Parameters with names that nobody makes."""
    found = []
    for name, value in params:
        pattern = EXAMPLES.get(name) or GIVEN.get(name)
        if name in FREE or (isinstance(value, str) and value in PLACEHOLDERS):
            continue
        if pattern:
            right = re.fullmatch(pattern, value)
        elif name in names():
            right = value in names()[name]
        else:
            found.append(f"{name}={value}: nothing says what this parameter may name")
            continue
        if not right:
            found.append(f"{name}={value}: nothing of this name is made")
    return found


@functools.cache
def manual(*subcommand):
    """What Terraform says of a subcommand; None where it has none of the name."""
    done = subprocess.run([terraform.PROGRAM, *subcommand, "-help"], capture_output=True, text=True, timeout=terraform.SECONDS)
    said = done.stdout + done.stderr
    return said if f"terraform [global options] {' '.join(subcommand)}" in said else None


def problems_of_terraform(command, addresses=None):
    words = list(command.words[1:])
    found = []
    roots = {root.name for root in tree.SOURCE.roots()}
    if words and words[0].startswith("-chdir="):
        folder = words.pop(0).removeprefix("-chdir=")
        if folder not in roots:
            found.append(f"there is no root {folder}")
    deep = words[0] in ("state", "providers") and len(words) > 1
    subcommand, rest = words[: 1 + deep], words[1 + deep :]
    said = manual(*subcommand)
    if said is None:
        return [f"{command.text()}: Terraform has no {' '.join(subcommand)}"]
    for word in rest:
        option = re.match(r"--?[a-z-]+", word)
        if option and option[0] not in said:
            found.append(f"no option {option[0]}")
        if not option and addresses is not None and re.match(r"(module|aws_\w+)\.", word):
            if not any(one == word or one.startswith(f"{word}.") for one in addresses):
                found.append(f"no root makes {word}")
    return [f"{command.text()}: {one}" for one in found]


def anchors(text):
    """The anchors that GitHub gives a page's headings: small letters, no punctuation, hyphens for spaces."""
    found, seen = set(), {}
    for heading in re.findall(r"^#{1,6} (.*?)\s*$", pages.prose(text), re.MULTILINE):
        heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def broken_links(path, text):
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", pages.prose(text))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        page = (tree.SOURCES / path).parent / name if name else tree.SOURCES / path
        if not page.exists():
            found.append(f"{path}: {target}: there is no such file")
        elif anchor and page.suffix == ".md" and anchor not in anchors(page.read_text()):
            found.append(f"{path}: {target}: there is no such heading")
    return found


def every(program):
    return [command for page, text in pages.markdown().items() for command in pages.of(page, text, program)]


class Pages(unittest.TestCase):
    def test_every_link_leads_to_a_page_and_its_heading(self):
        texts = {str(path.relative_to(tree.SOURCES)): path.read_text() for path in tracked()}
        self.assertEqual([one for path, text in texts.items() for one in broken_links(path, text)], [])

    def test_every_aws_command_is_one_that_the_aws_cli_takes(self):
        commands = every("aws")
        self.assertGreater(len(commands), 40)
        self.assertEqual([one for command in commands for one in problems_of_aws(command)[0]], [])

    def test_every_terraform_command_is_one_that_terraform_takes(self):
        commands = every("terraform")
        self.assertGreater(len(commands), 15)
        self.assertEqual([one for command in commands for one in problems_of_terraform(command)], [])

    def test_what_was_tried_names_tests_that_there_are(self):
        table = (tree.SOURCES / "docs" / "BREAK-GLASS.md").read_text().split("## What was tried\n")[1]
        rows = [row.split("|")[1:-1] for row in table.splitlines() if row.startswith("|")][2:]
        self.assertGreater(len(rows), 10)
        there = {name for path in tree.SOURCES.glob("infra/tests/test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}
        for step, tried, _ in rows:
            named = re.findall(r"`(\w+)`", tried)
            self.assertTrue(named or tried.strip() == "nobody has seen this", step)
            self.assertLessEqual(set(named), there, step)
        played = set(re.findall(r"def (test_\w+)", (tree.SOURCES / "infra" / "tests" / "test_break_glass.py").read_text()))
        self.assertLessEqual(played, set(re.findall(r"`(\w+)`", table)))

    def test_a_command_that_is_wrong_is_found(self):
        for words in (
            "aws iam update-access-keys --user-name bob",
            "aws iam update-access-key --user-name bob --status Inactive",
            "aws iam update-access-key --user-name bob --access-key-id AKIAIOSFODNN7EXAMPLE --status Inactiv",
            "aws iam list-users --user bob",
            "aws lambda invoke --function-name banto-onboard-accounts --payload '{}'",
        ):
            [command] = pages.of("page", f"```sh\n{words}\n```\n", "aws")
            self.assertTrue(problems_of_aws(command)[0], words)
        for words in ("terraform -chdir=elsewhere plan", "terraform stat rm x", "terraform plan -oot=x", "terraform state delete x"):
            [command] = pages.of("page", f"```sh\n{words}\n```\n", "terraform")
            self.assertTrue(problems_of_terraform(command), words)
        self.assertEqual(len(broken_links("README.md", "[a](docs/none.md) [b](#nowhere) [c](docs/infra.md#nowhere)")), 3)

    def test_commands_are_found_wherever_shell_has_them(self):
        text = """```sh
go() { aws lambda invoke --payload "$2" --function-name "$1" out >/dev/null && cat out; }
go one '{"a b": 1}' | jq .   # a remark
A=b aws x \\
  y 'two
lines'
```
and `aws s q` or `B=c aws a b --d …`.
"""
        words = [command.words[1:] for command in pages.of("page", text, "aws")]
        self.assertEqual(
            words,
            [("lambda", "invoke", "--payload", '{"a b": 1}', "--function-name", "one", "out"), ("x", "y", "two\nlines"), ("s", "q"), ("a", "b", "--d")],
        )


@unittest.skipUnless(terraform.STANDIN, terraform.NO_PROVIDER)
class Names(unittest.TestCase):
    def test_every_name_in_an_aws_command_is_one_that_a_root_makes(self):
        found = []
        for command in every("aws"):
            params = problems_of_aws(command)[1]
            params += [("Bucket", bucket) for word in command.words for bucket in re.findall(r"^s3://([^/]+)/", word)]
            found += [f"{command.text()}: {one}" for one in unknown(params)]
        self.assertEqual(found, [])

    def test_every_address_in_a_terraform_command_is_one_that_a_root_has(self):
        roots = terraform.applied_roots(tree.shared())
        addresses = {one["address"] for root in roots.values() for one in root.resources}
        self.assertEqual([one for command in every("terraform") for one in problems_of_terraform(command, addresses)], [])

    def test_a_name_that_nothing_has_is_found(self):
        for name, value in (("FunctionName", "banto-rotate-keys"), ("Bucket", "example-state"), ("SecretId", "banto/access-keys/"), ("Queue", "q"), ("RoleArn", "arn:aws:iam::111122223333:role/break")):
            self.assertEqual(len(unknown([(name, value)])), 1, name)


def tracked():
    """Every page of the repository, but for what a build makes."""
    left_out = {"target", "node_modules", ".git"}
    return [path for path in sorted(tree.SOURCES.rglob("*.md")) if not left_out & set(path.relative_to(tree.SOURCES).parts)]
