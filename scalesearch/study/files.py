"""File operations: atomic and durable writes, and reads that never block."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from scalesearch.errors import StorageError


def create_atomically(path: Path, text: str) -> bool:
    """Write a file that does not exist yet, durably; return False and change nothing if it exists.

    The text is written to a temporary file and synced. The file is then linked to its name, and the folder is
    synced. A crash at any moment leaves the complete file or none.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        temporary = _write_temporary(path, text)
        try:
            # A link fails where the name exists; a rename would replace the file.
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    return True


def replace_atomically(path: Path, text: str | bytes) -> None:
    """Write or replace a derived file in one step.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        _write_temporary(path, text).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error


def read_file(path: Path) -> bytes:
    """Return the content of a regular file.

    A pipe or a device raises an error at once, because reading it might never end.

    Raises:
        OSError: the file cannot be read, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a pipe would wait for a process that writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is not a regular file", str(path))
        return stream.read()


def json_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the regular files `*.json` of a folder, sorted by name, and the names of other entries `*.json`.

    Both are empty if the folder does not exist. Other entries are pipes, sockets, devices, folders and broken
    links. They are not records of trials and are not read.

    Raises:
        StorageError: the folder cannot be read.
    """
    files: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    (files if entry.is_file() else others).append(entry.name)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise StorageError(f"{folder}: cannot be read ({error.strerror}); let this account read it") from error
    return [folder / name for name in sorted(files)], sorted(others)


def make_folder(path: Path) -> None:
    """Create a folder and its parents.

    Raises:
        StorageError: the folder cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error


def _write_temporary(path: Path, text: str | bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    data = text.encode() if isinstance(text, str) else text
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: the disk refused it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_folder(folder: Path) -> None:
    """Check, before any work, that a folder can be created.

    Raises:
        StorageError: the folder, or what should be one above it, is a file.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise storage_error(folder, OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error of a file that the system refused to write, on one line with a remedy."""
    is_unusable = error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EACCES, errno.EPERM)
    remedy = "choose another folder" if is_unusable else "free space or choose another folder"
    return StorageError(f"{path}: cannot be written ({error.strerror}); {remedy}")
