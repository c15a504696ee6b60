"""Report in one line why torch cannot export a network that a user's function builds."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr

from scalesearch.design.factory import FactoryNetwork, Network
from scalesearch.errors import InputError, printable
from scalesearch.nets.factory import call_of
from scalesearch.user_code import describe_error


@contextmanager
def report_export_failures(network: Network) -> Iterator[None]:
    """Report whatever torch's exporter raises for a function's network; other networks' errors pass.

    Raises:
        InputError: the export failed; the message has torch's reason.
    """
    try:
        with _silenced() if isinstance(network, FactoryNetwork) else nullcontext():
            yield
    except Exception as error:  # torch's exporters raise anything
        if not isinstance(network, FactoryNetwork):
            raise
        reason = printable(describe_error(error, 260))
        raise InputError(
            f"{call_of(network)}: torch cannot export it ({reason}); change the network, or take it as it is"
        ) from error


@contextmanager
def _silenced() -> Iterator[None]:
    """Suppress what torch writes about a failed export: warnings, and the whole graph."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(disabled)
