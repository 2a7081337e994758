"""The commands that Banto's pages tell people to type, and the AWS CLI that they are typed into.

The AWS CLI is version 1, since PyPI has no other. What version 2 has besides, VERSION_2 and VERSION_2_OPTIONS name.
"""

import contextlib
import dataclasses
import io
import os
import re
import shlex
import tempfile
import textwrap
from pathlib import Path
from unittest import mock

from awscli.clidriver import create_clidriver

from tree import SOURCES

# `aws login` and payloads that are no base64 by default (AWS CLI user guide, "New features and changes in version 2").
VERSION_2 = {"login"}
VERSION_2_OPTIONS = {"--cli-binary-format": "raw-in-base64-out"}

OPERATORS = {"|", "||", "&&", ";", "&", "(", ")", ";;"}
REDIRECTIONS = {">", ">>", "<"}


@dataclasses.dataclass(frozen=True)
class Command:
    """whole: a line of a block, or a command in a sentence with its options; otherwise a mere name of one."""

    page: str
    words: tuple
    whole: bool

    def text(self):
        return f"{self.page}: {' '.join(self.words)}"


def markdown():
    """Every page that people read, by its path."""
    patterns = ("*.md", "docs/*.md", "infra/modules/*/README.md", "infra/envs/*/README.md")
    return {str(path.relative_to(SOURCES)): path.read_text() for pattern in patterns for path in sorted(SOURCES.glob(pattern))}


def blocks(text):
    """The blocks of shell of a page."""
    return [textwrap.dedent(block) for block in re.findall(r"^[ ]*```sh\n(.*?)^[ ]*```", text, re.DOTALL | re.MULTILINE)]


def prose(text):
    return re.sub(r"^[ ]*```.*?^[ ]*```", "", text, flags=re.DOTALL | re.MULTILINE)


def lines(block):
    """The lines of shell, those joined that go on in the next one."""
    waiting = ""
    for line in block.replace("\\\n", " ").splitlines():
        waiting += line + "\n"
        try:
            shlex.split(waiting, comments=True)
        except ValueError:
            # A quotation that has not ended.
            continue
        yield waiting
        waiting = ""
    if waiting:
        raise ValueError(f"no shell: {waiting}")


def commands(line, functions=None):
    """The commands of a line of shell, without assignments before them and without redirections."""
    functions = {} if functions is None else functions
    defined = re.fullmatch(r"(\w+)\(\) \{ (.*); \}\s*", line)
    if defined:
        functions[defined[1]] = defined[2]
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found, skip = [[]], False
    for word in lexer:
        if word in OPERATORS:
            found.append([])
        elif skip or word in REDIRECTIONS:
            skip = word in REDIRECTIONS
        else:
            found[-1].append(word)
    for words in found:
        while words and (words[0] in ("do", "then") or re.match(r"\w+=", words[0])):
            words = words[1:]
        if words and words[0] in functions:
            body = functions[words[0]]
            for place, value in enumerate(words[1:], 1):
                body = body.replace(f'"${place}"', shlex.quote(value))
            yield from commands(body)
        elif words:
            yield tuple(words)


def of(page, text, program):
    """Each command of a program on a page. The same one of a name and of a block counts once each."""
    found, functions = [], {}
    for block in blocks(text):
        for line in lines(block):
            found += [Command(page, words, True) for words in commands(line, functions)]
    for span in re.findall(r"`([^`]+)`", prose(text)):
        if re.match(rf"(\w+=\S+ )*{program} ", span):
            for words in commands(" ".join(span.split())):
                left_out = "…" in words
                words = tuple(word for word in words if word != "…")
                found.append(Command(page, words, not left_out and any(word.startswith("--") for word in words)))
    return list(dict.fromkeys(one for one in found if one.words[0] == program))


def without_version_2(words):
    """What version 1 is told instead: it takes a payload as it is."""
    words = list(words)
    for option, value in VERSION_2_OPTIONS.items():
        while option in words:
            place = words.index(option)
            if words[place + 1] != value:
                raise ValueError(f"{option} {words[place + 1]}")
            del words[place : place + 2]
    return words


class Answer:
    """What stands for HTTP's answer where nothing is sent."""

    status_code = 200
    headers = {}


class Cli:
    """The AWS CLI in this process. Without an address nothing is sent, and every call is answered by nothing."""

    def __init__(self, url=None, credentials=("AKIAIOSFODNN7EXAMPLE", "secret", None), region="ap-northeast-1"):
        self.url = url
        key, secret, token = credentials
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            # The CLI finds its own texts by it.
            "AWS_DATA_PATH": os.environ["AWS_DATA_PATH"],
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            **({"AWS_SESSION_TOKEN": token} if token else {}),
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, words, files=()):
        """What comes of a command: code, printed, complaint, and the calls with what is in them."""
        calls = []

        def asked(params, model, **_):
            calls.append((model.service_model.service_name, model.name, model, dict(params)))

        def answer(model, **_):
            body = {name: io.BytesIO(b"{}") for name in [model.get_streaming_output() and streaming(model)] if name}
            return Answer(), body

        out, errors = io.StringIO(), io.StringIO()
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            stack.enter_context(mock.patch.dict(os.environ, {**self.environment, "HOME": folder}, clear=True))
            stack.enter_context(contextlib.chdir(folder))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(errors))
            for name in files:
                Path(name).write_text("text")
            driver = create_clidriver()
            driver.session.register("before-parameter-build", asked)
            if self.url is None:
                driver.session.register("before-call", answer)
            words = without_version_2(words)[1:]
            try:
                code = driver.main([*words, *(["--endpoint-url", self.url] if self.url else [])])
            except SystemExit as ended:
                code = ended.code
            return code, out.getvalue(), errors.getvalue(), calls


def streaming(model):
    """The member of an answer that is a stream, as an object's body."""
    return model.output_shape.serialization["payload"]


def enumerations(shape, value, path=""):
    """Values that are none of those that AWS has. The CLI leaves them to AWS."""
    if shape.type_name == "structure":
        return [one for name, part in value.items() for one in enumerations(shape.members[name], part, f"{path}.{name}")]
    if shape.type_name == "list":
        return [one for part in value for one in enumerations(shape.member, part, path)]
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{path}: {value} is none of {', '.join(shape.enum)}"]
    return []
