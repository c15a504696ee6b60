"""A small, strict YAML: mappings, lists, plain numbers and strings, and the line that each value stands on.

YAML 1.1 reads `no` as false, `010` as 8 and `.nan` as a number, keeps the last of two equal keys, and lets an alias
grow a file without bound. Each of these is refused here, with its place. `1e-3`, which it reads as a string, is a
number here, as in YAML 1.2.
Plain pure-Python parsing on a bounded text: libyaml's recursion crashes on 65,000 opening brackets.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import yaml

from scalesearch.errors import InputError, printable

LARGEST_FILE = 32 * 1024
_DEEPEST = 12
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?(1[0-8]|[0-9]))?")
"""Plain, or in scientific notation: YAML 1.2's `1e-4`."""
_PLAIN_TAGS = {"tag:yaml.org,2002:str"}

Path_ = tuple[str | int, ...]
Tree = dict[str, "Tree"] | list["Tree"] | Decimal | int | str


def read_text(path: Path, wanted: str = "a YAML file") -> str:
    """The text of a user's file; errors are one line.

    Raises:
        InputError: not there, not a regular file, above 32 KiB, not UTF-8.
    """
    where = printable(str(path))
    try:
        if not path.is_file():
            reason = "is not a file" if path.exists() else "does not exist"
            raise InputError(f"{where}: {reason}; give the path of {wanted}")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > LARGEST_FILE:
        raise InputError(f"{where}:1: file: is larger than {LARGEST_FILE} bytes; a definition is a page of text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{where}:{line}: file: is not UTF-8 text; save it as UTF-8") from error


def parse(text: str, source: str) -> tuple[Tree, dict[Path_, int]]:
    """The document's values, and the line of every value and key by its path.

    Raises:
        InputError: `where:line: key: reason` for anything that is not plain and unambiguous.
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
    """`stages.2.kernel`; `file` for the whole document. Keys are made short and printable."""
    return ".".join(_printable(str(key)) for key in path) or "file"


def _printable(text: str) -> str:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return shown if shown.isprintable() else repr(shown)


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
    found: dict[str, Tree] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise InputError(f"{source}:{line}: {dotted(path)}: a key must be a word")
        key = str(key_node.value)
        if key in found:
            raise InputError(f"{source}:{line}: {dotted((*path, key))}: stands twice; keep one")
        lines[(*path, key)] = line
        found[key] = _value(child, (*path, key), source, lines)
    return found


def _scalar(node: yaml.Node, path: Path_, source: str) -> Tree:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if _NUMBER.fullmatch(text):
        return int(text) if text.removeprefix("-").isdigit() else Decimal(f"{Decimal(text):f}")
    # Quoting is asked for wherever another reader of YAML would see a number, a boolean or nothing.
    looks_numeric = re.fullmatch(r"[-+.]?[0-9][0-9_.eE+-]*", text) is not None
    if node.tag not in _PLAIN_TAGS or looks_numeric:
        line = node.start_mark.line + 1
        shown = text if len(text) <= 40 else text[:37] + "..."
        if not text:
            raise InputError(f"{source}:{line}: {dotted(path)}: has no value; write one")
        raise InputError(
            f"{source}:{line}: {dotted(path)}: {shown!r} is ambiguous; write a plain number such as 3 or "
            "0.001, or quote a string"
        )
    return text
