"""The dashboard's server: Werkzeug's, a thread a request, quiet."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from scalesearch.errors import InputError

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SILENCE_SECONDS = 30
"""A connection that sends nothing for so long, or no whole head of a request, is closed."""
MOST_CONNECTIONS = 64
"""A browser holds about six."""


class _Quiet(WSGIRequestHandler):  # type: ignore[misc]
    """Says nothing of requests, nor of who serves them; connections stay open."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    server_version = "scalesearch"
    sys_version = ""

    def handle_one_request(self) -> None:
        """Answer one request, if its head is there in time; byte by byte it could keep others out for ever."""
        self._deadline = threading.Timer(SILENCE_SECONDS, self._hang_up)
        self._deadline.daemon = True
        self._deadline.start()
        try:
            super().handle_one_request()
        finally:
            self._deadline.cancel()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # it has gone already
            self.connection.shutdown(socket.SHUT_RDWR)

    def parse_request(self) -> bool:
        """Whether the request can be answered; one whose address is none was refused."""
        whole = super().parse_request()
        self._deadline.cancel()
        if not whole:
            return False
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(400)
            return False
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; Werkzeug's own would look into an address that was refused for being none."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


class _Bounded(ThreadedWSGIServer):  # type: ignore[misc]
    """A thread a connection, `MOST_CONNECTIONS` at most: further ones are closed at once."""

    daemon_threads = True

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, where there is one left."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for the next connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of what is no HTTP, or of a browser that went away."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_names(host: str) -> tuple[str, ...]:
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


def bind_server(host: str, port: int, app: Any) -> BaseWSGIServer:
    """A server that listens; `serve_forever` answers.

    Raises:
        InputError: it cannot listen there.
    """
    with _free(host, port) as listening:
        return _Bounded(host, listening.getsockname()[1], app, handler=_Quiet, fd=listening.fileno())


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
