"""Defines factorised search spaces, in which every stage of a baseline has its own block, kernel, expansion,
squeeze-and-excitation, layers and width.

All blocks of a stage are equal, stages differ (Tan et al. 2019, arXiv 1807.11626, section 4.1). Strides, stem, head
and resolution are those of the baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from typing import Any

from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS
from scalesearch.design.decimals import format_decimal, nearest, whole_or_fraction
from scalesearch.design.gates import GATES, GateName
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.search.sampler_space import RelativeTime

KEYS = ("kind", "kernel", "expansion", "se", "layers", "width")
"""The options of a stage."""
NAS_KINDS = tuple(name for name in STAGE_KINDS if not KINDS[name].narrows)
"""The block kinds that may be chosen; bottlenecks are left out, since their width depends on the expansion."""

_LAYERS = 64
_WIDTHS = (Decimal("0.1"), Decimal(10))


@dataclass(frozen=True, slots=True)
class StageOptions:
    """Lists the allowed values of a stage's options; for an option without values the baseline's is used."""

    kind: tuple[str, ...] = ()
    kernel: tuple[int, ...] = ()
    expansion: tuple[int, ...] = ()
    se: tuple[Decimal, ...] = ()
    layers: tuple[int, ...] = ()
    """Numbers of layers that are added to the baseline's; a stage has at least one layer."""
    width: tuple[Decimal, ...] = ()
    """Multiples of the baseline's width, rounded as its file says."""
    se_kinds: tuple[str, ...] = ()
    """The block kinds that have squeeze-and-excitation; empty: all that support it."""

    def __post_init__(self) -> None:
        for key in (*KEYS, "se_kinds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise SpaceError(f"{key} is {_format_list(values)}, but a value stands twice")
        low, high = _WIDTHS
        rules: dict[str, tuple[Callable[[Any], bool], str]] = {
            "kind": (lambda value: value in NAS_KINDS, f"one of {', '.join(NAS_KINDS)}"),
            "se_kinds": (lambda value: value in NAS_KINDS, f"one of {', '.join(NAS_KINDS)}"),
            "kernel": (lambda value: 1 <= value <= 15 and value % 2 == 1, "odd, in 1 … 15"),
            "expansion": (lambda value: 1 <= value <= 64, "in 1 … 64"),
            "se": (lambda value: 0 <= value <= 1, "a share, in 0 … 1"),
            "layers": (lambda value: abs(value) <= _LAYERS, f"in −{_LAYERS} … {_LAYERS}"),
            "width": (lambda value: low <= value <= high, f"a multiple, in {low} … {high}"),
        }
        for key, (allowed, requirement) in rules.items():
            for value in getattr(self, key):
                if not allowed(value):
                    raise SpaceError(f"{key} has {_format_value(value)}, but each must be {requirement}")


def _format_list(values: tuple[object, ...]) -> str:
    return f"[{', '.join(map(_format_value, values))}]"


def _format_value(value: object) -> str:
    return format_decimal(value) if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True)
class StageSpace:
    """Holds the options of every stage, and the baseline that they are meant for."""

    name: str
    source: str
    baseline: str
    """The name of a shipped baseline, which is searched where the user names none."""
    every: StageOptions
    stages: tuple[StageOptions, ...] = ()
    """The options of each stage, in place of `every`; empty: all stages have the same options."""


@dataclass(frozen=True, slots=True)
class StageChoice:
    """Holds the values that were chosen for one stage."""

    kind: str
    kernel: int
    expansion: int | Decimal
    se: Decimal
    layers: int
    width: Decimal


@dataclass(frozen=True, slots=True)
class StagePoint:
    """Holds a point of the space: a choice for every stage."""

    choices: tuple[StageChoice, ...]
    time: RelativeTime | None = None
    """The measured time of the network, where the reward uses one."""

    @property
    def latency(self) -> float | None:
        """The measured seconds of the network; None: not measured."""
        return None if self.time is None else self.time.seconds


def options(space: StageSpace, baseline: Baseline) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Return, for every stage of the baseline, the allowed values of each key as text.

    Raises:
        SpaceError: the space does not fit the baseline.
    """
    stages = baseline.architecture.stages
    if space.stages and len(space.stages) != len(stages):
        raise SpaceError(
            f"space {space.name} has choices for {len(space.stages)} stages, but {baseline.name} has {len(stages)}"
        )
    stage_options = space.stages or (space.every,) * len(stages)
    return tuple(_options(allowed, stage) for allowed, stage in zip(stage_options, stages, strict=True))


def _options(allowed: StageOptions, stage: Stage) -> dict[str, tuple[str, ...]]:
    if not allowed.kind and KINDS[stage.kind].narrows:
        raise SpaceError(f"stage: kind is {stage.kind}, which cannot be varied; give the space a list of kinds")
    default = {
        "kind": stage.kind,
        "kernel": stage.kernel,
        "expansion": stage.expansion,
        "se": stage.se,
        "layers": 0,
        "width": Decimal(1),
    }
    return {key: tuple(map(_format_value, getattr(allowed, key) or (default[key],))) for key in KEYS}


def parse_choice(values: dict[str, str]) -> StageChoice:
    """Create a stage's choice from the text value of each key."""
    return StageChoice(
        values["kind"],
        int(values["kernel"]),
        whole_or_fraction(Decimal(values["expansion"])),
        Decimal(values["se"]),
        int(values["layers"]),
        Decimal(values["width"]),
    )


def format_choice(choice: StageChoice) -> dict[str, str]:
    """Return the text value of each key of a choice; the inverse of `parse_choice`."""
    return {key: _format_value(getattr(choice, key)) for key in KEYS}


def size(space: StageSpace, baseline: Baseline) -> int:
    """Return the number of points of the space; some give the same network."""
    return prod(len(values) for stage in options(space, baseline) for values in stage.values())


def network_of(space: StageSpace, baseline: Baseline, point: StagePoint) -> Architecture:
    """Build the network of a point.

    Options that a block kind does not have (such as the expansion of a plain convolution) are ignored, so several
    points may give the same network.
    """
    architecture = baseline.architecture
    stage_options = space.stages or (space.every,) * len(architecture.stages)
    combined = zip(stage_options, architecture.stages, point.choices, strict=True)
    stages = tuple(_build_stage(allowed, stage, choice, baseline) for allowed, stage, choice in combined)
    return replace(architecture, stages=stages)


def _build_stage(allowed: StageOptions, stage: Stage, choice: StageChoice, baseline: Baseline) -> Stage:
    kind = KINDS[choice.kind]
    has_gate = stage.gate in kind.gates and stage.gate is not None and GATES[stage.gate].has_share
    # Where a space names no kinds, se is for those that expand, and for those whose gate the baseline's stage has.
    takes_se = choice.kind in allowed.se_kinds if allowed.se_kinds else kind.expands or has_gate
    has_se = (kind.squeezes or has_gate) and takes_se
    return Stage(
        choice.kind,
        choice.kernel,
        stage.stride,
        _expansion(choice.expansion, choice.kind),
        baseline.rounding.width(stage.width, choice.width),
        max(1, stage.depth + choice.layers),
        choice.se if has_se else Decimal(0),
        stage.depth_fixed,
        stage.activation,
        _gate(stage, choice, has_se),
        start_kernel=stage.start_kernel if kind.starts else 1,
        shortcut=stage.shortcut if kind.projects else None,
        residual=stage.residual or not kind.adds_input,
        antialias=stage.antialias if kind.smooths else None,
        kernel_count=stage.kernel_count if kind.mixes else 1,
        expand_groups=stage.expand_groups if kind.mixes else 1,
        project_groups=stage.project_groups if kind.mixes else 1,
    )


def _gate(stage: Stage, choice: StageChoice, has_se: bool) -> GateName | None:
    """Return the stage's gate, if the chosen kind has it and it has the size that it needs."""
    if stage.gate not in KINDS[choice.kind].gates or stage.gate is None:
        return None
    return stage.gate if not GATES[stage.gate].has_share or (has_se and choice.se) else None


def _expansion(expansion: int | Decimal, kind: str) -> int | Decimal:
    """Return the expansion that a block kind uses: the chosen one, the nearest whole number, or 1."""
    if not KINDS[kind].expands:
        return 1
    return expansion if KINDS[kind].rounds or isinstance(expansion, int) else nearest(expansion)


def describe_stages(network: Architecture) -> Iterator[str]:
    """Yield each stage in short: `mbconv5 e6 se.25 40×3`; `uib3+5 e4 96×1` with a kernel before the expansion."""
    for stage in network.stages:
        kind = KINDS[stage.kind]
        expansion = f" e{stage.expansion}" if kind.expands else ""
        se = f" se{format_decimal(stage.se).lstrip('0')}" if stage.se else ""
        start_kernel = f"{stage.start_kernel}+" if stage.start_kernel > 1 else ""
        kernels = ".".join(map(str, stage.kernels))
        yield f"{stage.kind}{start_kernel}{kernels}{expansion}{se} {stage.width}×{stage.depth}"
