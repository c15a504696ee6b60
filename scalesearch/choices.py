"""The names that options, files and studies choose from, each list in one place.

Options of the command line have these types, so that help and completion list the values.
"""

from __future__ import annotations

from typing import Literal

Rounding = Literal["balanced", "paper", "v2", "torchvision", "nearest"]
"""Rules for scaled widths and depths; see `design.rounding`."""
ScalingRule = Literal["v1", "v2"]
"""Compound scaling as in EfficientNet, and with EfficientNetV2's two changes; see `design.v2_rule`."""
Match = Literal["flops", "none"]
"""Whether candidates are given equal measured cost by their resolution."""
Cost = Literal["macs", "activations", "latency"]
"""What is matched, as studies are written."""
MatchedCost = Literal["flops", "activations", "latency"]
"""The same as an option."""
Scheduler = Literal["halving", "grid", "curves"]
"""How training is spent: successive halving; all of it for every candidate; every rung for every candidate."""
StageScheduler = Literal["halving", "grid"]
"""Of a search of stages."""
SchedulerOption = Literal["halving", "full", "curves"]
"""The same as an option; studies write `full` as `grid`."""
StageSchedulerOption = Literal["halving", "full"]
"""Of a search of stages, as an option."""
Sampler = Literal["grid", "optuna", "tpe", "gp", "nsga2"]
"""What proposes (α, β): the grid, or a sampler of Optuna's."""
StageSampler = Literal["random", "tpe", "evolution", "nsga2"]
"""What proposes stages."""
RewardKind = Literal["flops", "latency", "step"]
"""What a reward weighs accuracy by; see `search.rewards`."""
EmbeddedData = Literal["fractal", "shapes", "digits"]
"""Images that need no files."""
Runner = Literal["ray", "inline"]
"""Where trials run."""
Quantity = Literal["macs", "params", "memory_bytes", "seconds"]
"""What a limit of `solve` is about, with its unit."""
ExportFormat = Literal["torch", "timm", "torchvision", "onnx", "torch-export"]
"""What a network is written as."""
TrainingRecipe = Literal["fast", "v1", "paper", "paper-m", "paper-l", "code", "code-m", "code-l", "fine-tuning"]
"""How a member is trained; see `training.recipes`."""
