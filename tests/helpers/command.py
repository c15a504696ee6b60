"""Run the real command line in a process of its own."""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

LIBRARIES = [
    "PIL.Image",
    "fvcore.nn",
    "numpy",
    "optuna",
    "pandas",
    "plotly.graph_objects",
    "plotly.subplots",
    "pyarrow.parquet",
    "pydantic",
    "ray.tune",
    "rich.console",
    "rich.progress",
    "rich.table",
    "safetensors.torch",
    "scalesearch.cli.search_command",
    "scalesearch.nets.flops",
    "scalesearch.proxy.objective",
    "scalesearch.report.files",
    "scalesearch.study.search",
    "scipy.stats",
    "sklearn.datasets",
    "torch._dynamo",
    "typer",
    "yaml",
]
"""What most verbs import, for seconds: loaded once, by a server that every process is forked from."""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(LIBRARIES)


def scalesearch(
    *words: str, cwd: Path | None = None, timeout: float = 300, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """`scalesearch …`, with its cache beside its results, on streams of an encoding."""
    environment = dict(os.environ)
    # Ray leaves it where it was started; the server has imported Ray without it, and would have no token.
    environment.pop("RAY_AUTH_MODE", None)
    if cwd is not None:
        environment["XDG_CACHE_HOME"] = str(cwd / ".cache")
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _SERVER.Process(
            target=_main, args=(words, str(cwd or Path.cwd()), environment, out, err, encoding)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(["scalesearch", *words], timeout, out.read_bytes(), err.read_bytes())
        return subprocess.CompletedProcess(
            ["scalesearch", *words], process.exitcode, out.read_text(encoding), err.read_text(encoding)
        )


def scalesearch_timed(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """One that times networks, tried again where times scattered by more than the tolerance."""
    for _ in range(5):
        done = scalesearch(*words, cwd=cwd)
        if done.returncode == 0:
            break
        assert "time them on a quieter machine" in done.stderr
    assert done.returncode == 0, done.stderr
    return done


def _main(
    words: tuple[str, ...], cwd: str, environment: dict[str, str], out: Path, err: Path, encoding: str
) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding, line_buffering=True)
    sys.argv = ["scalesearch", *words]
    sys.path.insert(0, "")  # as `python -m scalesearch` has it: a user's own module lies in the working directory
    from scalesearch.cli.main import main

    try:
        main()
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
