"""The dashboard goes on whatever lies below its folder and whatever is sent to it."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from planted import study

from scalesearch.report.dashboard import server as server_module
from scalesearch.report.dashboard.server import bind_server
from scalesearch.study.study import open_or_create

ROOT = Path(__file__).parents[2]


@contextmanager
def serving(results: Path) -> Iterator[tuple[str, int, subprocess.Popen[str]]]:
    """The real command; its address and its port."""
    words = [sys.executable, "-m", "scalesearch", "dashboard", str(results), "--port", "0"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=results,
        env={**os.environ, "XDG_CACHE_HOME": str(results / ".cache")},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate()[1]
        yield address, int(address.split(":")[2].strip("/")), process
    finally:
        process.terminate()
        process.wait(60)


def callback(address: str, body: bytes) -> tuple[int, bytes]:
    request = urllib.request.Request(
        f"{address}_dash-update-component", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


AS_NOBODY = """
import os, sys
from pathlib import Path
import pyarrow.parquet, yaml
from scalesearch.cli.dashboard import _print_studies
from scalesearch.report.dashboard.store import StudyStore
from scalesearch.report.dashboard.status_text import problems
os.setuid(65534)  # the interpreter itself may lie where nobody else can read it
watch = StudyStore(Path(sys.argv[1]), Path(sys.argv[1]) / "cache")
_print_studies(watch)
for name in watch.names():
    view = watch.snapshot(name)
    print(name, problems(view))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account that may read nothing")
def test_unreadable_folders_are_named_and_the_others_shown(tmp_path: Path) -> None:
    for above in [tmp_path, *tmp_path.parents][:4]:
        above.chmod(0o755)
    results = tmp_path / "results"
    for name in ("good", "shut", "half", "piped", "no file", "endless"):
        open_or_create(study(results / name))
    os.mkfifo(results / "piped" / "trials" / "a.json")
    for name in ("no file", "endless"):
        (results / name / "study.json").unlink()
    os.mkfifo(results / "no file" / "study.json")
    (results / "endless" / "study.json").symlink_to("/dev/zero")
    (results / "half" / "winner.yaml").touch()
    (results / "half" / "trials").chmod(0)
    (results / "shut").chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(results)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    listed = dict(line.split(":", 1) for line in done.stdout.splitlines()[1:7])
    assert set(listed) == {"good", "half", "piped", "shut", "no file", "endless"}
    assert "no trial yet, 0 trials" in listed["good"]
    assert "no trial yet, 0 trials" in listed["piped"]
    assert "cannot be read, 0 trials; trials: cannot be read (Permission denied)" in listed["half"]
    assert "cannot be read, 0 trials; study.json: is no regular file" in listed["no file"]
    assert "cannot be read, 0 trials; study.json: is no regular file" in listed["endless"]
    assert "cannot be read (Permission denied)" in listed["shut"]
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines()[7:])
    assert "This study cannot be read" in said["shut"]
    assert "Left out here: trials/ cannot be read (Permission denied)." in said["half"]
    assert "Left out here: a.json cannot be read (is not a regular file)." in said["piped"]
    assert "Delete such a file" not in "".join(said.values())


BODIES = [
    b"", b"{", b"[]", b"{}", b"null", b"7", b'"x"', b'{"output": 5}', b'{"output": "x"}', b'{"inputs": 3}',
    b'{"output":"x.y","inputs":[]}', b'{"output": "page.children", "inputs": [7]}',
    b'{"output": "x.children", "inputs": [{}], "state": 4}', b"\xff\xfe", b'{"output": "..", "inputs": []}' * 2,
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    results = tmp_path_factory.mktemp("faults") / "results"
    open_or_create(study(results / "good"))
    with serving(results) as (address, port, process):
        yield address, port
        process.terminate()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_brackets_without_end_are_400(server: tuple[str, int]) -> None:
    assert callback(server[0], b"[" * 40_000) == (400, b"scalesearch dashboard: is no request of this page\n")


@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_a_malformed_callback_is_400(body: bytes, server: tuple[str, int]) -> None:
    status, said = callback(server[0], body)
    assert status == 400
    assert said.startswith(b"scalesearch dashboard: ")
    assert said.count(b"\n") == 1


def test_an_address_that_is_none_is_400(server: tuple[str, int]) -> None:
    with socket.create_connection(("127.0.0.1", server[1]), 5) as connection:
        connection.sendall(b"GET http://[::1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_a_request_that_drips_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SILENCE_SECONDS", 0.6)
    answers = bind_server("127.0.0.1", 0, lambda _environ, start: (start("200 OK", []), [b"whole"])[1])
    Thread(target=answers.serve_forever, daemon=True).start()
    try:
        with socket.create_connection(("127.0.0.1", answers.port), 5) as connection:
            began = time.monotonic()
            with suppress(ConnectionError):  # sent to what is closed
                while time.monotonic() - began < 5:
                    connection.sendall(b"G")
                    time.sleep(0.1)
            assert time.monotonic() - began < 3
        with socket.create_connection(("127.0.0.1", answers.port), 5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        answers.shutdown()
        answers.server_close()


@pytest.mark.slow
def test_two_thousand_odd_requests_leave_it_serving(server: tuple[str, int]) -> None:
    """Bytes, torn headers, odd methods, paths and bodies, from a fixed seed; half of them are closed at once."""
    address, port = server
    draw = random.Random(17)
    began = time.monotonic()
    for _ in range(2000):
        method = draw.choice([b"GET", b"POST", b"PUT", b"\x00", b"OPTIONS", b"A" * 70000, b""])
        path = bytes(draw.randrange(256) for _ in range(draw.randrange(40)))
        lines = [b"Host: 127.0.0.1:%d" % port, b"Content-Length: -5", b"Content-Length: x", b"X: " + path, b"\xff"]
        head = b" ".join([method, b"/" + path, draw.choice([b"HTTP/1.1", b"HTTP/9", b""])])
        data = b"\r\n".join([head, *draw.sample(lines, draw.randrange(5))]) + b"\r\n\r\n" + path
        with socket.create_connection(("127.0.0.1", port), 5) as connection, suppress(ConnectionError):
            connection.sendall(data)
    assert time.monotonic() - began < 120
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200


@pytest.mark.slow  # half a minute of silence
def test_silent_connections_are_closed_and_few(server: tuple[str, int]) -> None:
    address, port = server
    no_progress = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(80)]
    time.sleep(1)
    refused = 0
    for connection in no_progress:
        connection.settimeout(0.05)
        try:
            refused += connection.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            refused += 1
    assert refused >= 80 - 64
    time.sleep(32)
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200
    for connection in no_progress:
        connection.settimeout(1)
        assert connection.recv(1) == b""
        connection.close()


def test_a_study_is_still_found_beside_a_loop(tmp_path: Path) -> None:
    results = tmp_path / "results"
    open_or_create(study(results / "good"))
    (results / "loop").symlink_to(results)
    shutil.copytree(results / "good", results / "deep" / "a" / "b")
    done = subprocess.run(
        [sys.executable, "-m", "scalesearch", "dashboard", str(results), "--check"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "good: " in done.stdout
