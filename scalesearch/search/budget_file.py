"""Loads budgets by name or from the user's YAML files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from scalesearch.design.strict_yaml import Path_, Tree, dotted, parse, read_text
from scalesearch.errors import InputError, SpaceError, did_you_mean, printable
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.canonical import MalformedError, as_json, from_json


def load_budget(name_or_path: str) -> Budget:
    """Return the named budget, or the one in a YAML file with the same keys as `Budget`; see `parse_budget`.

    Raises:
        InputError: no such budget or file, or the file is bad (`file:line: key: reason`).
    """
    if name_or_path in BUDGETS:
        return BUDGETS[name_or_path]
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        suggestion = did_you_mean(name_or_path, BUDGETS)
        raise InputError(
            f"--budget {name_or_path!r}: must be one of {', '.join(BUDGETS)} or the path of a .yaml{suggestion}"
        )
    return parse_budget(read_text(Path(name_or_path)), printable(name_or_path))


def parse_budget(text: str, source: str) -> Budget:
    """Parse a budget from YAML text; keys that it leaves out come from the named budget that it `extends`.

    Raises:
        InputError: one line, `where:line: key: reason`.
    """
    tree, lines = parse(text, source)
    try:
        return from_json(Budget, _extend(tree))
    except MalformedError as error:
        # The path of a missing key is not in the file: the line of its nearest parent is reported.
        known_path: Path_ = error.path
        while known_path not in lines:
            known_path = known_path[:-1]
        raise InputError(f"{source}:{lines[known_path]}: {error}") from error
    except SpaceError as error:
        # Budget, recipe and scenes have no key in common, so the key in the message determines the line.
        subject, colon, reason = str(error).partition(": ")
        word = (reason if colon else subject).split(" ")[0]
        path = next((path for path in lines if path and path[-1] == word), ())
        raise InputError(f"{source}:{lines[path]}: {dotted(path)}: {reason or subject}") from error


def _extend(tree: Tree) -> Tree:
    """Return the extended budget's keys, overridden by the file's; keys in `recipe` and `scenes` one by one."""
    if not isinstance(tree, dict) or "extends" not in tree:
        return tree
    name = tree["extends"]
    if not isinstance(name, str) or name not in BUDGETS:
        raise MalformedError(("extends",), f"is {name!r}, but must be one of {', '.join(BUDGETS)}")
    result: dict[str, Any] = {**cast("dict[str, Any]", as_json(BUDGETS[name]))}
    del result["name"]  # a budget that differs from a named one must have its own name
    for key, value in tree.items():
        inherited = result.get(key)
        if key != "extends":
            result[key] = (
                {**inherited, **value} if isinstance(inherited, dict) and isinstance(value, dict) else value
            )
    return result
