"""The commands by group, as the help lists them, and earlier names of commands, options and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.core import TyperGroup

GROUPS = {
    "Search": {
        "grid": "Search the scaling coefficients (α, β, γ) of a baseline.",
        "nas": "Search a baseline's stages: blocks, kernels, layers, widths.",
        "compare": "Compare scaling rules at equal measured cost.",
        "validate-proxy": "Test whether the proxy ranks as longer trainings do.",
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


RENAMED_COMMANDS = {"trust": "validate-proxy"}
"""Earlier names of commands, which still work and which help does not list."""


RENAMED_OPTIONS = {
    "--px": "--resolution",
    "--train-px": "--train-resolution",
    "--receipt": "--breakdown",
    "--check-phi": "--transfer-phi",
}
"""Earlier names of options."""


RENAMED_VALUES = {
    "--cost": {"macs": "flops"},
    "--objectives": {"macs": "flops"},
    "--scheduler": {"grid": "full"},
}
"""Earlier values of options; an option may hold several values, separated by commas."""


def modernize(arguments: list[str]) -> list[str]:
    """Replace earlier names of the command, its options and their values by the present ones."""
    modern, previous = list[str](), ""
    for index, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if index == _command_index(arguments):
            modern.append(RENAMED_COMMANDS.get(argument, argument))
        elif not equals and previous in RENAMED_VALUES:
            modern.append(_modern_values(previous, argument))
        else:
            value = _modern_values(option, value) if option in RENAMED_VALUES else value
            modern.append(f"{RENAMED_OPTIONS.get(option, option)}{equals}{value}")
        previous = argument
    return modern


def _command_index(arguments: list[str]) -> int | None:
    """Return the index of the command, the first argument without a dash.

    The program's own options take no values, so nothing else can come before it.
    """
    return next((i for i, argument in enumerate(arguments) if not argument.startswith("-")), None)


def _modern_values(option: str, values: str) -> str:
    return ",".join(RENAMED_VALUES[option].get(value, value) for value in values.split(","))


class Program(TyperGroup):
    """The top-level command, whose help lists the commands by group."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of the commands in the order of their groups."""
        return [name for commands in GROUPS.values() for name in commands]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write one section per group."""
        for group, rows in self._sections():
            with formatter.section(group):
                formatter.write_dl(rows, col_max=20)

    @staticmethod
    def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
        width = max(len(name) for commands in GROUPS.values() for name in commands)
        for group, commands in GROUPS.items():
            yield group, [(name.ljust(width), summary) for name, summary in commands.items()]
