"""Starts a private Ray on this machine: on loopback, with its own token, in a folder with a short name.

Also checks that a cluster which a run joins requires a token.
"""

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
"""The token of every Ray that this process starts: workers get it through their environment, no file holds it."""


@contextmanager
def loopback_with_token() -> Iterator[None]:
    """Make a Ray that is started in this context listen on loopback only and require the token.

    By default Ray replaces a loopback address by the machine's own address and then listens on every interface. It
    keeps the loopback address where clusters are disabled (as they are on Windows and macOS). Ray's own token would
    lie in the home folder, readable by everybody who has an account (2.60: mode 0644).
    """
    before = dict(os.environ)
    cluster_enabled = ray_constants.ENABLE_RAY_CLUSTER
    os.environ[ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR] = "0"
    os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _TOKEN})
    ray_constants.ENABLE_RAY_CLUSTER = False  # it was read from the environment when Ray was imported
    _read_environment_again()
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = cluster_enabled
        for name in (ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)
        _read_environment_again()


@contextmanager
def shield_from_job_signals() -> Iterator[None]:
    """Make Ray's processes that start in this context block the warning signals of job schedulers.

    SLURM may send SIGUSR1 to all processes of a job. The signal would kill Ray's processes before the driver can
    end the search in order. The signals are blocked, because processes inherit a signal mask but no handler. What
    arrives meanwhile is delivered when Ray has started. SIGTERM keeps the driver's handler, which Ray would replace
    by its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    warnings = {getattr(signal, name) for name in ("SIGUSR1", "SIGHUP") if hasattr(signal, name)}
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, *warnings)}
    set_handler = ray_utils.set_sigterm_handler
    ray_utils.set_sigterm_handler = lambda _: None
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, warnings)
    try:
        yield
    finally:
        ray_utils.set_sigterm_handler = set_handler
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)  # delivers what arrived meanwhile


def _read_environment_again() -> None:
    """Make Ray read the environment again: otherwise it keeps its first reading until the process ends."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


_PREFIX, _SHORT_PREFIX = "scalesearch-ray-", "ssray-"


@contextmanager
def temporary_folder() -> Iterator[str]:
    """Create a folder for Tune's files, which nobody reads, and remove it at the end.

    Folders that killed runs of this account left behind are removed first.
    """
    remove_leftovers(Path(tempfile.gettempdir()))
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders of this account's runs that were killed before they could remove them."""
    for path in [*folder.glob(f"{_PREFIX}*-*"), *folder.glob(f"{_SHORT_PREFIX}*-*")]:
        pid = path.name.removeprefix(_PREFIX).removeprefix(_SHORT_PREFIX).split("-")[0]
        with suppress(OSError):
            is_own = path.lstat().st_uid == os.getuid() and path.is_dir() and not path.is_symlink()
            if is_own and pid.isdigit() and not _is_alive(int(pid)):
                shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another account's
        return True
    return True


@contextmanager
def session_folder() -> Iterator[str | None]:
    """Create a folder for a local Ray's sockets; None where the default temporary folder's name is short enough.

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


_PROBE = """
import sys
from ray._raylet import GcsClient
GcsClient(address=sys.argv[1]).internal_kv_keys(b"", None)
print("answered")
"""
_PROBE_SECONDS = 30


def require_token(address: str) -> None:
    """Refuse the cluster that this process has joined if it answers a client without a token.

    Whoever reaches such a cluster can run code on all of its nodes. The check probes the cluster from a process
    that has no token, since the cluster's own settings cannot be read from outside. Behind `ray://` the head cannot
    be probed: there this process itself must be configured to use a token.

    Raises:
        InputError: the cluster requires no token.
    """
    unauthenticated = InputError(
        f"--address {address}: the cluster asks for no token, so any visitor runs code on its nodes; start "
        "it with RAY_AUTH_MODE=token, or give --insecure-cluster"
    )
    if address.startswith("ray://"):
        if os.environ.get("RAY_AUTH_MODE") != "token":
            raise unauthenticated
        return
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "disabled"}
    command = [sys.executable, "-c", _PROBE, ray.get_runtime_context().gcs_address]
    try:
        result = subprocess.run(  # noqa: S603 (our own program)
            command, env=environment, capture_output=True, text=True, check=False, timeout=_PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return
    if "answered" in result.stdout:
        raise unauthenticated
