"""`scalesearch latency`: how long networks take, beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from scalesearch.cli.facts import LatencyFacts, TimedFacts
    from scalesearch.design.scaling import Baseline
    from scalesearch.nets.latency import Beside
    from scalesearch.proxy.progress import ProgressCallback

_Found = dict[tuple[str, int], "list[Beside]"]
"""By device and batch, the networks in their order."""


def latency(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME|FILE…", help="Shipped baselines, published members or files.")
    ],
    against: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Speed-ups are over this one; default: the first.")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, max=4096, help="Images a pass; may be repeated. Default: 1.")
    ] = None,
    runs: Annotated[int | None, typer.Option(min=3, max=1000, help="Turns of each network; default: 15.")] = None,
    json: options.Json = False,
) -> None:
    """Time networks in turns: on one core, and on the GPU where there is one.

    Example: scalesearch latency resnet18 mobilenet_v2
    """
    from scalesearch.cli.counter_progress import CounterProgress
    from scalesearch.cli.json_output import output_kept, print_json
    from scalesearch.design.networks import load_network
    from scalesearch.nets.latency import RUNS, devices

    turns, batches = runs or RUNS, list(dict.fromkeys(batch or [1]))
    networks = [load_network(name) for name in dict.fromkeys([*([against] if against else []), *names])]
    out = options.console()
    with output_kept(json), CounterProgress(out, "Turns", "") as on_progress:
        found = {
            (device, size): _timed(networks, turns, size, device, on_progress)
            for device in devices()
            for size in batches
        }
    facts = _facts(networks, found, turns)
    if json:
        print_json(facts)
        return
    for (device, size), column in found.items():
        out.print(_table(networks, column, f"{_place(device)}, {size} image{'s' if size > 1 else ''} a pass"))
    out.print(_protocol(facts), highlight=False)
    for line in _beside_the_paper(networks):
        out.print(line, highlight=False)


def _timed(
    networks: Sequence[Baseline], runs: int, batch: int, device: str, on_progress: ProgressCallback | None
) -> list[Beside]:
    """The reference, then all others beside it."""
    from scalesearch.nets.latency import Beside, latencies_beside

    first, *others = [network.architecture for network in networks]
    reference, found = latencies_beside(first, others, runs, batch, device, on_progress)
    return [Beside(reference, 1.0), *found]


def _place(device: str) -> str:
    from scalesearch.nets.latency import device_name

    return device_name() if device == "cuda" else "one core, one thread"


def _table(networks: Sequence[Baseline], column: Sequence[Beside], title: str) -> Table:
    from rich.table import Table

    from scalesearch.design.cost import cost
    from scalesearch.units import si

    table = Table(title=title, title_justify="left")
    table.add_column("network")
    for name in ("px", "params", "MACs", "latency", "quartiles apart", "speed-up"):
        table.add_column(name, justify="right")
    for network, one in zip(networks, column, strict=True):
        price, net = cost(network.architecture), network.architecture
        sizes = (str(net.resolution), si(price.params), si(price.macs))
        times = (_shown(one.latency.seconds), _shown(one.latency.spread))
        speed = "" if network is networks[0] else f"{1 / one.ratio:.2f}x"
        table.add_row(network.name, *sizes, *times, speed)
    return table


def _shown(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _facts(networks: Sequence[Baseline], found: _Found, runs: int) -> LatencyFacts:
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
            for (device, batch), column in found.items()
        ),
    )


def _timed_facts(network: Baseline, one: Beside) -> TimedFacts:
    from scalesearch.cli.facts import TimedFacts
    from scalesearch.design.cost import cost

    price = cost(network.architecture)
    return TimedFacts(
        name=network.name,
        resolution=network.architecture.resolution,
        params=price.params,
        macs=price.macs,
        seconds=one.latency.seconds,
        quartiles_apart=one.latency.spread,
        speed_up=1 / one.ratio,
    )


def _protocol(facts: LatencyFacts) -> str:
    machine = facts.environment
    return (
        f"Medians of {facts.runs} turns after {facts.warm_ups} warm-up runs, {facts.reference} before "
        "each network in every turn;\neager float32, torch "
        f"{machine['torch']}, {machine['processor']}. On the core the thread's own time is taken."
    )


def _beside_the_paper(networks: Sequence[Baseline]) -> list[str]:
    """What Table 4 prints of a pair that was timed here."""
    from scalesearch.design.paper import PEERS, TABLE_4

    names = [network.name for network in networks]
    return [
        f"The paper's Table 4, one core of a Xeon E5-2690: {slow} {before} s, {fast} {after} s, {times}."
        for (slow, fast), (before, after, times) in TABLE_4.items()
        if PEERS.get(slow) in names and fast in names
    ]
