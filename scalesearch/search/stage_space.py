"""Factorised spaces: every stage of a baseline has its own block, kernel, expansion, squeeze, layers and width.

All blocks of a stage are alike, stages differ (Tan et al. 2019, arXiv 1807.11626, section 4.1). Strides, stem, head
and resolution stay the baseline's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod
from typing import Any

from scalesearch.design.architecture import Architecture, Stage
from scalesearch.design.block_kinds import KINDS, STAGE_KINDS
from scalesearch.design.exact import nearest, plain, whole_or_fraction
from scalesearch.design.scaling import Baseline
from scalesearch.errors import SpaceError
from scalesearch.search.sampler_space import RelativeTime

KEYS = ("kind", "kernel", "expansion", "se", "layers", "width")
"""What is chosen of a stage."""
NAS_KINDS = tuple(name for name in STAGE_KINDS if not KINDS[name].narrows)
"""Block kinds that may be chosen: a bottleneck's width hangs on its expansion."""

_LAYERS = 64
_WIDTHS = (Decimal("0.1"), Decimal(10))


@dataclass(frozen=True, slots=True)
class StageOptions:
    """What a stage may be; of a key with no values the baseline's stage keeps its own."""

    kind: tuple[str, ...] = ()
    kernel: tuple[int, ...] = ()
    expansion: tuple[int, ...] = ()
    se: tuple[Decimal, ...] = ()
    layers: tuple[int, ...] = ()
    """Added to the baseline's; a stage has at least one."""
    width: tuple[Decimal, ...] = ()
    """Times the baseline's, rounded as its file says."""
    se_kinds: tuple[str, ...] = ()
    """The block kinds that have squeeze-and-excitation; none given: all that know it."""

    def __post_init__(self) -> None:
        for key in (*KEYS, "se_kinds"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise SpaceError(f"{key} is {_list(values)}, but a value stands twice")
        low, high = _WIDTHS
        rules: dict[str, tuple[Callable[[Any], bool], str]] = {
            "kind": (lambda one: one in NAS_KINDS, f"one of {', '.join(NAS_KINDS)}"),
            "se_kinds": (lambda one: one in NAS_KINDS, f"one of {', '.join(NAS_KINDS)}"),
            "kernel": (lambda one: 1 <= one <= 15 and one % 2 == 1, "odd, in 1 … 15"),
            "expansion": (lambda one: 1 <= one <= 64, "in 1 … 64"),
            "se": (lambda one: 0 <= one <= 1, "a share, in 0 … 1"),
            "layers": (lambda one: abs(one) <= _LAYERS, f"in −{_LAYERS} … {_LAYERS}"),
            "width": (lambda one: low <= one <= high, f"a multiple, in {low} … {high}"),
        }
        for key, (allowed, words) in rules.items():
            for one in getattr(self, key):
                if not allowed(one):
                    raise SpaceError(f"{key} has {_word(one)}, but each must be {words}")


def _list(values: tuple[object, ...]) -> str:
    return f"[{', '.join(map(_word, values))}]"


def _word(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True)
class StageSpace:
    """What every stage may be, and which baseline the choices are meant for."""

    name: str
    source: str
    baseline: str
    """The name of a shipped baseline: what is searched where the user names none."""
    every: StageOptions
    stages: tuple[StageOptions, ...] = ()
    """One for each stage, in place of `every`; none: all have the same choices."""


@dataclass(frozen=True, slots=True)
class StageChoice:
    """What one stage became."""

    kind: str
    kernel: int
    expansion: int | Decimal
    se: Decimal
    layers: int
    width: Decimal


@dataclass(frozen=True, slots=True)
class StagePoint:
    """A point of the space: a choice for every stage."""

    choices: tuple[StageChoice, ...]
    time: RelativeTime | None = None
    """Of its network, where the reward has one."""

    @property
    def latency(self) -> float | None:
        """Seconds that were measured of its network."""
        return None if self.time is None else self.time.seconds


def options(space: StageSpace, baseline: Baseline) -> tuple[dict[str, tuple[str, ...]], ...]:
    """For every stage of the baseline the words that each key may have.

    Raises:
        SpaceError: the space does not fit the baseline.
    """
    stages = baseline.architecture.stages
    if space.stages and len(space.stages) != len(stages):
        raise SpaceError(
            f"space {space.name} has choices for {len(space.stages)} stages, but {baseline.name} has {len(stages)}"
        )
    every = space.stages or (space.every,) * len(stages)
    return tuple(_options(own, stage) for own, stage in zip(every, stages, strict=True))


def _options(own: StageOptions, stage: Stage) -> dict[str, tuple[str, ...]]:
    if not own.kind and KINDS[stage.kind].narrows:
        raise SpaceError(f"stage: kind is {stage.kind}, which cannot be varied; give the space a list of kinds")
    kept = {
        "kind": stage.kind,
        "kernel": stage.kernel,
        "expansion": stage.expansion,
        "se": stage.se,
        "layers": 0,
        "width": Decimal(1),
    }
    return {key: tuple(map(_word, getattr(own, key) or (kept[key],))) for key in KEYS}


def parse_choice(words: dict[str, str]) -> StageChoice:
    """A stage's choice from the words of each key."""
    return StageChoice(
        words["kind"],
        int(words["kernel"]),
        whole_or_fraction(Decimal(words["expansion"])),
        Decimal(words["se"]),
        int(words["layers"]),
        Decimal(words["width"]),
    )


def format_choice(choice: StageChoice) -> dict[str, str]:
    """The way back."""
    return {key: _word(getattr(choice, key)) for key in KEYS}


def size(space: StageSpace, baseline: Baseline) -> int:
    """How many points there are; some mean the same network."""
    return prod(len(words) for stage in options(space, baseline) for words in stage.values())


def network_of(space: StageSpace, baseline: Baseline, point: StagePoint) -> Architecture:
    """The network that a point means.

    What a block kind does not know (a plain convolution's expansion, say) is left out, so several points may mean
    one network.
    """
    own = baseline.architecture
    every = space.stages or (space.every,) * len(own.stages)
    triples = zip(every, own.stages, point.choices, strict=True)
    stages = tuple(_stage(choices, stage, choice, baseline) for choices, stage, choice in triples)
    return replace(own, stages=stages)


def _stage(choices: StageOptions, stage: Stage, choice: StageChoice, baseline: Baseline) -> Stage:
    kind = KINDS[choice.kind]
    squeezes = kind.squeezes and choice.kind in (choices.se_kinds or NAS_KINDS)
    return Stage(
        choice.kind,
        choice.kernel,
        stage.stride,
        _expansion(choice.expansion, choice.kind),
        baseline.rounding.width(stage.width, choice.width),
        max(1, stage.depth + choice.layers),
        choice.se if squeezes else Decimal(0),
        stage.depth_fixed,
        stage.activation,
        stage.gate if squeezes and choice.se and kind.rounds else None,
        start_kernel=stage.start_kernel if kind.starts else 1,
    )


def _expansion(chosen: int | Decimal, kind: str) -> int | Decimal:
    """What a kind makes of a chosen expansion: itself, the nearest whole number, or 1."""
    if not KINDS[kind].expands:
        return 1
    return chosen if KINDS[kind].rounds or isinstance(chosen, int) else nearest(chosen)


def describe_stages(network: Architecture) -> Iterator[str]:
    """Each stage in short: `mbconv5 e6 se.25 40×3`; `uib3+5 e4 96×1` where a kernel comes before the expansion."""
    for stage in network.stages:
        kind = KINDS[stage.kind]
        expansion = f" e{stage.expansion}" if kind.expands else ""
        squeeze = f" se{plain(stage.se).lstrip('0')}" if stage.se else ""
        start = f"{stage.start_kernel}+" if stage.start_kernel > 1 else ""
        yield f"{stage.kind}{start}{stage.kernel}{expansion}{squeeze} {stage.width}×{stage.depth}"
