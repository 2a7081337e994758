"""Where SECURITY.md says that a service control policy holds something, a link leads to the resource that does it."""

import re
import unittest

from tree import SOURCES

PAGE = SOURCES / "docs/SECURITY.md"
MENTION = re.compile(r"\bSCPs?\b|[Ss]ervice control polic")

# Titles of AWS's pages are quoted.
QUOTED = re.compile(r'"[^"]*"')
LINK = re.compile(r"\]\((\.\./infra/modules/organization/[^)]+)\)")


def unlinked(text):
    """The sentences and cells that speak of such a policy and lead nowhere. A heading of a paragraph belongs to what follows it."""
    text = QUOTED.sub("", text).replace(".** ", "** ")
    parts = re.split(r"(?<=[.;:]) | \| |\n\n|\n(?=[|#-])", re.sub(r"(?<!\n)\n(?![\n|#-])", " ", text))
    return [part for part in parts if MENTION.search(part) and not LINK.search(part)]


class Security(unittest.TestCase):
    def test_each_mention_of_a_service_control_policy_leads_to_it(self):
        text = PAGE.read_text()
        self.assertGreater(len(MENTION.findall(text)), 10)
        self.assertEqual(unlinked(text), [])

    def test_the_links_lead_to_files_that_make_policies(self):
        for path in set(LINK.findall(PAGE.read_text())):
            self.assertRegex((PAGE.parent / path).read_text(), "aws_organizations_policy|Statement", path)

    def test_a_mention_without_a_link_is_found(self):
        text = "Nobody does so. The SCP pins denies it.\n\nAn [SCP](../infra/modules/organization/scps.tf) holds.\n"
        self.assertEqual(unlinked(text), ["The SCP pins denies it."])
