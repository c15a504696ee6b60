"""The command line as the user typed it, without secrets."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scalesearch.redaction import redacted_command


def typed_command() -> str:
    """Return the command for the message that says how to resume.

    A relative path of the program, such as .venv/bin/scalesearch, is kept.
    """
    program = sys.argv[0]
    keeps_path = os.sep in program and Path(program).name == "scalesearch" and not Path(program).is_absolute()
    return redacted_command([program if keeps_path else "scalesearch", *sys.argv[1:]])


def plain_command() -> str:
    """Return the command for files, without the path of the program."""
    return redacted_command(["scalesearch", *sys.argv[1:]])
