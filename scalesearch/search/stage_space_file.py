"""A factorised space by name, or from the user's YAML file."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.baselines import is_path, spaces_folder
from scalesearch.design.strict_yaml import Path_, Tree, dotted, parse, read_text
from scalesearch.errors import InputError, SpaceError, printable
from scalesearch.search.canonical import MalformedError, from_json
from scalesearch.search.stage_space import StageOptions, StageSpace


def stage_space_names() -> list[str]:
    """The names of the shipped spaces, sorted."""
    return sorted(path.stem for path in (spaces_folder() / "nas").glob("*.yaml"))


def load_stage_space(name_or_path: str) -> StageSpace:
    """The space of that name, or in that file.

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
    """A space from YAML text.

    Raises:
        InputError: one line, `where:line: key: reason`.
    """
    tree, lines = parse(text, source)
    try:
        found = from_json(StageSpace, tree)
        if not found.source.isprintable():
            raise InputError(f"{source}:{lines['source',]}: source: must be one line of text")
        return found
    except MalformedError as error:
        path, reason = error.path, error.reason
    except SpaceError as error:
        # A rule names the key that breaks it, but not whose.
        reason = str(error)
        path = next((own for own, node in _choices(tree) if _breaks(node)), ())
        named = (*path, reason.split(" ")[0])
        path = named if named in lines else path
    known = path
    while known not in lines:
        known = known[:-1]
    raise InputError(f"{source}:{lines[known]}: {dotted(path)}: {reason}")


def _choices(tree: Tree) -> list[tuple[Path_, Tree]]:
    """Every stage's choices and where they stand."""
    assert isinstance(tree, dict), "anything else is malformed"
    stages = tree.get("stages", [])
    numbered = enumerate(stages) if isinstance(stages, list) else ()
    return [(("every",), tree["every"]), *((("stages", index), stage) for index, stage in numbered)]


def _breaks(node: Tree) -> bool:
    try:
        from_json(StageOptions, node)
    except SpaceError:
        return True
    return False
