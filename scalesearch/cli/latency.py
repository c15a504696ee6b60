"""The `scalesearch latency` command: the latency of networks, timed in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scalesearch.cli.facts import LatencyFacts, TimedFacts
    from scalesearch.nets.factory_definition import Definition
    from scalesearch.nets.latency import RelativeLatency
    from scalesearch.proxy.progress import ProgressCallback

_MeasuredColumns = dict[tuple[str, int], "list[RelativeLatency]"]
"""The timings of all networks in their order, by device and batch."""


def latency(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION…",
            help="Shipped baselines, published members, files or Python functions.",
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE|timm:NAME|MODULE:FUNCTION",
            help="Reference of the speed-ups; default: the first network.",
        ),
    ] = None,
    depth: Annotated[str, typer.Option(help="Multiply the number of layers, not of --against.")] = "1",
    width: Annotated[str, typer.Option(help="Multiply the number of channels, not of --against.")] = "1",
    resolution: Annotated[
        str | None,
        typer.Option(
            metavar="PX|HxW", help="Size of the input, px, such as 192x320, not of --against; default: the file's."
        ),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, max=4096, help="Batch size; may be repeated. Default: 1.")
    ] = None,
    runs: Annotated[
        int | None, typer.Option(min=3, max=1000, help="Timed turns of each network; default: 15.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Time networks in turns: on one core, and on the GPU where there is one.

    Example: scalesearch latency resnet18 mobilenet_v2
    """
    from scalesearch.cli.counter_progress import CounterProgress
    from scalesearch.cli.definition import load_definition, load_scaled
    from scalesearch.cli.json_output import print_json, reserve_stdout
    from scalesearch.nets.latency import RUNS, devices

    num_turns, batches = runs or RUNS, list(dict.fromkeys(batch or [1]))
    with reserve_stdout(json):
        scaled = [load_scaled(name, depth, width, resolution) for name in names]
        networks = list(dict.fromkeys([*([load_definition(against)] if against else []), *scaled]))
    console = options.console()
    with reserve_stdout(json), CounterProgress(console, "Turns", "") as on_progress:
        columns = {
            (device, batch_size): _measure(networks, num_turns, batch_size, device, on_progress)
            for device in devices()
            for batch_size in batches
        }
    facts = _facts(networks, columns, num_turns)
    if json:
        print_json(facts)
        return
    for (device, batch_size), column in columns.items():
        console.print(
            _table(
                networks,
                column,
                f"{_device_label(device)}, {batch_size} image{'s' if batch_size > 1 else ''} a pass",
            )
        )
    console.print(_protocol_text(facts), highlight=False)
    for line in _paper_lines(networks):
        console.print(line, highlight=False)


def _measure(
    networks: Sequence[Definition], runs: int, batch: int, device: str, on_progress: ProgressCallback | None
) -> list[RelativeLatency]:
    """Time the first network, the reference, and all others in turns with it."""
    from scalesearch.nets.latency import RelativeLatency, relative_latencies

    first, *others = [network.architecture for network in networks]
    reference, relative = relative_latencies(first, others, runs, batch, device, on_progress)
    return [RelativeLatency(reference, 1.0), *relative]


def _device_label(device: str) -> str:
    from scalesearch.nets.latency import device_name

    return device_name() if device == "cuda" else "one core, one thread"


def _table(networks: Sequence[Definition], column: Sequence[RelativeLatency], title: str) -> Table:
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    table = Table(title=title, title_justify="left")
    table.add_column("network")
    for name in ("px", "params", "MACs", "latency", "quartiles apart", "speed-up"):
        table.add_column(name, justify="right")
    for network, timing in zip(networks, column, strict=True):
        network_cost, architecture = cost(network.architecture), network.architecture
        sizes = (str(architecture.resolution), si(network_cost.params), si(network_cost.macs))
        times = (_format_seconds(timing.latency.seconds), _format_seconds(timing.latency.spread))
        speed_up = "" if network is networks[0] else f"{1 / timing.ratio:.2f}x"
        table.add_row(network.name, *sizes, *times, speed_up)
    return table


def _format_seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _facts(networks: Sequence[Definition], columns: _MeasuredColumns, runs: int) -> LatencyFacts:
    from scalesearch.cli.facts import LatencyFacts, MeasuredFacts
    from scalesearch.nets.latency import THREADS, WARM_UPS
    from scalesearch.study.provenance import environment

    return LatencyFacts(
        reference=networks[0].name,
        runs=runs,
        warm_ups=WARM_UPS,
        environment=environment(),
        measured=tuple(
            MeasuredFacts(
                device="cuda" if device == "cuda" else "cpu",
                threads=THREADS if device == "cpu" else None,
                batch=batch,
                networks=tuple(_timed_facts(*pair) for pair in zip(networks, column, strict=True)),
            )
            for (device, batch), column in columns.items()
        ),
    )


def _timed_facts(network: Definition, timing: RelativeLatency) -> TimedFacts:
    from scalesearch.cli.facts import TimedFacts
    from scalesearch.design.cost import cost
    from scalesearch.design.images import plain_size

    network_cost = cost(network.architecture)
    return TimedFacts(
        name=network.name,
        resolution=plain_size(network.architecture.resolution),
        params=network_cost.params,
        macs=network_cost.macs,
        seconds=timing.latency.seconds,
        quartiles_apart=timing.latency.spread,
        speed_up=1 / timing.ratio,
    )


def _protocol_text(facts: LatencyFacts) -> str:
    environment = facts.environment
    return (
        f"Medians of {facts.runs} turns after {facts.warm_ups} warm-up runs, {facts.reference} before "
        "each network in every turn;\neager float32, torch "
        f"{environment['torch']}, {environment['processor']}. On the core the thread's own time is taken."
    )


def _paper_lines(networks: Sequence[Definition]) -> list[str]:
    """Return what Table 4 prints of each pair that was timed here."""
    from scalesearch.design.paper import PEERS, TABLE_4

    names = [network.name for network in networks]
    return [
        f"The paper's Table 4, one core of a Xeon E5-2690: {slow} {before} s, {fast} {after} s, {times}."
        for (slow, fast), (before, after, times) in TABLE_4.items()
        if PEERS.get(slow) in names and fast in names
    ]
