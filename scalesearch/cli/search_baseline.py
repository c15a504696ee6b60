"""The baseline that a study is given: a shipped one, a file, or a user's own Python function, which is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalesearch.errors import InputError

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from scalesearch.design.images import ImageSize
    from scalesearch.design.scaling import Baseline
    from scalesearch.search.budget import Budget
    from scalesearch.search.factory_grid import FactoryBaseline
    from scalesearch.search.kinds import StudyKind


def check_function_options(baseline: str, cost: str, rounding: str | None) -> None:
    """Refuse options that are for networks of stages only, where the baseline is a Python function.

    Args:
        baseline: `--baseline`.
        cost: the kind of cost that is matched.
        rounding: `--rounding`; None: it was not given.

    Raises:
        InputError: latency was to be matched, or a rounding rule is given.
    """
    from scalesearch.design.baselines import is_factory

    if not is_factory(baseline):
        return
    if cost == "latency":
        raise InputError(
            "--cost latency: is for baseline files, not for a Python function; take --cost activations"
        )
    if rounding is not None:
        raise InputError(f"--rounding {rounding}: {baseline} is a function, which rounds by itself; leave it out")


def load_search_baseline(
    name: str,
    kind: StudyKind,
    phi: Decimal,
    budget: Budget,
    match: str,
    cost: str,
    results: Path,
    resolution_multiple: int | None = None,
    size: ImageSize | None = None,
) -> Baseline | FactoryBaseline:
    """Return the baseline of a study; of a Python function every network that the study needs is counted.

    Args:
        name: a shipped baseline, the path of a baseline file, `timm:NAME` or `MODULE:FUNCTION`.
        kind: the kind of study.
        phi: the compound coefficient.
        budget: the budget, which gives the size of a function's proxies.
        match: whether costs are matched by the px: `flops` or `none`.
        cost: the cost that is matched.
        results: the folder of the studies; one of them may have recorded timm's model.
        resolution_multiple: `--resolution-multiple`; None: any side, or what the baseline file says.
        size: `--resolution`, the size of the baseline's images; None: its own.

    Raises:
        InputError: there is no such baseline, or it is invalid; or the function fails, or a size is given for it.
        SpaceError: studies of this kind are not made with functions, or a multiplier is out of range.
    """
    from scalesearch.cli.definition import load_stage_baseline, size_of_function_error, with_multiple
    from scalesearch.design.baselines import is_factory

    if not is_factory(name):
        _refuse_call(name)
        baseline = load_stage_baseline(name, results)
        return with_multiple(baseline if size is None else baseline.at(size), resolution_multiple)
    if size is not None:
        raise size_of_function_error(size, name)
    return _count(name, kind, phi, budget, match, cost, resolution_multiple or 1)


def _refuse_call(name: str) -> None:
    """Refuse the file of a scaled member of a function's family as a baseline.

    Raises:
        InputError: it is one.
    """
    from scalesearch.design.baselines import is_timm
    from scalesearch.design.factory_call import read_call

    call = None if is_timm(name) else read_call(name)
    if call is not None:
        raise InputError(
            f"{name}: is a scaled call of {call.factory}, and a search scales the function itself; give --baseline "
            f"{call.factory}"
        )


def recount(
    baseline: Baseline | FactoryBaseline, kind: StudyKind, phi: Decimal, budget: Budget, match: str, cost: str
) -> Baseline | FactoryBaseline:
    """Return the baseline of a study for another study of it: of a function, with the networks of that one.

    Args:
        baseline: the study's baseline.
        kind: the other kind of study.
        phi: its compound coefficient.
        budget: its budget.
        match: whether it matches costs by the px: `flops` or `none`.
        cost: the cost that it matches.

    Raises:
        InputError: the function fails, or its source has changed since the study.
        SpaceError: a multiplier is out of range.
    """
    from scalesearch.search.factory_grid import FactoryBaseline

    if not isinstance(baseline, FactoryBaseline):
        return baseline
    function = baseline.architecture.factory
    counted = _count(function, kind, phi, budget, match, cost, baseline.resolution_multiple)
    if counted.fingerprint != baseline.fingerprint:
        raise InputError(f"{function}: its source has changed since the search; restore it")
    return counted


def _count(
    function: str, kind: StudyKind, phi: Decimal, budget: Budget, match: str, cost: str, multiple: int
) -> FactoryBaseline:
    from scalesearch.design.images import check_image_channels
    from scalesearch.nets.factory import load_factory
    from scalesearch.nets.factory_grid import count_function

    factory = load_factory(function)
    check_image_channels(factory.in_channels)
    return count_function(factory, kind, phi, budget, match, cost, multiple)
