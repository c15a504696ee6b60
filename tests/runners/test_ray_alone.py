"""A local search's Ray cannot be reached from outside, nor by another account of the machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scalesearch.runners.ray_alone import loopback_with_token

LISTENERS = """
import json, os, socket, subprocess, sys
import ray
from scalesearch.runners.ray_tune import RayRunner

outside = ray.util.get_node_ip_address()
with RayRunner(cores=1).session():
    @ray.remote
    def number():
        return 7
    assert ray.get(number.remote()) == 7
    rows = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout.splitlines()
    places = [row.split()[3] for row in rows]
    reached = []
    for place in places:
        try:
            socket.create_connection((outside, int(place.rpartition(":")[2])), 2).close()
            reached.append(place)
        except OSError:
            pass
    home = [str(path) for path in __import__("pathlib").Path.home().rglob("*token*")]
    print(json.dumps({"outside": outside, "places": places, "reached": reached, "home": home}))
"""
WATCH = """
import json, subprocess, sys, time
process = subprocess.Popen([sys.executable, "-m", "scalesearch", *sys.argv[1:]], stdout=subprocess.DEVNULL)
places = set()
while process.poll() is None:
    rows = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout.splitlines()
    places.update(row.split()[3] for row in rows)
    time.sleep(0.1)
print(json.dumps({"code": process.returncode, "places": sorted(places)}))
"""
LOOPBACK = {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


@pytest.fixture
def apart() -> list[str]:
    """Words before a command that let it run where loopback is one of two addresses of the machine."""
    addresses = "ip addr add 10.9.8.7/24 dev lo && ip route add default via 10.9.8.1 dev lo"
    words = ["unshare", "--net", "sh", "-c", f'ip link set lo up && {addresses} && exec "$@"', "sh"]
    if (
        not all(map(shutil.which, ("unshare", "ip", "ss")))
        or subprocess.run([*words, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no network namespace can be made here: it takes root, iproute2 and unshare")
    return words


def hosts(places: list[str]) -> set[str]:
    return {place.rpartition(":")[0].strip("[]") for place in places}


@pytest.mark.slow  # Ray starts
def test_listeners_are_on_loopback_on_a_machine_with_another_address(apart: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*apart, sys.executable, "-c", LISTENERS],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["outside"] == "10.9.8.7"  # what Ray listens for by default
    assert len(seen["places"]) >= 5
    assert hosts(seen["places"]) <= LOOPBACK
    assert seen["reached"] == []
    assert seen["home"] == []


@pytest.mark.slow  # a search and a training
@pytest.mark.parametrize(
    "words",
    [
        ("grid", "--baseline", "tiny", "--budget", "smoke", "--data", "digits"),
        ("train", "tiny", "--budget", "smoke", "--resolution", "16", "--epochs", "3", "--workers", "2"),
    ],
    ids=lambda words: words[0],
)
def test_no_command_of_one_machine_listens_beyond_it(
    words: tuple[str, ...], apart: list[str], tmp_path: Path
) -> None:
    """From its start to its end; a training's workers speak to one another as well."""
    done = subprocess.run(
        [*apart, sys.executable, "-c", WATCH, *words],
        env={**os.environ, "HOME": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["code"] == 0, done.stderr
    assert len(seen["places"]) >= 5
    assert hosts(seen["places"]) <= LOOPBACK


INTRUDER = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None)
print("in")
"""


@pytest.mark.slow  # Ray starts
def test_nobody_gets_in_without_the_token(tmp_path: Path) -> None:
    import ray

    from scalesearch.runners.ray_tune import RayRunner

    def ask(**more: str) -> str:
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | more
        command = [sys.executable, "-c", INTRUDER, address]
        try:
            done = subprocess.run(
                command, env={**env, "HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=30
            )
        except subprocess.TimeoutExpired:
            return "refused"
        return done.stdout.strip() or "refused"

    if ray.is_initialized():
        ray.shutdown()
    with RayRunner(cores=1).session():
        address = ray.get_runtime_context().gcs_address
        assert ask() == "refused"
        assert ask(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64) == "refused"
        assert ask(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=os.environ["RAY_AUTH_TOKEN"]) == "in"


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "mine")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    before = dict(os.environ)
    with loopback_with_token():
        assert os.environ["RAY_AUTH_MODE"] == "token"
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert dict(os.environ) == before


PORT = 6411


@contextmanager
def head(command: str, env: dict[str, str]) -> Iterator[None]:
    """A real head in a session of its own, so that it can be ended without any other Ray of the machine."""
    start = [command, "start", "--head", "--block", f"--port={PORT}", "--num-cpus=2", "--include-dashboard=false"]
    process = subprocess.Popen(
        start, env=env, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", PORT), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow  # a head starts
def test_a_cluster_with_a_token_is_joined_and_one_without_refused(tmp_path: Path) -> None:
    """A real head, with and without token authentication, and the real command."""
    base = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {
        "HOME": str(tmp_path)
    }
    ray_command = str(Path(sys.executable).with_name("ray"))
    words = (
        "grid",
        "--baseline",
        "tiny",
        "--budget",
        "smoke",
        "--data",
        "digits",
        "--address",
        f"127.0.0.1:{PORT}",
    )
    search = [sys.executable, "-m", "scalesearch", *words]
    for mode, extra, code in (("disabled", [], 2), ("token", [], 0), ("disabled", ["--insecure-cluster"], 0)):
        env = base | {"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": "f" * 64, "XDG_CACHE_HOME": str(tmp_path / "cache")}
        with head(ray_command, env):
            done = subprocess.run(
                [*search, "--name", f"{mode}{len(extra)}", *extra],
                env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
            )  # fmt: skip
        assert done.returncode == code, done.stderr
        if code:
            assert "the cluster asks for no token, so any visitor runs code on its nodes" in done.stderr
            assert "or give --insecure-cluster" in done.stderr
