"""Reads variables and outputs of formatted Terraform files, as they are written.

`terraform fmt` has put each attribute of a block at two spaces, so that no parser of expressions is needed. Parsers for
Python give a type back as a changed expression, and a README should have the words of the source.
"""

import re
import textwrap

BLOCK = re.compile(r'^(variable|output) "([^"]+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
EMPTY_BLOCK = re.compile(r'^(variable|output) "([^"]+)" \{\}', re.MULTILINE)
ATTRIBUTE = re.compile(r"^  (\w+)\s*= (.*)$")
HEREDOC = re.compile(r"^<<-?(\w+)$")


def blocks(text):
    """Returns kind, name and attributes of each block of a file."""
    found = [(kind, name, {}) for kind, name in EMPTY_BLOCK.findall(text)]
    for kind, name, body in BLOCK.findall(text):
        found.append((kind, name, attributes(body)))
    return found


def attributes(body):
    found, name, until = {}, None, None
    for line in body.splitlines():
        start = ATTRIBUTE.match(line) if until is None else None
        if start:
            name, value = start.groups()
            found[name] = [value]
            heredoc = HEREDOC.match(value)
            until = heredoc[1] if heredoc else None
        elif until is not None and line.strip() == until:
            until = name = None
        elif until is not None or line.startswith("    ") or re.match(r"^  [\])}]", line):
            # A line within an attribute's value, or its closing bracket; or one within a nested block, of which
            # nothing is read.
            if name:
                found[name].append(line)
        else:
            name = None
    return {name: "\n".join(lines) for name, lines in found.items()}


def one_line(value):
    """A value on one line, without comments."""
    lines = [re.sub(r"\s#.*$", "", line).strip() for line in value.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    text = ""
    for line in lines:
        if text[-1:] in ("", "(", "[") or line[0] in ")]":
            between = ""
        elif text[-1] in "{," or line[0] == "}":
            between = " "
        else:
            between = ", "
        text += between + line
    text = re.sub(r",(?= ?[)\]}])", "", text)
    # What lines attributes up beneath each other.
    return re.sub(r" {2,}", " ", text)


def words(value):
    """The text of a string or of a heredoc."""
    first, _, rest = value.partition("\n")
    if HEREDOC.match(first):
        return " ".join(textwrap.dedent(rest).split())
    return value.strip('"').replace('\\"', '"').replace("$${", "${").replace("%%{", "%{").replace("\\\\", "\\")
