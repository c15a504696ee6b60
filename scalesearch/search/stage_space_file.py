"""Loads factorised search spaces by name or from the user's YAML files."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.baselines import is_path, spaces_folder
from scalesearch.design.strict_yaml import Path_, Tree, dotted, parse, read_text
from scalesearch.errors import InputError, SpaceError, printable
from scalesearch.search.canonical import MalformedError, from_json
from scalesearch.search.stage_space import StageOptions, StageSpace


def stage_space_names() -> list[str]:
    """Return the names of the shipped spaces, sorted."""
    return sorted(path.stem for path in (spaces_folder() / "nas").glob("*.yaml"))


def load_stage_space(name_or_path: str) -> StageSpace:
    """Return the space with this name, or the one in this file.

    Raises:
        InputError: no such space or file, or the file is bad (`file:line: key: reason`).
    """
    if name_or_path in stage_space_names():
        path = spaces_folder() / "nas" / f"{name_or_path}.yaml"
    elif is_path(name_or_path):
        path = Path(name_or_path)
    else:
        known = ", ".join(stage_space_names())
        raise InputError(f"--space {name_or_path!r}: is none of {known}; give one, or the path of a .yaml")
    return parse_stage_space(read_text(path), printable(str(path)))


def parse_stage_space(text: str, source: str) -> StageSpace:
    """Parse a space from YAML text.

    Raises:
        InputError: one line, `where:line: key: reason`.
    """
    tree, lines = parse(text, source)
    try:
        space = from_json(StageSpace, tree)
        if not space.source.isprintable():
            raise InputError(f"{source}:{lines['source',]}: source: must be one line of text")
        return space
    except MalformedError as error:
        path, reason = error.path, error.reason
    except SpaceError as error:
        # The message names the key that is invalid, but not the stage to which it belongs.
        reason = str(error)
        path = next((options_path for options_path, node in _option_nodes(tree) if _is_invalid(node)), ())
        key_path = (*path, reason.split(" ")[0])
        path = key_path if key_path in lines else path
    # The path of a missing key is not in the file: the line of its nearest parent is reported.
    known_path = path
    while known_path not in lines:
        known_path = known_path[:-1]
    raise InputError(f"{source}:{lines[known_path]}: {dotted(path)}: {reason}")


def _option_nodes(tree: Tree) -> list[tuple[Path_, Tree]]:
    """Return the node of every stage's options with its path."""
    assert isinstance(tree, dict), "anything else is malformed"
    stages = tree.get("stages", [])
    numbered = enumerate(stages) if isinstance(stages, list) else ()
    return [(("every",), tree["every"]), *((("stages", index), stage) for index, stage in numbered)]


def _is_invalid(node: Tree) -> bool:
    try:
        from_json(StageOptions, node)
    except SpaceError:
        return True
    return False
