"""Finding a network: a shipped baseline, a published member of its family, or the user's own file."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.baselines import baseline_names, is_path, load_baseline
from scalesearch.design.family import published, published_baseline, published_names
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, did_you_mean


def load_network(name_or_path: str) -> Baseline:
    """The shipped baseline or published member of that name, or the network in that file.

    A member (`b4`, `efficientnet_v2_b2`) has its `origin`, as one that was read from a family's file.

    Raises:
        InputError: no such network or file, or the file is bad (`file:line: key: reason`).
    """
    if is_path(name_or_path) or name_or_path in baseline_names():
        return load_baseline(name_or_path)
    if name_or_path not in published_names():
        known = (*baseline_names(), *published_names())
        raise InputError(
            f"network {name_or_path!r}: is none of {', '.join(known)}; give one of them or a path "
            f"to a .yaml{did_you_mean(name_or_path, known)}"
        )
    members = published(load_baseline(published_baseline(name_or_path)))
    return next(member.baseline for member in members if member.baseline.name == name_or_path)


def load_origin(member: Baseline, source: str) -> Baseline:
    """The baseline that a scaled network was made from: beside the member's own file, or a shipped one.

    Args:
        member: a network with an `origin`.
        source: the name or path that it was loaded by.

    Raises:
        InputError: it was not scaled, its baseline is nowhere to be found, or has other stages.
    """
    if member.origin is None:
        raise InputError(f"{source}: was not scaled from another network; give a member, or multipliers")
    name = member.origin.baseline
    if name == member.name:
        raise InputError(f"{source}: says that it was scaled from itself ({name!r}); name one of the two otherwise")
    beside = Path(source).with_name(f"{name}.yaml")
    if is_path(source) and beside.is_file():
        baseline = load_baseline(str(beside))
    elif name in baseline_names():
        baseline = load_baseline(name)
    else:
        raise InputError(f"{source}: was scaled from {name!r}, which is not shipped; put {beside} beside it")
    kinds = [[stage.kind for stage in one.architecture.stages] for one in (member, baseline)]
    heads = [(one.architecture.head.width is None, one.architecture.in_channels) for one in (member, baseline)]
    if kinds[0] != kinds[1] or heads[0] != heads[1]:
        raise InputError(f"{source}: has other stages than its baseline {name!r}; give the baseline that it is of")
    return baseline
