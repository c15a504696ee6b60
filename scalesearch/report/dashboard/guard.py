"""The guard between the network and the dashboard: who may ask, what may be asked, and what a page may do.

A page on another site can send requests to loopback, and by DNS rebinding it can even read the answers under its
own name. So the Host header must be one of this server's names to the letter, and a request is refused that a
browser marks as coming from elsewhere.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from scalesearch.errors import InputError, printable

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

COOKIE = "scalesearch-dashboard"
MAX_BODY_BYTES = 2**20
"""The largest body of a request, in bytes."""
_PAGES = frozenset(("/", "/_favicon.ico", "/_dash-layout", "/_dash-dependencies", "/_dash-update-component"))
_LIBRARIES = "/_dash-component-suites/"
_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
"""A Host header that may be repeated in an answer: a name or IPv4 address, and a port."""
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]{1,64}){1,8}")
_DEFAULT_PORTS = ("80", "443")
"""The ports that a browser leaves out of the Host header, and that some proxies write into it."""
_STATUS_TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
}


@dataclass(frozen=True, slots=True)
class Gateway:
    """A tunnel or reverse proxy in front of the server."""

    names: frozenset[str] = frozenset()
    """The names, with or without a port, under which it is reached over HTTP or HTTPS."""
    prefix: str = ""
    """The path below which it shows the dashboard, such as `/proxy/8050`; it may hand it on or take it off."""

    def knows(self, host: str) -> bool:
        """Return whether a Host header is one of its names, to the letter; ports 80 and 443 may be left out."""
        bare, _, port = host.partition(":")
        return host in self.names or (port in _DEFAULT_PORTS and bare in self.names)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules that say which requests are answered."""

    hosts: frozenset[str]
    """The Host headers that are accepted, with the port, to the letter."""
    token: str | None = None
    """The token that every request needs; None: no request needs one."""
    gateway: Gateway = Gateway()

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        return host in self.hosts or self.gateway.knows(host)

    def is_own_origin(self, origin: str) -> bool:
        """Return whether an Origin header is that of one of this server's pages."""
        scheme, separator, host = origin.partition("://")
        if not separator:
            return False
        return (scheme == "http" and self.knows(host)) or (scheme == "https" and self.gateway.knows(host))


def allowed_hosts(names: Iterable[str], port: int) -> frozenset[str]:
    """Return the Host headers under which a server with these names and addresses is reached."""
    hosts = set()
    for name in names:
        host = f"[{name}]" if ":" in name else name.lower()
        hosts.add(f"{host}:{port}")
        if port == 80:
            hosts.add(host)  # browsers leave port 80 out
    return frozenset(hosts)


def checked_public_host(name: str) -> str:
    """Return a name of a tunnel or proxy in the form that a Host header has.

    Raises:
        InputError: it is no name with or without a port.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"--public-host {printable(name)}: must be NAME or NAME:PORT, as in studies.example.org")
    return name.lower()


def checked_prefix(path: str) -> str:
    """Return a path of a proxy without a slash at its end; empty: there is none.

    Raises:
        InputError: it is no plain absolute path.
    """
    prefix = path.rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise InputError(f"--prefix {printable(path)}: must be a path such as /proxy/8050")
    return prefix


class Guard:
    """A WSGI application that checks requests before it hands them to another."""

    def __init__(self, inner: WsgiApp, policy: Policy, scripts: Sequence[str]) -> None:
        """Guard `inner`.

        Args:
            inner: the dashboard's application.
            policy: the rules for requests.
            scripts: the hashes of the inline scripts that may run, as a content security policy has them.
        """
        self._inner, self._policy = inner, policy
        self._headers = security_headers(scripts)

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer a request, or refuse it with a line of text."""
        if self._policy.gateway.prefix and environ.get("PATH_INFO", "") == self._policy.gateway.prefix:
            return _redirect(start, f"{self._policy.gateway.prefix}/")
        environ = _without_prefix(environ, self._policy.gateway.prefix)
        refused = refusal(environ, self._policy)
        if refused is not None:
            return _refuse(start, *refused)
        if self._policy.token is not None:
            tokens = _given_tokens(environ)
            if not any(_equal_tokens(token, self._policy.token) for token in tokens):
                return _refuse(
                    start, 403, "open the address with ?token=… that was printed when the server started"
                )
            if environ["PATH_INFO"] == "/" and environ.get("QUERY_STRING"):
                return _with_cookie(start, self._policy.token, f"{self._policy.gateway.prefix}/")

        def guarded(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            own_names = {name.lower() for name, _ in self._headers}
            other_headers = [(name, value) for name, value in headers if name.lower() not in own_names]
            has_cache_control = any(name.lower() == "cache-control" for name, _ in other_headers)
            cache_headers = [] if has_cache_control else [("Cache-Control", "no-store")]
            return start(status, [*other_headers, *self._headers, *cache_headers], *exc_info)

        return self._inner(environ, guarded)


def refusal(environ: dict[str, Any], policy: Policy) -> tuple[int, str] | None:
    """Return a status and a line that say why a request is refused; None where it may pass.

    Args:
        environ: the request's environment, as in WSGI.
        policy: the rules for requests.
    """
    path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD", "")
    host = environ.get("HTTP_HOST", "")
    if not policy.knows(host):
        advice = f"; behind a tunnel or proxy, start it with --public-host {host}" if _NAME.fullmatch(host) else ""
        return (
            421,
            f"this server is not known by that name; open the address that it printed when it started{advice}",
        )
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("same-origin", "none"):
        return 403, "the request comes from another site; type the address instead of following a link"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not policy.is_own_origin(origin):
        return 403, "the request comes from another site"
    if not _is_page(path):
        return 404, f"there is no such page{_prefix_advice(path)}"
    if method == "POST":
        return _bad_post(environ, path)
    if method not in ("GET", "HEAD"):
        return 405, "the dashboard only reads"
    return None


def _is_page(path: str) -> bool:
    return path in _PAGES or path.startswith(_LIBRARIES)


def _prefix_advice(path: str) -> str:
    """Advise a `--prefix` where a proxy hands on the path below which it shows the dashboard."""
    slashes = [slash for slash, char in enumerate(path) if char == "/" and slash > 0]
    prefix = next((path[:slash] for slash in slashes if _is_page(path[slash:])), "")
    return f"; behind a path of a proxy, start it with --prefix {prefix}" if _PREFIX.fullmatch(prefix) else ""


def _without_prefix(environ: dict[str, Any], prefix: str) -> dict[str, Any]:
    path = environ.get("PATH_INFO", "")
    if not prefix or not path.startswith(f"{prefix}/"):
        return environ
    return {**environ, "PATH_INFO": path.removeprefix(prefix), "SCRIPT_NAME": prefix}


def _bad_post(environ: dict[str, Any], path: str) -> tuple[int, str] | None:
    if path != "/_dash-update-component":
        return 405, "the dashboard only reads"
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip() != "application/json":
        return 415, "must be JSON"  # a form on another site cannot send it
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 400, "has no length"
    return (413, "is too long") if length > MAX_BODY_BYTES else None


def is_callback(body: object, callbacks: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether a request's JSON is one that the page itself sends: an existing callback with its own inputs.

    Args:
        body: the request's JSON.
        callbacks: `Dash.callback_map`.
    """
    if not isinstance(body, dict) or not isinstance(body.get("output"), str) or body["output"] not in callbacks:
        return False
    callback = callbacks[body["output"]]
    return all(_match(body.get(part, []), callback[part]) for part in ("inputs", "state"))


def _match(given: object, known: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether these are the inputs of a callback; an input of many components at once is a list."""
    return (
        isinstance(given, list)
        and len(given) == len(known)
        and all(
            isinstance(item, list)
            or (
                isinstance(item, dict)
                and (item.get("id"), item.get("property")) == (expected["id"], expected["property"])
            )
            for item, expected in zip(given, known, strict=True)
        )
    )


def security_headers(scripts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the headers of every answer.

    With them a page runs only this server's scripts, sends requests to this server alone, and cannot be shown in a
    frame. Styles may stand in a page because plotly and Dash set them as they draw; they can fetch nothing from
    outside.
    """
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *scripts]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return [
        ("Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in policy.items())),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]


def _given_tokens(environ: dict[str, Any]) -> list[str]:
    """Return the tokens that a request has in its address or its cookie."""
    tokens = parse_qs(environ.get("QUERY_STRING", ""), max_num_fields=8).get("token", [])[:1]
    try:
        cookie = SimpleCookie(environ.get("HTTP_COOKIE", "")).get(COOKIE)
    except CookieError:
        cookie = None
    return [*tokens, *([cookie.value] if cookie else [])]


def _equal_tokens(given: str, token: str) -> bool:
    """Compare two tokens in a time that does not depend on how many characters are right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())


def _with_cookie(start: StartResponse, token: str, path: str) -> Iterable[bytes]:
    """Put the token in a cookie, so that it disappears from the address."""
    cookie = f"{COOKIE}={token}; Path={path}; HttpOnly; SameSite=Strict"
    return _redirect(start, path, ("Set-Cookie", cookie))


def _redirect(start: StartResponse, path: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    start("303 See Other", [("Location", path), *headers, ("Content-Length", "0"), *security_headers([])])
    return [b""]


def _refuse(start: StartResponse, status: int, text: str) -> Iterable[bytes]:
    body = f"scalesearch dashboard: {text}\n".encode()
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start(f"{status} {_STATUS_TEXTS[status]}", [*headers, *security_headers([]), ("Cache-Control", "no-store")])
    return [body]
