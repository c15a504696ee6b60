"""The options that several commands share, and the parsers of their values."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalesearch import choices
from scalesearch.errors import InputError, printable

if TYPE_CHECKING:
    from rich.console import Console

    from scalesearch.design.images import ImageSize

_SECONDS = {"s": 1, "m": 60, "h": 3600}

Rounding = Annotated[
    choices.Rounding | None, typer.Option("--rounding", help="Round widths and depths by this rule.")
]
Rule = Annotated[
    choices.ScalingRule,
    typer.Option(
        "--rule", help="v2: as EfficientNetV2, extra layers in the last two stages, at most 480 px; v1: compound."
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SPEC",
        help="shapes, fractal, digits, an image folder, parquet, or hf:NAME; default: the budget's.",
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        "--budget", metavar="NAME|FILE", help="How much to spend: smoke, quick, standard, full or a YAML file."
    ),
]
Runner = Annotated[
    choices.Runner, typer.Option("--runner", help="ray: trials side by side; inline: here, in order.")
]
Address = Annotated[str | None, typer.Option("--address", help="Address of a running Ray cluster, such as auto.")]
InsecureCluster = Annotated[
    bool, typer.Option("--insecure-cluster", help="Accept a cluster at --address that requires no token.")
]
GpusPerTrial = Annotated[
    float | None, typer.Option("--gpus-per-trial", min=0, max=1024, help="Share of a GPU per trial, such as 0.25.")
]
StallSeconds = Annotated[
    float | None,
    typer.Option(
        "--stall-seconds",
        min=1,
        max=1e6,
        help="Restart a worker that is silent so long; default: ten epochs, at least 60 s.",
    ),
]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="Folder of the studies.")]
MaxMegapixels = Annotated[
    int,
    typer.Option("--max-megapixels", min=1, max=100_000, help="Refuse larger images; each takes 10 bytes a pixel."),
]
Metric = Annotated[
    str | None,
    typer.Option(
        "--metric",
        metavar="NAME|FILE.py:FUNCTION",
        help="Rank by accuracy, balanced-accuracy, loss or a function; default: accuracy, or balanced-accuracy "
        "where most images are of one class.",
    ),
]


def matched_cost(subject: str) -> Any:
    """Return the option `--cost`.

    Args:
        subject: the first words of the help, on what has that cost, such as "What is matched".
    """
    values = "flops (multiply-adds); activations; latency, measured on this device."
    return typer.Option("--cost", help=f"{subject}: {values}")


def stored_cost(option: str) -> str:
    """Return the name under which studies store the cost that `--cost` names."""
    return "macs" if option == "flops" else option


def stored_scheduler(option: str) -> str:
    """Return the name under which studies store the scheduler that `--scheduler` names."""
    return "grid" if option == "full" else option


PlanOnly = Annotated[bool, typer.Option("--plan", help="Estimate the cost, and train nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object in place of tables.")]


def parse_decimal(value: str | None, option: str) -> Decimal | None:
    """Return a plain decimal number, exactly as it was typed; None: the option was not given.

    Raises:
        InputError: the value is not a finite number.
    """
    if value is None:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise InputError(f"{option} {value!r}: must be a number such as 1.2") from error
    if not number.is_finite():
        raise InputError(f"{option} {value!r}: must be a finite number such as 1.2")
    return number


def parse_duration(value: str | None, option: str) -> float | None:
    """Return a duration such as `90s`, `10m` or `1.5h` in seconds; None: the option was not given.

    Raises:
        InputError: the value is no duration.
    """
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)([smh])", value)
    if match is None or float(match[1]) == 0:
        raise InputError(f"{option} {value!r}: must be a duration such as 90s, 10m or 1.5h")
    return float(match[1]) * _SECONDS[match[2]]


Resolution = Annotated[
    str | None,
    typer.Option(
        "--resolution", metavar="PX|HxW", help="Size of the input, px, as in 224 or 192x320; default: the file's."
    ),
]


def parse_resolution(value: str | None) -> ImageSize | None:
    """Return the size of the images that `--resolution` gives: a side, or height x width; None: it was not given.

    Raises:
        InputError: the value names no size, or a side is out of range.
    """
    from scalesearch.design.images import LARGEST_SIDE, parse_image_size, sides_of

    if value is None:
        return None
    size = parse_image_size(value)
    if size is None or not all(1 <= side <= LARGEST_SIDE for side in sides_of(size)):
        raise InputError(
            f"--resolution {printable(value)}: must be a side or HEIGHTxWIDTH, such as 224 or 192x320, in "
            f"1 … {LARGEST_SIDE} px"
        )
    return size


ResolutionMultiple = Annotated[
    int | None,
    typer.Option(min=1, max=512, metavar="32", help="Choose sides (px) that are multiples of this; default: any."),
]


def parse_phi(value: str, option: str) -> Decimal:
    """Return a compound coefficient φ, above or below 0.

    Raises:
        InputError: the value is not a number, is 0, or is out of range.
    """
    from scalesearch.design.coefficients import HIGHEST_PHI, LOWEST_PHI

    phi = parse_decimal(value, option)
    if phi is None or not LOWEST_PHI <= phi <= HIGHEST_PHI or phi == 0 or phi != round(phi, _PHI_DECIMALS):
        raise InputError(
            f"{option} {value}: must be in {LOWEST_PHI} … {HIGHEST_PHI}, "
            f"with at most {_PHI_DECIMALS} decimal places, and not 0, which is the baseline itself"
        )
    return phi


_PHI_DECIMALS = 9


def parse_times(value: str, option: str) -> Decimal:
    """Return a cost over the baseline's, above or below 1.

    Raises:
        InputError: the value is not a number, is 1, or is out of range.
    """
    from scalesearch.design.coefficients import HIGHEST_PHI, LOWEST_PHI

    times = parse_decimal(value, option)
    lowest, highest = 2**LOWEST_PHI, 2**HIGHEST_PHI
    if times is None or not lowest <= times <= highest or times == 1 or times != round(times, _PHI_DECIMALS):
        raise InputError(
            f"{option} {value}: must be in {lowest} … {highest}, "
            f"with at most {_PHI_DECIMALS} decimal places, and not 1, which is the baseline itself"
        )
    return times


def checked_metric(metric: str | None) -> str | None:
    """Return the metric in the form that studies store; None: the option was not given.

    Raises:
        InputError: there is no such metric, or its file cannot be used.
    """
    from scalesearch.proxy.metrics import canonical_metric

    return None if metric is None else canonical_metric(metric)


def existing_study(folder: Path) -> Path:
    """Return the folder of a study that a command reads.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            f"{printable(str(folder))}: is not a folder; give a study's, such as results/b0-phi1-quick"
        )
    return folder


def console(columns: int = 0) -> Console:
    """Return a console on standard output; a pipe or a file gets tables at their full width.

    Args:
        columns: the width that a table needs; a narrower terminal then wraps lines, so that no figures are cut.
    """
    import sys

    from rich.console import Console

    if not sys.stdout.isatty():
        return Console(width=120)
    terminal = Console()
    return terminal if terminal.width >= columns else Console(width=columns)
