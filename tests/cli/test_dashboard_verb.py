"""`scalesearch dashboard`: what it refuses, what it prints, and that it serves until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from command import scalesearch
from planted import study

from scalesearch.study.study import open_or_create


def test_check_lists_studies_and_what_is_wrong(tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "results" / "good"))
    (tmp_path / "results" / "torn").mkdir()
    (tmp_path / "results" / "torn" / "study.json").write_text("{")
    done = scalesearch("dashboard", "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "2 studies below results\n"
        "good: no trial yet, 0 trials; tiny, φ = 1, budget smoke, multiply-adds matched\n"
        "torn: cannot be read, 0 trials; study.json: it is not a whole study.json; restore it from a copy, or "
        "begin anew under another --name\n"
    )


def test_a_folder_that_is_none_is_2(tmp_path: Path) -> None:
    done = scalesearch("dashboard", "nowhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "scalesearch: nowhere: is not a folder; give one with studies below it\n"


def test_other_machines_need_leave(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.0.2.7", "example.org"):
        done = scalesearch("dashboard", ".", "--host", host, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(
            f"scalesearch: --host {host}: other machines could reach it; add --allow-remote"
        )


def test_a_public_name_needs_leave_unless_it_is_loopback(tmp_path: Path) -> None:
    done = scalesearch("dashboard", ".", "--public-host", "studies.example.org", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scalesearch: --public-host studies.example.org: users of that name")
    done = scalesearch(
        "dashboard", ".", "--public-host", "localhost:9000", "--prefix", "/x", "--check", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def _ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("before", [_heed_ctrl_c, _ignore_ctrl_c], ids=["heeded", "ignored"])
def test_it_serves_with_a_token_until_ctrl_c(before: Callable[[], None], tmp_path: Path) -> None:
    """Also where a shell's background or nohup has it ignored."""
    words = [sys.executable, "-m", "scalesearch", "dashboard", str(tmp_path), "--port", "0", "--allow-remote"]
    environment = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, preexec_fn=before
    ) as process:
        try:
            _opens_with_its_token_alone(process)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")


def _opens_with_its_token_alone(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    bare, _, token = address.partition("?token=")
    assert len(token) == 43
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(bare)
    with opener.open(address, timeout=60) as page:
        assert page.url == bare
        assert b"_dash-config" in page.read()
