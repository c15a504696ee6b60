"""How many of timm's registered networks `scalesearch import` reads, and why not the others.

    python benchmarks/timm_corpus.py path/to/timm > table.md
    python benchmarks/timm_corpus.py path/to/timm --show regnety_016
    python benchmarks/timm_corpus.py --count > tests/fixtures/timm_params.csv    # where timm is installed

The first command reads a source tree of timm with `ast`: nothing of it is run or imported. Each function with
`@register_model` is followed to the class that it calls, with its keywords as literals; that call is a definition
as `scalesearch import` takes it (`--show` prints one). A network is read exactly where it has as many parameters as
the one that timm builds. Those were counted once, by timm itself: the last command needs timm and torch.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network
from scalesearch.export.timm_source import FAMILIES, NotFollowedError, Source, text_of

COUNTS = Path(__file__).parent.parent / "tests" / "fixtures" / "timm_params.csv"
"""The parameters of each network as timm 1.0.31 builds it: family, model, params."""
CLASSES = 1000
"""The default of `num_classes` in timm's classes."""
EXACT, DIFFERS = "read exactly", "read with other parameters"


class Reading(NamedTuple):
    """What became of one registered network."""

    family: str
    name: str
    outcome: str
    """`EXACT`, `DIFFERS`, or the reason of the refusal."""


def definitions(timm: Path) -> Iterator[tuple[str, str, str]]:
    """The family, the name and the definition of every registered network; an empty text where none is found."""
    for family in FAMILIES:
        source = Source(timm / "models", family)
        for function in source.registered:
            try:
                yield family, function.name, text_of(source.network(function)) + "\n"
            except NotFollowedError as error:
                print(f"{function.name}: {error}", file=sys.stderr)
                yield family, function.name, ""


def readings(timm: Path, counts: dict[str, int]) -> Iterator[Reading]:
    """What becomes of every registered network of a source tree of timm."""
    for family, name, text in definitions(timm):
        yield Reading(family, name, outcome_of(text, counts[name]))


def outcome_of(text: str, params: int) -> str:
    """`EXACT`, `DIFFERS`, or the reason for which a definition of a network of `params` parameters is refused."""
    try:
        return EXACT if cost(read_network(text, "x")).params == params else DIFFERS
    except InputError as error:
        return reason_of(str(error))


def reason_of(message: str) -> str:
    """The part of an error that many networks share: without its place, the string and what is to be done."""
    reason = re.sub(r"^x:\d+: ", "", message)
    return re.sub(r"^'[a-z]+_[^']*': ", "", reason).split(";")[0]


def table(found: Sequence[Reading]) -> list[str]:
    """The rows of the two tables in docs/export.md: by family, and by reason."""
    lines = ["| family | registered | read exactly | refused |", "|---|---|---|---|"]
    for family in (*FAMILIES, None):
        ours = [one for one in found if family in (None, one.family)]
        exact = sum(one.outcome == EXACT for one in ours)
        share = f" ({100 * exact / len(ours):.0f} %)" if family is None else ""
        label = f"timm `{family}.py`" if family else "all"
        lines.append(f"| {label} | {len(ours)} | {exact}{share} | {len(ours) - exact} |")
    lines += ["", "| reason | networks | such as |", "|---|---|---|"]
    reasons = Counter(one.outcome for one in found if one.outcome != EXACT)
    for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        example = next(one.name for one in found if one.outcome == reason)
        lines.append(f"| {reason} | {count} | `{example}` |")
    return lines


def read_counts() -> dict[str, int]:
    """The parameters of every network as timm counts them."""
    with COUNTS.open(encoding="utf-8", newline="") as file:
        return {row["model"]: int(row["params"]) for row in csv.DictReader(file)}


def print_counts() -> None:
    """Print the parameters of every registered network, built by the installed timm without memory for weights.

    All have the classifier of the classes' default: timm's settings of some names, such as CLIP's, have none.
    """
    import timm
    import torch

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("family", "model", "params"))
    for family in FAMILIES:
        module = sys.modules[f"timm.models.{family}"]
        source = Source(Path(str(module.__file__)).parent, family)
        for name in sorted(function.name for function in source.registered):
            with torch.device("meta"):
                network = timm.create_model(name, num_classes=CLASSES)
            writer.writerow((family, name, sum(one.numel() for one in network.parameters())))


def main() -> None:
    """Print the tables, one definition or the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("timm", type=Path, nargs="?", help="the folder timm/ of its sources")
    parser.add_argument("--show", metavar="NAME", help="print the definition of one network")
    parser.add_argument("--list", action="store_true", help="print what became of every network")
    parser.add_argument("--count", action="store_true", help="count with the installed timm")
    options = parser.parse_args()
    if options.count:
        print_counts()
        return
    if options.timm is None or not (options.timm / "models").is_dir():
        parser.error("give the folder timm/ of timm's sources, which has models/")
    if options.show:
        print(*(text for _, name, text in definitions(options.timm) if name == options.show), end="")
        return
    found = list(readings(options.timm, read_counts()))
    if options.list:
        print(*(f"{one.name},{one.outcome}" for one in found), sep="\n")
        return
    print(*table(found), sep="\n")


if __name__ == "__main__":
    main()
