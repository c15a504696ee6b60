"""Who may ask the dashboard, and what a page of it may do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scalesearch.errors import InputError
from scalesearch.report.dashboard.app import make_app
from scalesearch.report.dashboard.guard import (
    COOKIE,
    MAX_BODY_BYTES,
    Gateway,
    Policy,
    allowed_hosts,
    checked_prefix,
    checked_public_host,
)
from scalesearch.report.dashboard.server import bind_server, is_loopback, reachable_names
from scalesearch.report.dashboard.store import StudyStore

PORT = 8123
TOKEN = "t" * 43
HOST = {"Host": f"127.0.0.1:{PORT}"}
POST = "/_dash-update-component"


def client(tmp: Path, token: str | None = None) -> Any:
    policy = Policy(allowed_hosts(reachable_names("127.0.0.1"), PORT), token)
    return make_app(StudyStore(tmp, tmp / "cache"), policy, {}).server.test_client(use_cookies=False)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A client of an empty dashboard."""
    return client(tmp_path_factory.mktemp("guard"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_it_answers_under_its_own_names(host: str, asked: Any) -> None:
    assert asked.get("/", headers={"Host": f"{host}:{PORT}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.2:{PORT}", "", "localhost",
        f"localhost.evil.example:{PORT}", f"evil@localhost:{PORT}", f"LOCALHOST:{PORT}", f"localhost:{PORT}, x",
        f"0.0.0.0:{PORT}", f"127.1:{PORT}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/_dash-layout", "/_favicon.ico"])
def test_any_other_host_is_refused(host: str, path: str, asked: Any) -> None:
    answer = asked.get(path, headers={"Host": host})
    assert answer.status_code == 421
    advice = f"; behind a tunnel or proxy, start it with --public-host {host}"
    said = (
        "scalesearch dashboard: this server is not known by that name; open the address that it printed when it "
        "started"
    )
    assert answer.text == f"{said}{advice if re.fullmatch('[A-Za-z0-9.]+(:[0-9]+)?', host) else ''}\n"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
def test_what_a_browser_says_comes_from_elsewhere_is_refused(site: str, asked: Any) -> None:
    for path in ("/", "/_dash-layout"):
        assert asked.get(path, headers={**HOST, "Sec-Fetch-Site": site}).status_code == 403
    for site in ("same-origin", "none"):
        assert asked.get("/", headers={**HOST, "Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://evil.example", f"https://127.0.0.1:{PORT}", "http://127.0.0.1", f"127.0.0.1:{PORT}"],
)
def test_another_origin_is_refused(origin: str, asked: Any) -> None:
    assert asked.post(POST, json={}, headers={**HOST, "Origin": origin}).status_code == 403


def test_our_own_origin_gets_through_to_dash(asked: Any) -> None:
    answer = asked.post(POST, json={}, headers={**HOST, "Origin": f"http://127.0.0.1:{PORT}"})
    assert answer.status_code not in (403, 405, 415, 421)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options", "trace"])
def test_nothing_is_changed(method: str, asked: Any) -> None:
    for path in ("/", POST):
        assert asked.open(path, method=method.upper(), headers=HOST).status_code == 405
    assert asked.post("/", json={}, headers=HOST).status_code == 405


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_cannot_post(kind: str, asked: Any) -> None:
    assert asked.post(POST, data="{}", content_type=kind, headers=HOST).status_code == 415


def test_a_long_body_is_refused(asked: Any) -> None:
    long = b" " * (MAX_BODY_BYTES + 1)
    assert asked.post(POST, data=long, content_type="application/json", headers=HOST).status_code == 413


@pytest.mark.parametrize(
    "path", ["/results", "/../etc/passwd", "/static/x", "/assets/x", "/_reload-hash", "/_mcp", "//x", "/study.json"]
)
def test_there_are_no_other_paths(path: str, asked: Any) -> None:
    assert asked.get(path, headers=HOST).status_code in (404, 421)


def test_libraries_are_no_way_to_files(asked: Any) -> None:
    for path in ("dash/../../../../etc/passwd", "dash/%2e%2e/%2e%2e/pyproject.toml", "scalesearch/app.py"):
        answer = asked.get(f"/_dash-component-suites/{path}", headers=HOST)
        assert answer.status_code >= 400
        assert "root:" not in answer.text


def test_every_answer_says_what_a_page_may_do(asked: Any) -> None:
    for answer in (asked.get("/", headers=HOST), asked.get("/nowhere", headers=HOST), asked.get("/")):
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in policy["script-src"]
        assert not any(":" in word and word not in ("data:", "blob:") for word in " ".join(policy.values()).split())
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_page_loads_nothing_from_outside(asked: Any) -> None:
    page = asked.get("/", headers=HOST).text
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert page.count("<script src=") == page.count('<script src="/_dash-component-suites/') > 3


def test_with_a_token_nobody_gets_in_without(tmp_path: Path) -> None:
    with client(tmp_path, TOKEN) as asked:
        for path in ("/", "/_dash-layout", f"/?token={TOKEN[:-1]}", "/?token=", "/?token=%ff", f"/?x={TOKEN}"):
            answer = asked.get(path, headers=HOST)
            assert answer.status_code == 403
            assert TOKEN not in answer.text
        entered = asked.get(f"/?token={TOKEN}", headers=HOST)
        assert (entered.status_code, entered.headers["Location"]) == (303, "/")
        cookie = entered.headers["Set-Cookie"]
        assert cookie == f"{COOKIE}={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
        assert asked.get("/", headers={**HOST, "Cookie": f"{COOKIE}=wrong"}).status_code == 403
        assert asked.get("/", headers={**HOST, "Cookie": cookie.split(";")[0]}).status_code == 200
        assert asked.get("/", headers={"Host": "evil.example", "Cookie": cookie.split(";")[0]}).status_code == 421


def test_loopback_is_loopback() -> None:
    assert [is_loopback(one) for one in ("localhost", "127.0.0.1", "127.9.9.9", "::1")] == [True] * 4
    assert [is_loopback(one) for one in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")] == [False] * 5
    assert "0.0.0.0" not in reachable_names("0.0.0.0")
    assert allowed_hosts(["::1", "LocalHost"], 80) == {"[::1]:80", "[::1]", "localhost:80", "localhost"}


def test_a_port_that_is_taken_is_said() -> None:
    server = bind_server("127.0.0.1", 0, None)
    with pytest.raises(InputError, match=rf"--port {server.port}: cannot listen there .*choose another --port"):
        bind_server("127.0.0.1", server.port, None)
    server.server_close()


def behind(tmp: Path, token: str | None, *hosts: str, prefix: str = "") -> Any:
    policy = Policy(allowed_hosts(reachable_names("127.0.0.1"), PORT), token, Gateway(frozenset(hosts), prefix))
    return make_app(StudyStore(tmp, tmp / "cache"), policy, {}).server.test_client(use_cookies=False)


def test_a_public_name_is_known_to_the_letter_and_over_https(tmp_path: Path) -> None:
    asked = behind(tmp_path, None, "studies.example.org", "localhost:9000")
    for host in ("studies.example.org", "studies.example.org:443", "localhost:9000", f"127.0.0.1:{PORT}"):
        assert asked.get("/", headers={"Host": host}).status_code == 200
    for host in ("studies.example.org:8080", "localhost", "localhost:443", "x.studies.example.org", "example.org"):
        assert asked.get("/", headers={"Host": host}).status_code == 421
    public = {"Host": "studies.example.org"}
    for origin in ("https://studies.example.org", "http://studies.example.org"):
        assert asked.post(POST, json={}, headers={**public, "Origin": origin}).status_code != 403
    for origin in (
        "https://example.org",
        f"https://127.0.0.1:{PORT}",
        "studies.example.org",
        "ftp://localhost:9000",
    ):
        assert asked.post(POST, json={}, headers={**public, "Origin": origin}).status_code == 403


def test_below_a_prefix_with_or_without_it(tmp_path: Path) -> None:
    """A proxy may hand the path on as it is, or take its own part off."""
    asked = behind(tmp_path, TOKEN, prefix="/proxy/8050")
    entered = asked.get(f"/proxy/8050/?token={TOKEN}", headers=HOST)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/proxy/8050/")
    cookie = entered.headers["Set-Cookie"]
    assert cookie == f"{COOKIE}={TOKEN}; Path=/proxy/8050/; HttpOnly; SameSite=Strict"
    headers = {**HOST, "Cookie": cookie.split(";")[0]}
    for path in ("/proxy/8050/", "/"):
        page = asked.get(path, headers=headers)
        assert page.status_code == 200
        assert page.text.count("<script src=") == page.text.count('<script src="/proxy/8050/_dash-component') > 3
    for path in ("/proxy/8050/_dash-layout", "/_dash-layout"):
        assert asked.get(path, headers=headers).status_code == 200
    bare = asked.get("/proxy/8050", headers=headers)
    assert (bare.status_code, bare.headers["Location"]) == (303, "/proxy/8050/")
    assert asked.get("/proxy/8051/", headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["/proxy/8050/", "/proxy/8050/_dash-layout", "/proxy/8050/_favicon.ico"])
def test_a_proxys_path_gets_the_advice(path: str, asked: Any) -> None:
    answer = asked.get(path, headers=HOST)
    assert answer.status_code == 404
    assert answer.text.endswith("; behind a path of a proxy, start it with --prefix /proxy/8050\n")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proxy", "/<b>/", "/a b/", "/%0d%0aX/", "//", "/../", "/x" * 9 + "/"]
)
def test_no_other_path_is_repeated(path: str, asked: Any) -> None:
    answer = asked.get(path, headers=HOST)
    assert answer.status_code == 404
    assert answer.text == "scalesearch dashboard: there is no such page\n"


def test_names_and_paths_are_checked() -> None:
    assert checked_public_host("Studies.example.org:8443") == "studies.example.org:8443"
    assert [checked_prefix(path) for path in ("", "/", "/a", "/a/b/")] == ["", "", "/a", "/a/b"]
    for name in ("", "http://a", "a b", "a/b", "a:b", "*"):
        with pytest.raises(InputError, match=r"^--public-host "):
            checked_public_host(name)
    for path in ("a", "/a b", "/a?b", "/a//b", "http://a/b", "/a/../b", "/..", "/./a"):
        with pytest.raises(InputError, match=r"^--prefix "):
            checked_prefix(path)
