"""The command line as it was typed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scalesearch.redaction import redacted_command


def typed_command() -> str:
    """For the line that says how to go on: with the path where one was typed, as .venv/bin/scalesearch."""
    program = sys.argv[0]
    typed = os.sep in program and Path(program).name == "scalesearch" and not Path(program).is_absolute()
    return redacted_command([program if typed else "scalesearch", *sys.argv[1:]])


def plain_command() -> str:
    """For files: without the place of the program."""
    return redacted_command(["scalesearch", *sys.argv[1:]])
