"""The dashboard's server: Werkzeug's with a thread for each connection, and without a log of requests."""

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
"""The time after which a connection is closed that sends nothing, or no complete head of a request."""
MOST_CONNECTIONS = 64
"""The largest number of connections; a browser holds about six."""


class _QuietHandler(WSGIRequestHandler):  # type: ignore[misc]
    """A request handler that logs nothing and does not name its software; connections stay open."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE_SECONDS
    server_version = "scalesearch"
    sys_version = ""

    def handle_one_request(self) -> None:
        """Answer one request whose head arrives in time.

        Without the limit a client that sends byte by byte could keep others out for ever.
        """
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
        """Return whether the request can be answered; one whose address is invalid is refused."""
        is_complete = super().parse_request()
        self._deadline.cancel()
        if not is_complete:
            return False
        try:
            urlsplit(self.path)
        except ValueError:
            self.send_error(400)
            return False
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing; Werkzeug's own method would parse an address that was refused as invalid."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


class _BoundedServer(ThreadedWSGIServer):  # type: ignore[misc]
    """A server with a thread for each connection; it closes those beyond `MOST_CONNECTIONS` at once."""

    daemon_threads = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread, where a connection is free."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and free the connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore input that is no HTTP, and browsers that went away."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server at this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_names(host: str) -> tuple[str, ...]:
    """Return the names and addresses under which a server that is bound to `host` is reached."""
    if is_loopback(host):
        return (*LOOPBACK, host)
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return (host,)
    hostname = socket.gethostname()
    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(hostname, None)}
    except OSError:
        addresses = set()
    return (*LOOPBACK, hostname, socket.getfqdn(), *sorted(addresses))


def bind_server(host: str, port: int, app: Any) -> BaseWSGIServer:
    """Return a server that listens; its `serve_forever` answers.

    Raises:
        InputError: it cannot listen there.
    """
    with _listen(host, port) as listening:
        return _BoundedServer(host, listening.getsockname()[1], app, handler=_QuietHandler, fd=listening.fileno())


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({reason}); choose another --port"
        ) from error
