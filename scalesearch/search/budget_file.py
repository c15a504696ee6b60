"""A budget by name, or from the user's YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from scalesearch.design.strict_yaml import Path_, Tree, dotted, parse, read_text
from scalesearch.errors import InputError, SpaceError, did_you_mean, printable
from scalesearch.search.budget import BUDGETS, Budget
from scalesearch.search.canonical import MalformedError, as_json, from_json


def load_budget(name_or_path: str) -> Budget:
    """The named budget, or the one in a YAML file with the same keys as `Budget`; see `parse_budget`.

    Raises:
        InputError: no such budget or file, or the file is bad (`file:line: key: reason`).
    """
    if name_or_path in BUDGETS:
        return BUDGETS[name_or_path]
    if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
        near = did_you_mean(name_or_path, BUDGETS)
        raise InputError(
            f"--budget {name_or_path!r}: must be one of {', '.join(BUDGETS)} or the path of a .yaml{near}"
        )
    return parse_budget(read_text(Path(name_or_path)), printable(name_or_path))


def parse_budget(text: str, source: str) -> Budget:
    """A budget from YAML text; what it leaves out is that of the named budget which it `extends`.

    Raises:
        InputError: one line, `where:line: key: reason`.
    """
    tree, lines = parse(text, source)
    try:
        return from_json(Budget, _extended(tree))
    except MalformedError as error:
        known: Path_ = error.path
        while known not in lines:
            known = known[:-1]
        raise InputError(f"{source}:{lines[known]}: {error}") from error
    except SpaceError as error:
        # Budget, recipe and scenes have no key in common, so the key that the rule names says where.
        owner, colon, reason = str(error).partition(": ")
        word = (reason if colon else owner).split(" ")[0]
        path = next((path for path in lines if path and path[-1] == word), ())
        raise InputError(f"{source}:{lines[path]}: {dotted(path)}: {reason or owner}") from error


def _extended(tree: Tree) -> Tree:
    """The file's keys over those of the budget that it extends, those of `recipe` and `scenes` one by one."""
    if not isinstance(tree, dict) or "extends" not in tree:
        return tree
    name = tree["extends"]
    if not isinstance(name, str) or name not in BUDGETS:
        raise MalformedError(("extends",), f"is {name!r}, but must be one of {', '.join(BUDGETS)}")
    found: dict[str, Any] = {**cast("dict[str, Any]", as_json(BUDGETS[name]))}
    del found["name"]  # what differs from a budget has a name of its own
    for key, value in tree.items():
        inner = found.get(key)
        if key != "extends":
            found[key] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, dict) else value
    return found
