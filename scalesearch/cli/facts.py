"""The output of each command with `--json`: one dataclass per command, and `OUTPUTS`, which names them.

The output, the JSON Schemas in docs/schema and the tables of docs/json.md are made from these classes. Multipliers
are what the baseline is multiplied by before rounding. `px` is the size of the input in pixels: the side of a
square as a number, or "HEIGHTxWIDTH".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from scalesearch import choices
from scalesearch.design.coefficients import Coefficients

Cell = float | str | None
Px = int | str
"""The side of a square image in px, or the size of another as "HEIGHTxWIDTH"."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The base of all objects in the output."""

    __pydantic_config__: ClassVar = {"use_attribute_docstrings": True, "extra": "forbid"}
    """How JSON Schemas are made: docstrings are descriptions, and no other keys are allowed."""


@dataclass(frozen=True, slots=True)
class CoefficientFacts(Facts):
    """What one unit of φ multiplies by."""

    alpha: float
    """Depth."""
    beta: float
    """Width."""
    gamma: float
    """Resolution."""

    @classmethod
    def of(cls, coefficients: Coefficients) -> CoefficientFacts:
        """Return the coefficients as numbers for JSON."""
        return cls(float(coefficients.alpha), float(coefficients.beta), float(coefficients.gamma))


@dataclass(frozen=True, slots=True)
class CostFacts(Facts):
    """What `cost` prints."""

    name: str
    """The network's name."""
    macs: int
    """Most multiply-adds of one image."""
    params: int
    """Trainable parameters."""
    activations: int
    """Elements of the outputs of convolutions and linear layers, for one image."""
    memory_bytes: int
    """Training memory of a batch, an estimate: weights, gradients, momentum and stored activations in float32."""
    batch: int
    """Images of that batch."""
    resolution: Px
    """Size of the input in px: the side of a square, or "HEIGHTxWIDTH"."""
    depth: float
    """Multiplier of the layers."""
    width: float
    """Multiplier of the channels."""
    nominal_flops_ratio: float
    """d·w²·r² of the multipliers, to six places."""
    flops_ratio: float
    """Multiply-adds over the baseline's, to six places."""
    deployed_macs: int | None
    """Multiply-adds of the form that is deployed, where that is another than the trained one."""
    deployed_params: int | None
    """Parameters of the deployed form."""
    backbone_macs: int | None
    """Multiply-adds of stem and stages, without head and classifier; none for a network of a function."""
    backbone_params: int | None
    """Parameters of stem and stages."""


@dataclass(frozen=True, slots=True)
class FvcoreFacts(Facts):
    """What fvcore counts."""

    by_operator: dict[str, int]
    """Operations by fvcore's name of the operator."""
    total: int
    """Their sum."""
    uncounted_operators: dict[str, int]
    """How often operators occur that fvcore does not count."""


@dataclass(frozen=True, slots=True)
class ConventionFacts(Facts):
    """One figure in the conventions of several counters."""

    multiply_adds: int
    """As the EfficientNet paper counts."""
    flops: int
    """FLOPs where a multiply-add is two."""
    fvcore_total: int
    """What fvcore shows for the network."""
    fvcore_total_with_adaptive_pooling: int
    """What fvcore shows where the network pools by `adaptive_avg_pool2d`."""
    torch_flop_counter: int
    """What torch's `FlopCounterMode` shows."""


@dataclass(frozen=True, slots=True)
class GroupFacts(Facts):
    """Layers that are counted together."""

    name: str
    """The stage, or the kind of layer."""
    layers: int
    """How many layers there are."""
    macs: int
    """Their multiply-adds for one image."""
    params: int
    """Their trainable parameters."""


@dataclass(frozen=True, slots=True)
class LayerFacts(Facts):
    """One layer."""

    block: str
    """The block's name, such as `stages.3.1`."""
    role: str
    """What the layer is for in its block, such as `expand`."""
    kind: str
    """The kind of layer, such as `depthwise conv`."""
    macs: int
    """Its multiply-adds for one image."""
    params: int
    """Its trainable parameters."""


@dataclass(frozen=True, slots=True)
class BreakdownFacts(CostFacts):
    """What `cost --breakdown` prints: the same, and the layers."""

    fvcore: FvcoreFacts
    """What fvcore counts of the built network."""
    conventions: ConventionFacts
    """The sum in the conventions of several counters."""
    by_kind: tuple[GroupFacts, ...]
    """Sums by kind of layer."""
    by_stage: tuple[GroupFacts, ...]
    """Sums by stage."""
    layers: tuple[LayerFacts, ...]
    """Every layer, in the order in which data meets them."""


@dataclass(frozen=True, slots=True)
class LimitFacts(Facts):
    """One limit, and what the member takes of it."""

    option: str
    """The option that set it, such as `--max-flops`."""
    quantity: choices.Quantity
    """What is limited, with its unit."""
    name: str
    """The same in words, with the batch or the device."""
    at_most: float
    """The limit."""
    used: float
    """What the member has."""
    binds: bool
    """Whether the next larger member breaks it."""


@dataclass(frozen=True, slots=True)
class LargerFacts(Facts):
    """The member with the next more multiply-adds."""

    phi: float
    """Its compound coefficient."""
    macs: int
    """Its multiply-adds for one image."""
    params: int
    """Its trainable parameters."""


@dataclass(frozen=True, slots=True)
class SolveFacts(Facts):
    """What `solve` prints: the largest member of a family that keeps all limits."""

    baseline: str
    """What is scaled."""
    coefficients: CoefficientFacts
    """The family's."""
    rounding: str
    """The rule by which widths and depths are rounded."""
    phi: float
    """The member's compound coefficient, in thousandths."""
    depth: float
    """Multiplier of the layers: α^φ."""
    width: float
    """Multiplier of the channels: β^φ."""
    px: Px
    """Side of the input."""
    flops_ratio: float
    """Multiply-adds over the baseline's."""
    macs: int
    """Most multiply-adds of one image."""
    params: int
    """Trainable parameters."""
    activations: int
    """Elements of the outputs of convolutions and linear layers, for one image."""
    depths: tuple[int, ...]
    """Layers of each stage; empty for a network of a function."""
    widths: tuple[int, ...]
    """Channels of the stem, of each stage, and of the head where it has a width; empty for a function."""
    limits: tuple[LimitFacts, ...]
    """The limits that were given."""
    next_larger: LargerFacts | None
    """The next larger member, which breaks a limit; null: this is the largest that is looked at."""
    file: str | None
    """The file that `--out` wrote, a baseline file or a call; null without it."""


@dataclass(frozen=True, slots=True)
class DimensionFacts(Facts):
    """How far one dimension is scaled."""

    multiplier: float
    """What the baseline's is multiplied by; of the resolution px over px."""
    coefficient: float
    """What one unit of φ multiplies it by."""
    phi: float | None
    """The φ that gives the multiplier; null where the coefficient is 1."""
    phi_range: tuple[float | None, float | None] | None
    """The lowest and highest φ that give it, rounded to tenths, the resolution to 4 px; null: none does. An end
    that is null has no bound."""


@dataclass(frozen=True, slots=True)
class StageFacts(Facts):
    """One stage before and after scaling. Depth is applied first, then width, then resolution."""

    name: str
    """Such as `stages.3`."""
    kind: str
    """The kind of block, or the class of the submodule."""
    layers: int
    """Blocks of the baseline; in a submodule of a function, convolutions and linear layers."""
    scaled_layers: int
    """Blocks of the member."""
    channels: int
    """Output channels of the baseline."""
    scaled_channels: int
    """Output channels of the member."""
    px: Px
    """Side of the stage's input in the baseline."""
    scaled_px: Px
    """Side of the stage's input in the member."""
    macs: int
    """Multiply-adds of the baseline."""
    macs_by_depth: int
    """Multiply-adds that depth adds."""
    macs_by_width: int
    """Multiply-adds that width adds."""
    macs_by_resolution: int
    """Multiply-adds that resolution adds."""
    scaled_macs: int
    """Multiply-adds of the member."""


@dataclass(frozen=True, slots=True)
class AtOneFacts(Facts):
    """The member of the same family at φ = 1."""

    depth: float
    """Multiplier of the layers."""
    width: float
    """Multiplier of the channels."""
    px: Px
    """Side of the input."""
    macs: int
    """Most multiply-adds of one image."""
    flops_ratio: float
    """Multiply-adds over the baseline's."""
    twin: str | None
    """The published member with the same layers and channels; null: none has them."""


@dataclass(frozen=True, slots=True)
class ExplainFacts(Facts):
    """What `explain` prints: a scaled network beside its baseline."""

    baseline: str
    """What was scaled."""
    member: str
    """The scaled network."""
    rounding: str
    """The rule by which its widths and depths are rounded."""
    px: Px
    """Side of the member's input."""
    macs: int
    """Multiply-adds of the member for one image."""
    flops_ratio: float
    """Multiply-adds over the baseline's."""
    measured_phi: float
    """log₂ of that ratio."""
    depth: DimensionFacts
    """Layers."""
    width: DimensionFacts
    """Channels."""
    resolution: DimensionFacts
    """Side of the input."""
    common_phi_range: tuple[float | None, float | None] | None
    """The lowest and highest φ that give all three dimensions, rounded as above; null: none does."""
    macs_by_depth: int
    """Multiply-adds that depth adds. Depth is applied first, then width, then resolution."""
    macs_by_width: int
    """Multiply-adds that width adds."""
    macs_by_resolution: int
    """Multiply-adds that resolution adds."""
    stages: tuple[StageFacts, ...]
    """Every stage, with stem, head and classifier; of a function, the submodules of its network."""
    at_phi_1: AtOneFacts
    """What φ = 1 gives by the member's rounding."""


@dataclass(frozen=True, slots=True)
class MemberFacts(Facts):
    """One network of a family."""

    name: str
    """Such as `b1`."""
    phi: float | None
    """The compound coefficient; null: the publication's multipliers are of no one φ."""
    depth: float
    """Multiplier of the layers."""
    width: float
    """Multiplier of the channels."""
    px: Px
    """Side of the input."""
    resolution_multiplier: float
    """px over the baseline's, to five places."""
    implied_gamma: float | None
    """The φ-th root of that, to five places; null without φ, and at φ = 0."""
    nominal_flops_ratio: float
    """d·w²·r² of the multipliers, to five places."""
    flops_ratio: float
    """Multiply-adds over the baseline's, to five places."""
    matched: bool
    """Whether the measured cost is within 5 % of 2^φ; without φ, of the nominal ratio."""
    macs: int
    """Most multiply-adds of one image."""
    params: int
    """Trainable parameters."""
    activations: int
    """Elements of the outputs of convolutions and linear layers, for one image."""
    depths: tuple[int, ...]
    """Layers of each stage; empty for a network of a function."""
    widths: tuple[int, ...]
    """Channels of the stem, of each stage, and of the head where it has a width; empty for a function."""


@dataclass(frozen=True, slots=True)
class NetworkFacts(Facts):
    """One network."""

    name: str
    """The network's name."""
    px: int
    """Side of the input."""
    macs: int
    """Most multiply-adds of one image."""
    params: int
    """Trainable parameters."""
    activations: int
    """Elements of the outputs of convolutions and linear layers, for one image."""
    depths: tuple[int, ...]
    """Layers of each stage; empty for a network of a function."""
    widths: tuple[int, ...]
    """Channels of the stem, of each stage, and of the head where it has a width; empty for a function."""


@dataclass(frozen=True, slots=True)
class BesideFacts(Facts):
    """A published network, and what the rule gives at its cost."""

    phi: float
    """At which 2^φ is the published cost over the baseline's, to two places."""
    by_rule: NetworkFacts
    """What the rule gives."""
    published: NetworkFacts
    """The network as published."""


@dataclass(frozen=True, slots=True)
class FamilyFacts(Facts):
    """What `family` prints."""

    baseline: str
    """What is scaled."""
    coefficients: CoefficientFacts | None
    """The family's; null: the members are as published."""
    rounding: str
    """The rule by which widths and depths are rounded; `function`: the function's own."""
    match: choices.Match | None
    """Whether each member's px is set so that it costs 2^φ; null: the members are as published."""
    rule: choices.ScalingRule | None
    """The scaling rule; null: the members are as published."""
    members: tuple[MemberFacts, ...]
    """The baseline and its members; empty where larger networks were published that no multipliers give."""
    beside: tuple[BesideFacts, ...]
    """Those larger networks; empty otherwise."""
    files: tuple[str, ...]
    """The files that `--out` wrote: baseline files, or calls of a function; empty without it."""


@dataclass(frozen=True, slots=True)
class ShowFacts(Facts):
    """What `show` prints of a study."""

    study: str
    """The folder."""
    baseline: str
    """What is scaled, or whose stages are searched."""
    phi: float
    """The compound coefficient."""
    cost: choices.Cost
    """What is matched."""
    metric: str
    """What candidates are ranked by."""
    trials: int
    """Finished trials."""
    total_trials: int
    """All trials, as far as they are known."""
    finished: bool
    """Whether nothing is left to run."""
    resume_command: str | None
    """The command that runs the rest; null: the study is finished."""
    recommended: str | None
    """The recommended candidate, or the best rule or network; null: no candidate has a completed trial."""
    candidates: tuple[dict[str, Cell], ...]
    """Every candidate, best first, with the columns of report.csv, not rounded; empty while none has a completed
    trial."""
    winner: dict[str, object] | None
    """The content of winner.yaml; null: no candidate has a completed trial."""
    left_behind: tuple[str, ...]
    """By halving, a sentence a rung on which candidates were left."""
    unmatched: tuple[str, ...]
    """A sentence for each network that no resolution brings to the wanted cost."""
    summary: tuple[str, ...]
    """The last lines of the answer in words."""


@dataclass(frozen=True, slots=True)
class TimedFacts(Facts):
    """One network's time."""

    name: str
    """The network's name."""
    resolution: Px
    """Size of the input in px: the side of a square, or "HEIGHTxWIDTH"."""
    params: int
    """Trainable parameters."""
    macs: int
    """Most multiply-adds of one image."""
    seconds: float
    """Median time of a pass."""
    quartiles_apart: float
    """Seconds from the first to the third quartile."""
    speed_up: float
    """The reference's time over this one's: the median of the ratios within a turn."""


@dataclass(frozen=True, slots=True)
class MeasuredFacts(Facts):
    """All networks on one device with one batch."""

    device: Literal["cpu", "cuda"]
    """Where they ran."""
    threads: int | None
    """Threads of the CPU; null on a GPU."""
    batch: int
    """Images of a pass."""
    networks: tuple[TimedFacts, ...]
    """The networks in their order, the reference first."""


@dataclass(frozen=True, slots=True)
class LatencyFacts(Facts):
    """What `latency` prints."""

    reference: str
    """The network that speed-ups are over."""
    runs: int
    """Turns of each network."""
    warm_ups: int
    """Runs of each network before the first turn."""
    environment: dict[str, str]
    """Versions, processor, cores and GPU."""
    measured: tuple[MeasuredFacts, ...]
    """A device and a batch each."""


@dataclass(frozen=True, slots=True)
class BuiltFacts(Facts):
    """A stage as it is built here."""

    px: int
    """Side of its input."""
    channels: int
    """Output channels."""
    layers: int
    """Blocks."""


@dataclass(frozen=True, slots=True)
class Table1Facts(Facts):
    """A row of Table 1, a stage of EfficientNet-B0."""

    operator: str
    """As printed."""
    px: int
    """Side of its input, as printed."""
    channels: int
    """As printed."""
    layers: int
    """As printed."""
    counted: BuiltFacts
    """The same as built."""
    macs: int
    """Counted multiply-adds of one image."""
    params: int
    """Counted trainable parameters."""


@dataclass(frozen=True, slots=True)
class FigureFacts(Facts):
    """A printed figure and its count."""

    printed: str | None
    """As printed, in `unit`; null: nothing is printed."""
    unit: int
    """What the printed figure is a multiple of."""
    counted: int | None
    """The exact count; null: the network is no baseline here."""
    delta: float | None
    """Count over print, less 1; 0 where the count rounds to the print; null where one is missing."""


@dataclass(frozen=True, slots=True)
class Table2Facts(Facts):
    """A row of Table 2; ratios are over the EfficientNet that it stands beside."""

    name: str
    """The network."""
    beside: str
    """That EfficientNet."""
    top1: str
    """Top-1 accuracy in percent, as printed."""
    params: FigureFacts
    """Trainable parameters."""
    macs: FigureFacts
    """Most multiply-adds of one image."""
    params_ratio: float | None
    """Ratio of the parameters."""
    macs_ratio: float | None
    """Ratio of the multiply-adds."""
    note: str
    """Why print and count differ; empty where they do not."""


@dataclass(frozen=True, slots=True)
class VariantFacts(Facts):
    """A row of Table 3 or 7; ratios are over the unscaled row."""

    baseline: str
    """What is scaled."""
    variant: str
    """The dimension that is scaled, `baseline` or `compound`."""
    depth: float
    """Multiplier of the layers."""
    width: float
    """Multiplier of the channels."""
    resolution: float
    """Multiplier of the side."""
    px: int
    """Side of the input."""
    top1: str
    """Top-1 accuracy in percent, as printed."""
    params: int
    """Counted trainable parameters."""
    macs: FigureFacts
    """Most multiply-adds of one image."""
    printed_ratio: float
    """Ratio of the printed multiply-adds."""
    counted_ratio: float
    """Ratio of the counted ones."""
    note: str
    """Why print and count differ; empty where they do not."""


@dataclass(frozen=True, slots=True)
class TablesFacts(Facts):
    """What `tables` prints: Tables 1, 2, 3 and 7 of the EfficientNet paper."""

    table_1: tuple[Table1Facts, ...]
    """EfficientNet-B0, a stage a row."""
    table_2: tuple[Table2Facts, ...]
    """The EfficientNets beside other networks."""
    table_3: tuple[VariantFacts, ...]
    """MobileNets and ResNet-50 scaled."""
    table_7: tuple[VariantFacts, ...]
    """B0 scaled."""


@dataclass(frozen=True, slots=True)
class RerunFacts(Facts):
    """A trial that was trained again."""

    trial: str
    """Its id."""
    agrees: bool
    """Whether it came to the same, to the bit or in another environment within the noise."""
    difference: str | None
    """What came out otherwise; null: nothing."""


@dataclass(frozen=True, slots=True)
class VerifyFacts(Facts):
    """What `verify` prints of a study."""

    study: str
    """The folder."""
    agrees: bool
    """Whether nothing was found; otherwise the exit code is 1."""
    disagreements: tuple[str, ...]
    """A sentence for each thing that is wrong."""
    records: int | None
    """Records of the study; null where something is wrong with its files."""
    total_trials: int | None
    """All trials, as far as they are known; null where something is wrong with its files."""
    other_environment: str | None
    """How this environment differs from that of the records, so that scores were compared and not bits; null
    without `--rerun`, and where it does not."""
    reruns: tuple[RerunFacts, ...]
    """The trials that were trained again; empty without `--rerun`."""


OUTPUTS: dict[str, type[Facts]] = {
    "cost": CostFacts,
    "cost --breakdown": BreakdownFacts,
    "explain": ExplainFacts,
    "solve": SolveFacts,
    "family": FamilyFacts,
    "latency": LatencyFacts,
    "tables": TablesFacts,
    "show": ShowFacts,
    "verify": VerifyFacts,
}
"""By command, the class of what it prints with `--json`."""
