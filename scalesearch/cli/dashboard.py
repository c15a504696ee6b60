"""The `scalesearch dashboard` command: studies in a browser, also while they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalesearch.errors import InputError, printable

if TYPE_CHECKING:
    from scalesearch.design.scaling import Baseline
    from scalesearch.report.dashboard.guard import Gateway
    from scalesearch.report.dashboard.store import StudyStore


def dashboard(
    results: Annotated[
        Path, typer.Argument(metavar="[RESULTS]", help="A folder with studies below it, or a study's own.")
    ] = Path("results"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port.")] = 8050,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Accept other machines that send the printed token.")
    ] = False,
    public_host: Annotated[
        list[str] | None,
        typer.Option("--public-host", metavar="NAME[:PORT]", help="Also answer to this name of a tunnel or proxy."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(metavar="/PATH", help="Path under which a proxy serves the dashboard.")
    ] = "",
    check: Annotated[bool, typer.Option("--check", help="Print what would be shown, and exit.")] = False,
) -> None:
    """Show studies in a browser: their trials, figures and families, and a running search as it goes.

    It reads and never writes below RESULTS, listens on this machine alone unless --host says otherwise, and asks
    nothing from outside.
    End it with Ctrl-C.

    Example: scalesearch dashboard results --check
    """
    from scalesearch.cli import interrupts
    from scalesearch.cli.cache import cache_folder
    from scalesearch.report.dashboard.server import bind_server, is_loopback
    from scalesearch.report.dashboard.store import StudyStore

    if not results.is_dir():
        raise InputError(f"{printable(str(results))}: is not a folder; give one with studies below it")
    if not is_loopback(host) and not allow_remote:
        raise InputError(
            f"--host {host}: other machines could reach it; add --allow-remote if they may, or leave --host out"
        )
    gateway = _make_gateway(public_host or [], prefix, allow_remote)
    store = StudyStore(results, cache_folder())
    if check:
        _print_studies(store)
        return
    interrupts.raise_exceptions()
    interrupts.enable_ctrl_c()
    server = bind_server(host, port, None)
    server.app = _make_app(store, host, server.port, allow_remote, gateway)
    try:
        server.serve_forever()  # returns at Ctrl-C
    finally:
        interrupts.mark_handled()
        server.server_close()


def _make_gateway(public_hosts: list[str], prefix: str, allow_remote: bool) -> Gateway:
    """Return the host names and the path of the tunnel or proxy in front of the server.

    Raises:
        InputError: a name or the path is invalid, or others could reach a name without a token.
    """
    from scalesearch.report.dashboard.guard import Gateway, checked_prefix, checked_public_host
    from scalesearch.report.dashboard.server import is_loopback

    names = [checked_public_host(name) for name in public_hosts]
    for name in names:
        if not is_loopback(name.partition(":")[0]) and not allow_remote:
            raise InputError(
                f"--public-host {name}: users of that name could read the studies; add --allow-remote, "
                "which asks for a token"
            )
    return Gateway(frozenset(names), checked_prefix(prefix))


def _make_app(store: StudyStore, host: str, port: int, allow_remote: bool, gateway: Gateway) -> object:
    """Return the application, once the port is known, and print the addresses that open it."""
    import secrets

    from scalesearch.report.dashboard.app import first_choice, make_app
    from scalesearch.report.dashboard.guard import Policy, allowed_hosts
    from scalesearch.report.dashboard.server import is_loopback, reachable_names

    token = secrets.token_urlsafe(32) if allow_remote else None
    policy = Policy(allowed_hosts(reachable_names(host), port), token, gateway)
    app = make_app(store, policy, {"torch": _torch_source})
    names = reachable_names(host)
    address = host if is_loopback(host) else names[-1] if host in ("0.0.0.0", "::") else host  # noqa: S104
    address = f"[{address}]" if ":" in address else address
    store.snapshot(first_choice(store))  # computed now, so that the first page is ready when requested
    path = f"{gateway.prefix}/{f'?token={token}' if token else ''}"
    print(f"http://{address}:{port}{path}", flush=True)
    for name in sorted(gateway.names):
        print(f"{'http' if is_loopback(name.partition(':')[0]) else 'https'}://{name}{path}", flush=True)
    print("Ctrl-C ends it.", flush=True)
    return app.server


def _torch_source(baseline: Baseline) -> str:
    from scalesearch.export.torch_source import torch_source

    return torch_source(baseline)


def _print_studies(store: StudyStore) -> None:
    from scalesearch.report.dashboard.studies import STAGES

    studies = store.summaries()
    print(f"{len(studies)} studies below {printable(str(store.root))}")
    for study in studies:
        print(f"{study.name}: {STAGES[study.stage]}, {study.records} trials; {study.short_title or study.problem}")
