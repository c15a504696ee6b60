"""The values that options, files and studies accept for each setting, as one `Literal` type each.

The options of the command line have these types, so that help and completion list the values.
"""

from __future__ import annotations

from typing import Literal

Rounding = Literal["balanced", "paper", "v2", "torchvision", "nearest"]
"""Rules that round scaled widths and depths; see `design.rounding`."""
ScalingRule = Literal["v1", "v2"]
"""Compound scaling as in EfficientNet, and with the two changes of EfficientNetV2; see `design.v2_rule`."""
Match = Literal["flops", "none"]
"""Whether the resolution of each candidate is adjusted so that all candidates have the same measured cost."""
Cost = Literal["macs", "activations", "latency"]
"""The cost that is matched between candidates, as study.json writes it."""
MatchedCost = Literal["flops", "activations", "latency"]
"""The cost that is matched between candidates, as an option of the command line."""
Scheduler = Literal["adaptive", "sequential", "halving", "grid", "curves"]
"""How training is allocated to candidates: further seeds for those that are probably the best (`adaptive`),
sequential halving over seeds (`sequential`), successive halving over rungs (`halving`), all of it to every one
(`grid`), or every rung to every candidate (`curves`)."""
StageScheduler = Literal["halving", "grid"]
"""How training is allocated in a search of stages; see `Scheduler`."""
SchedulerOption = Literal["adaptive", "sequential", "halving", "full", "curves"]
"""The scheduler, as an option of the command line; studies write `full` as `grid`."""
StageSchedulerOption = Literal["halving", "full"]
"""The scheduler of a search of stages, as an option."""
ProxySide = Literal["proportional", "matched"]
"""The side of a candidate's proxy: in proportion to its network's (`proportional`), or the one at which the proxy
costs 2^φ times the baseline's proxy (`matched`)."""
Sampler = Literal["grid", "optuna", "tpe", "gp", "nsga2"]
"""What proposes (α, β): the grid, or a sampler of Optuna."""
StageSampler = Literal["random", "tpe", "evolution", "nsga2"]
"""What proposes networks in a search of stages."""
RewardKind = Literal["flops", "latency", "step"]
"""The cost that a reward weighs accuracy by; see `search.rewards`."""
EmbeddedData = Literal["fractal", "shapes", "digits"]
"""The data sets that need no files: synthetic images, and scikit-learn's digits."""
Runner = Literal["ray", "inline"]
"""Where trials run: on Ray Tune, or in this process."""
Quantity = Literal["macs", "params", "memory_bytes", "seconds"]
"""The quantity that a limit of `solve` applies to, with its unit."""
ExportFormat = Literal["torch", "timm", "torchvision", "onnx", "torch-export"]
"""The formats that a network is exported to."""
TrainingRecipe = Literal["fast", "v1", "paper", "paper-m", "paper-l", "code", "code-m", "code-l", "fine-tuning"]
"""How a member of a family is trained; see `training.recipes`."""
