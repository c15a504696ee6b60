"""The commands by group, how the program's help lists them, and what they were called before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

GROUPS = {
    "Search": {
        "grid": "Search the coefficients (α, β, γ) by which a baseline grows best.",
        "nas": "Search a baseline's stages: blocks, kernels, layers, widths.",
        "compare": "Compare scaling rules at equal measured cost.",
        "trust": "Check by longer trainings whether the proxy ranks as they do.",
    },
    "Design": {
        "cost": "Count multiply-adds, parameters, activations and memory.",
        "explain": "Show what depth, width and resolution each cost.",
        "solve": "Find the largest member of a family within limits.",
        "family": "Scale a baseline to φ = 1 … 7, or down.",
        "latency": "Time networks side by side.",
        "tables": "Count the networks of the EfficientNet paper's tables.",
    },
    "Deploy": {
        "train": "Train a member on your data.",
        "transfer": "Fine-tune trained networks on other data.",
        "export": "Write a network as torch, timm, torchvision or ONNX.",
        "import": "Read a network from timm's or torchvision's definition.",
    },
    "Inspect": {
        "show": "Show a study: candidates, error bars, ties, the winner.",
        "report": "Write a study's report.",
        "dashboard": "Show studies in a browser, running ones as they go.",
        "cam": "Draw class activation maps of several networks.",
        "verify": "Check a study's files against each other.",
    },
}
"""Every command with a summary that fits a line of 80 columns."""


RENAMED = {"--px": "--resolution", "--train-px": "--train-resolution"}
"""Options by the names that earlier versions gave them; they still work, and help does not list them."""


RENAMED_VALUES = {"--cost": {"macs": "flops"}, "--objectives": {"macs": "flops"}}
"""Values of options likewise; several stand with commas between them."""


def in_present_words(words: list[str]) -> list[str]:
    """A command line, with the present names of its options and of their values."""
    found, before = list[str](), ""
    for word in words:
        option, sign, value = word.partition("=")
        if not sign and before in RENAMED_VALUES:
            found.append(_present_values(before, word))
        else:
            value = _present_values(option, value) if option in RENAMED_VALUES else value
            found.append(f"{RENAMED.get(option, option)}{sign}{value}")
        before = word
    return found


def _present_values(option: str, values: str) -> str:
    return ",".join(RENAMED_VALUES[option].get(one, one) for one in values.split(","))


class Program(TyperGroup):
    """The program; its help lists the commands in their groups."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The commands in the order of their groups."""
        return [name for commands in GROUPS.values() for name in commands]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write a section a group."""
        for group, rows in self._sections():
            with formatter.section(group):
                formatter.write_dl(rows, col_max=20)

    @staticmethod
    def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
        widest = max(len(name) for commands in GROUPS.values() for name in commands)
        for group, commands in GROUPS.items():
            yield group, [(name.ljust(widest), summary) for name, summary in commands.items()]
