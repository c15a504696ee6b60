"""Load a network: a shipped baseline, a published member of its family, or a user's file."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.baselines import baseline_names, is_factory, is_path, load_baseline
from scalesearch.design.family import published, published_baseline, published_names
from scalesearch.design.scaling import Baseline
from scalesearch.errors import InputError, did_you_mean


def load_network(name_or_path: str) -> Baseline:
    """Return the shipped baseline or published member of that name, or the network in that file.

    A published member (`b4`, `efficientnet_v2_b2`) has its `origin`, as a member that was read from a file has.

    Raises:
        InputError: there is no such network or file, the file is invalid (`file:line: key: reason`), or the network
            is of a Python function.
    """
    if is_path(name_or_path) or name_or_path in baseline_names():
        return load_baseline(name_or_path)
    if is_factory(name_or_path):
        raise InputError(
            f"network {name_or_path!r}: is a Python function, but a network of stages is needed here; give a name "
            "or a baseline file"
        )
    if name_or_path not in published_names():
        known = (*baseline_names(), *published_names())
        raise InputError(
            f"network {name_or_path!r}: is none of {', '.join(known)}; give one of them or a path "
            f"to a .yaml{did_you_mean(name_or_path, known)}"
        )
    members = published(load_baseline(published_baseline(name_or_path)))
    return next(member.baseline for member in members if member.baseline.name == name_or_path)


def load_origin(member: Baseline, source: str) -> Baseline:
    """Return the baseline that a scaled network was made from.

    The baseline is a file in the folder of the member's file, or else a shipped one.

    Args:
        member: a network with an `origin`.
        source: the name or path that it was loaded by.

    Raises:
        InputError: the network was not scaled, or its baseline was not found or has other stages.
    """
    if member.origin is None:
        raise InputError(f"{source}: was not scaled from another network; give a member, or multipliers")
    name = member.origin.baseline
    if name == member.name:
        raise InputError(f"{source}: says that it was scaled from itself ({name!r}); name one of the two otherwise")
    path = Path(source).with_name(f"{name}.yaml")
    if is_path(source) and path.is_file():
        baseline = load_baseline(str(path))
    elif name in baseline_names():
        baseline = load_baseline(name)
    else:
        raise InputError(f"{source}: was scaled from {name!r}, which is not shipped; put {path} beside it")
    kinds = [[stage.kind for stage in net.architecture.stages] for net in (member, baseline)]
    heads = [(net.architecture.head.width is None, net.architecture.in_channels) for net in (member, baseline)]
    if kinds[0] != kinds[1] or heads[0] != heads[1]:
        raise InputError(f"{source}: has other stages than its baseline {name!r}; give the baseline that it is of")
    return baseline
