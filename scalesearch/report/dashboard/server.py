"""The dashboard's server: Werkzeug's, a thread a request, quiet."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from scalesearch.errors import InputError

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Quiet(WSGIRequestHandler):  # type: ignore[misc]
    """Says nothing of requests, nor of who serves them; connections stay open."""

    protocol_version = "HTTP/1.1"
    server_version = "scalesearch"
    sys_version = ""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_of(host: str) -> tuple[str, ...]:
    """The names and addresses under which a server that is bound to `host` is reached."""
    if is_loopback(host):
        return (*LOOPBACK, host)
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return (host,)
    own = socket.gethostname()
    try:
        addresses = {str(one[4][0]) for one in socket.getaddrinfo(own, None)}
    except OSError:
        addresses = set()
    return (*LOOPBACK, own, socket.getfqdn(), *sorted(addresses))


def bound(host: str, port: int, app: Any) -> BaseWSGIServer:
    """A server that listens; `serve_forever` answers.

    Raises:
        InputError: it cannot listen there.
    """
    with _free(host, port) as listening:
        return make_server(
            host, listening.getsockname()[1], app, threaded=True, request_handler=_Quiet, fd=listening.fileno()
        )


def _free(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({reason}); choose another --port"
        ) from error
