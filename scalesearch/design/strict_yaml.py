"""Parse a small, strict subset of YAML: mappings, lists, plain numbers and strings, with the line of each value.

YAML 1.1 reads `no` as false, `010` as 8 and `.nan` as a number. It keeps the last of two equal keys, and aliases
let a file grow without bound. This parser rejects each of these and names its line. It reads `1e-3` as a number, as
YAML 1.2 does; YAML 1.1 reads it as a string.

The text has a bounded size and is parsed in pure Python, since libyaml crashes by recursion on 65,000 opening
brackets.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import yaml

from scalesearch.errors import InputError, printable

LARGEST_FILE = 32 * 1024
"""The largest size of a file, in bytes."""
_DEEPEST = 12
"""The deepest nesting of collections."""
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?(1[0-8]|[0-9]))?")
"""A number, plain or in scientific notation, such as YAML 1.2's `1e-4`."""
_PLAIN_TAGS = {"tag:yaml.org,2002:str"}

Path_ = tuple[str | int, ...]
"""The path of a value: keys of mappings and indices of lists."""
Tree = dict[str, "Tree"] | list["Tree"] | Decimal | int | str


def read_text(path: Path, expected: str = "a YAML file") -> str:
    """Return the text of a user's file.

    Args:
        path: the file.
        expected: what the file should be, for the error message.

    Raises:
        InputError: the file does not exist, is not a regular file, is above 32 KiB, or is not UTF-8.
    """
    source = printable(str(path))
    try:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise InputError(f"{source}: {reason}; give the path of {expected}")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{source}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > LARGEST_FILE:
        raise InputError(f"{source}:1: file: is larger than {LARGEST_FILE} bytes; a definition is a page of text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{source}:{line}: file: is not UTF-8 text; save it as UTF-8") from error


def parse(text: str, source: str) -> tuple[Tree, dict[Path_, int]]:
    """Return the values of the document, and the line of every value and key by its path.

    Raises:
        InputError: the document is not plain and unambiguous. The message is `source:line: key: reason`.
    """
    try:
        _check_events(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark: yaml.Mark | None = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InputError(f"{source}:{line}: file: is not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        line = text[: getattr(error, "position", 0)].count("\n") + 1
        raise InputError(f"{source}:{line}: file: is not YAML: {str(error).splitlines()[0]}") from error
    if node is None:
        raise InputError(f"{source}:1: file: is empty")
    lines: dict[Path_, int] = {}
    return _value(node, (), source, lines), lines


def dotted(path: Path_) -> str:
    """Return the path as text, such as `stages.2.kernel`, or `file` for the whole document.

    Long keys are shortened, and unprintable ones are escaped.
    """
    return ".".join(_shorten(str(key)) for key in path) or "file"


def _shorten(text: str) -> str:
    short = text if len(text) <= 40 else text[:37] + "..."
    return short if short.isprintable() else repr(short)


def _check_events(text: str, source: str) -> None:
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise InputError(f"{source}:{line}: file: is nested more than {_DEEPEST} deep")
        if documents > 1:
            raise InputError(f"{source}:{line}: file: holds a second document; keep one a file")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{source}:{line}: file: uses an anchor or alias (& or *); write the value out")
        if getattr(event, "tag", None):
            raise InputError(f"{source}:{line}: file: uses a tag (!); leave it out")


def _value(node: yaml.Node, path: Path_, source: str, lines: dict[Path_, int]) -> Tree:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), source, lines) for index, child in enumerate(node.value)]
    return _scalar(node, path, source)


def _mapping(node: yaml.MappingNode, path: Path_, source: str, lines: dict[Path_, int]) -> Tree:
    mapping: dict[str, Tree] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{source}:{line}: {dotted(path)}: a key must be a word")
        key = str(key_node.value)
        if key in mapping:
            raise InputError(f"{source}:{line}: {dotted((*path, key))}: stands twice; keep one")
        lines[(*path, key)] = line
        mapping[key] = _value(child, (*path, key), source, lines)
    return mapping


def _scalar(node: yaml.Node, path: Path_, source: str) -> Tree:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if _NUMBER.fullmatch(text):
        return int(text) if text.removeprefix("-").isdigit() else Decimal(f"{Decimal(text):f}")
    # Strings must be quoted wherever another YAML parser would read a number, a boolean or null.
    looks_numeric = re.fullmatch(r"[-+.]?[0-9][0-9_.eE+-]*", text) is not None
    if node.tag not in _PLAIN_TAGS or looks_numeric:
        line = node.start_mark.line + 1
        short = text if len(text) <= 40 else text[:37] + "..."
        if not text:
            raise InputError(f"{source}:{line}: {dotted(path)}: has no value; write one")
        raise InputError(
            f"{source}:{line}: {dotted(path)}: {short!r} is ambiguous; write a plain number such as 3 or "
            "0.001, or quote a string"
        )
    return text
