"""Help, pages and messages use the words of the field, and docstrings are sentences."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pages import PAGES, ROOT

from scalesearch.cli.main import app

PACKAGE = ROOT / "scalesearch"
TERSE = ("log.md", "CHANGELOG.md")
"""Pages that keep the words of their day; so do the decisions."""

RETIRED = {
    r"\breceipts?\b": "cost breakdown",
    r"scalesearch trust\b|`trust`": "validate-proxy",
    r"--check-phi\b": "--transfer-phi",
    r"--scheduler[ =]grid\b": "--scheduler full",
    r"\brests? on\b": "based on",
    r"\bleft after\b": "eliminated after",
    r"\bclimbs?\b(?!-)": "is promoted",
    r"\b(?:half|halves|candidates?|networks?|trials?) goe?s? on\b": "is promoted",
    r"\bthe waist\b": "storage boundary",
    r"\bsuggest(?:ed|ion|ions|s)\b(?!/)": "proposed, proposal",
    r"\bverbs?\b": "command",
    r"\bwhoever\b": "users who",
    r"\banother question\b": "a different configuration",
    r"\bworked out beside\b": "computed in the background",
}
"""Patterns, and what the field says in their place."""


def _faults(text: str) -> list[str]:
    return [
        f"{found.group()!r}: say {instead!r}"
        for pattern, instead in RETIRED.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name not in TERSE and "decisions" not in page.parts],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_pages_use_the_fields_words(page: Path) -> None:
    assert not _faults(page.read_text(encoding="utf-8"))


def test_help_uses_the_fields_words() -> None:
    program = typer.main.get_command(app)
    for name, command in program.commands.items():  # type: ignore[attr-defined]
        with command.make_context(name, [], resilient_parsing=True) as context:
            assert not _faults(command.get_help(context)), name


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def _docstrings(tree: ast.Module) -> set[int]:
    """The ids of the constants that are docstrings, of fields as well."""
    return {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list)
        for statement in body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    }


def test_messages_use_the_fields_words() -> None:
    """In errors, tables, reports and the dashboard: every text of two words or more that the package holds."""
    faults, texts = [], 0
    for path, tree in _modules():
        if path.name == "commands.py":  # it lists the earlier names
            continue
        docstrings = _docstrings(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
                continue
            if " " not in node.value.strip():
                continue  # a key, or a file's name
            texts += 1
            faults += [f"{path.relative_to(ROOT)}:{node.lineno}: {fault}" for fault in _faults(node.value)]
    assert texts > 1000
    assert not faults, "\n".join(faults)


FRAGMENT = re.compile(
    r"(?:Of|As|From|By|To|In|With|For|And|Or|But|At|On|Whose|Which|That|Likewise|These|Those|Where|When|If|Not|Also)\b"
)
"""How a docstring begins that is no sentence."""


def _public(tree: ast.Module) -> Iterator[tuple[str, int, str | None]]:
    """The public modules, classes, functions and methods: their name, line and docstring."""
    yield "module", 1, ast.get_docstring(tree)

    def inside(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, int, str | None]]:
        for child in node.body:
            if not isinstance(child, ast.ClassDef | ast.FunctionDef) or child.name.startswith("_"):
                continue
            if child.name == "forward":  # its tensors' shapes stand in the names of its arguments
                continue
            yield f"{prefix}{child.name}", child.lineno, ast.get_docstring(child)
            if isinstance(child, ast.ClassDef):
                yield from inside(child, f"{child.name}.")

    yield from inside(tree, "")


def test_every_public_name_has_a_sentence() -> None:
    faults, names = [], 0
    for path, tree in _modules():
        for name, line, docstring in _public(tree):
            names += 1
            first = re.split(r"(?<=[.!])\s", docstring or "", maxsplit=1)[0].replace("\n", " ")
            whole = first[-1:] in (".", ":") and len(first.split()) >= 2 and not FRAGMENT.match(first)
            if not whole or not re.match(r"[A-Z`“\"(0-9αβγφ]", first):
                faults.append(f"{path.relative_to(ROOT)}:{line}: {name}: {first!r}")
    assert names > 1500
    assert not faults, "\n".join(faults)
