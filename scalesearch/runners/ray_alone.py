"""A Ray that serves one run on one machine: on loopback, with a token of its own, in a folder with a short name."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ray
from ray._private import ray_constants
from ray._private import utils as ray_utils
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]  # compiled

from scalesearch.errors import InputError

LOOPBACK = "127.0.0.1"

_TOKEN = secrets.token_hex(32)
"""One for every Ray of this process: Ray's workers get it through their environment, and no file holds it."""


@contextmanager
def loopback_with_token() -> Iterator[None]:
    """While it is active a Ray that is started listens on loopback alone, and asks everybody for the token.

    By default Ray replaces a loopback address by the machine's own and then listens on every interface; it does not
    where it was told that there is no cluster (as it is on Windows and macOS). Its own token lies in the home
    folder, readable by everybody who has an account (2.60: mode 0644).
    """
    before = dict(os.environ)
    clusters = ray_constants.ENABLE_RAY_CLUSTER
    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"
    os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _TOKEN})
    ray_constants.ENABLE_RAY_CLUSTER = False  # it was read from the environment when Ray was imported
    _read_environment_again()
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters
        for name in (ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)
        _read_environment_again()


@contextmanager
def shield_from_job_signals() -> Iterator[None]:
    """While Ray starts, its processes learn to leave the early warnings of job schedulers alone.

    SLURM may send SIGUSR1 to all processes of a job, which would end Ray's own before the driver can end the search
    in order. Here such a signal waits until Ray has started: it is blocked, which processes inherit as they do not
    inherit a handler. SIGTERM stays with the driver's handler, which Ray would replace by its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    warnings = {getattr(signal, name) for name in ("SIGUSR1", "SIGHUP") if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, *warnings)}
    take_over = ray_utils.set_sigterm_handler
    ray_utils.set_sigterm_handler = lambda _: None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, warnings)
    try:
        yield
    finally:
        ray_utils.set_sigterm_handler = take_over
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # what came meanwhile is heard now


def _read_environment_again() -> None:
    """Ray keeps what it read of the environment for as long as the process lives."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


_PREFIX, _SHORT_PREFIX = "scalesearch-ray-", "ssray-"


@contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder for Tune's files, which nobody reads; those that killed runs of this account left go first."""
    remove_leftovers(Path(tempfile.gettempdir()))
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of this account's runs that have ended without doing so."""
    for path in [*folder.glob(f"{_PREFIX}*-*"), *folder.glob(f"{_SHORT_PREFIX}*-*")]:
        process = path.name.removeprefix(_PREFIX).removeprefix(_SHORT_PREFIX).split("-")[0]
        with suppress(OSError):
            is_own = path.lstat().st_uid == os.getuid() and path.is_dir() and not path.is_symlink()
            if is_own and process.isdigit() and not _is_alive(int(process)):
                shutil.rmtree(path, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another account's
        return True
    return True


@contextmanager
def session_folder() -> Iterator[str | None]:
    """A folder for a local Ray's sockets; None where the temporary folder's name is short enough for them.

    Raises:
        InputError: the temporary folder's name is too long for a socket, and no short folder can be written.
    """
    name = next((name for name in ("RAY_TMPDIR", "TMPDIR") if os.environ.get(name)), "")
    if len(os.fsencode(os.environ.get(name, ""))) <= _LONGEST_TEMPORARY_FOLDER:
        yield None
        return
    try:
        folder = tempfile.mkdtemp(prefix=f"{_SHORT_PREFIX}{os.getpid()}-", dir=_SHORT_TEMPORARY_FOLDER)
    except OSError as error:
        raise InputError(
            f"{name}: is longer than the {_LONGEST_TEMPORARY_FOLDER} characters that Ray's sockets leave for it, "
            f"and {_SHORT_TEMPORARY_FOLDER} cannot be written ({error.strerror}); set {name} to a shorter folder"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_SHORT_TEMPORARY_FOLDER = "/tmp"  # noqa: S108 (a folder of its own is made in it)
_LONGEST_TEMPORARY_FOLDER = 35
"""A socket's path has at most 103 bytes on macOS, of which Ray's names of session and socket take up to 68."""


_STRANGER = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None)
print("answered")
"""
_ANSWER_SECONDS = 30


def require_token(address: str) -> None:
    """Refuse the cluster that this process has joined where it answers those who have no token.

    Whoever reaches such a cluster runs code on all of its nodes. It is asked as a stranger would, from a process
    that has no token, since the cluster's own settings cannot be read from outside. Behind `ray://` the head cannot
    be asked: there this process must have been told to use a token.

    Raises:
        InputError: it answers.
    """
    refused = InputError(
        f"--address {address}: the cluster asks for no token, so whoever reaches it runs code on its nodes; start "
        "it with RAY_AUTH_MODE=token, or give --insecure-cluster"
    )
    if address.startswith("ray://"):
        if os.environ.get("RAY_AUTH_MODE") != "token":
            raise refused
        return
    stranger = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    stranger |= {"RAY_AUTH_MODE": "disabled"}
    command = [sys.executable, "-c", _STRANGER, ray.get_runtime_context().gcs_address]
    try:
        done = subprocess.run(  # noqa: S603 (our own program)
            command, env=stranger, capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS
        )
    except subprocess.TimeoutExpired:
        return
    if "answered" in done.stdout:
        raise refused
