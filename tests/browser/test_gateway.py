"""The dashboard behind a real reverse proxy, under a path and another name; the path is taken off or not."""

from __future__ import annotations

import http.client
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsing import watched
from planted import study

from scalesearch.study.study import open_or_create

pytestmark = pytest.mark.browser
PREFIX = "/proxy/8050"


@contextmanager
def proxy(strip: bool) -> Iterator[tuple[http.server.ThreadingHTTPServer, dict[str, int]]]:
    """Hands requests below the prefix on to a port that is set later, Host header and all."""
    target: dict[str, int] = {}

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._hand_on()

        def do_POST(self) -> None:
            self._hand_on()

        def _hand_on(self) -> None:
            if not self.path.startswith(PREFIX):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection("127.0.0.1", target["port"])
            path = self.path.removeprefix(PREFIX) if strip else self.path
            connection.request(self.command, path, body or None, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server, target
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("strip", [True, False])
def test_every_request_goes_below_the_prefix(strip: bool, browser: Any, tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "results" / "good"))
    with proxy(strip) as (server, target):
        name = f"localhost:{server.server_port}"
        words = ["dashboard", str(tmp_path / "results"), "--port", "0", "--public-host", name, "--prefix", PREFIX]
        process = subprocess.Popen(
            [sys.executable, "-m", "scalesearch", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            own, public = (process.stdout.readline().strip() for _ in range(2))
            assert public == f"http://{name}{PREFIX}/"
            target["port"] = int(own.split(":")[2].split("/")[0])
            page = watched(browser, public)
            page.open()
            page.choose("good")
            page.page.wait_for_selector("#progress-figures > *")
            page.page.close()
            assert page.wrong == []
        finally:
            process.terminate()
            _, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
