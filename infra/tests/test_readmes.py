"""Each module's README has its inputs and outputs as they are."""

import unittest

import hcl
from tree import BLESS, SOURCE

BEGIN, END = "<!-- begin tables -->", "<!-- end tables -->"

# A longer default is a table of its own: the source has it in a form that can be read.
LONGEST_DEFAULT = 120


def cell(text):
    return text.replace("|", "\\|")


def tables(module):
    blocks = [block for path in sorted(module.glob("*.tf")) for block in hcl.blocks(path.read_text())]
    lines = ["## Inputs", "", "| name | type | default | required | description |", "|---|---|---|---|---|"]
    for _, name, attributes in sorted(block for block in blocks if block[0] == "variable"):
        kind = hcl.one_line(attributes.get("type", "any"))
        default = hcl.one_line(attributes.get("default", ""))
        shown = f"`{default}`" if default else ""
        if len(default) > LONGEST_DEFAULT:
            shown = "see variables.tf"
        required = "" if "default" in attributes else "yes"
        about = hcl.words(attributes.get("description", ""))
        lines.append("| " + " | ".join(cell(one) for one in (f"`{name}`", f"`{kind}`", shown, required, about)) + " |")
    lines += ["", "## Outputs", "", "| name | description |", "|---|---|"]
    for _, name, attributes in sorted(block for block in blocks if block[0] == "output"):
        lines.append(f"| `{name}` | {cell(hcl.words(attributes.get('description', '')))} |")
    return "\n".join(lines)


def expected(module):
    """The README as it is, and as it should be; `None` where nothing says where its tables go."""
    readme = module / "README.md"
    text = readme.read_text() if readme.exists() else ""
    if BEGIN not in text or END not in text:
        return text, None
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return text, f"{before}{BEGIN}\n{tables(module)}\n{END}{after}"


def problems(tree):
    found = []
    for module in tree.modules():
        text, right = expected(module)
        if right is None:
            found.append(f"{module.name}/README.md has no {BEGIN} and {END}")
        elif text.split(BEGIN)[0].count(".") < 2:
            found.append(f"{module.name}/README.md does not say what the module is for")
        elif text != right:
            wrong = set(right.splitlines()) ^ set(text.splitlines())
            found.append(f"{module.name}/README.md has other tables (BLESS=1 writes them): {sorted(wrong)[:4]}")
        for path in sorted(module.glob("*.tf")):
            for kind, name, attributes in hcl.blocks(path.read_text()):
                if not hcl.words(attributes.get("description", "")):
                    found.append(f"{module.name}: the {kind} {name} has no description")
    return found


def bless(tree):
    for module in tree.modules():
        text, right = expected(module)
        if right is not None and text != right:
            (module / "README.md").write_text(right)


class Readmes(unittest.TestCase):
    def test_each_modules_readme_has_its_inputs_and_outputs(self):
        if BLESS:
            bless(SOURCE)
        self.assertEqual(problems(SOURCE), [])

    def test_types_and_texts_are_shown_as_the_source_has_them(self):
        source = """variable "sources" {
  type = map(object({
    name    = string
    senders = optional(string, "[]") # JSON
    # How long.
    limits = optional(object({
      most = number
    }))
  }))
  description = <<-EOT
    The queues: `name` is one's.
    Each has limits.
  EOT
  # Why not.
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for one in var.sources : true
    ])
    error_message = "no"
  }
}

variable "name" {
  type        = string
  description = "As in \\"alice\\", or $${x}."
}
"""
        (_, _, sources), (_, _, name) = hcl.blocks(source)
        kind = 'map(object({ name = string, senders = optional(string, "[]"), limits = optional(object({ most = number })) }))'
        self.assertEqual(hcl.one_line(sources["type"]), kind)
        self.assertEqual(hcl.words(sources["description"]), "The queues: `name` is one's. Each has limits.")
        self.assertEqual(sources["default"], "{}")
        self.assertEqual(set(sources), {"type", "description", "default", "nullable"})
        self.assertEqual(hcl.words(name["description"]), 'As in "alice", or ${x}.')
        self.assertNotIn("default", name)
