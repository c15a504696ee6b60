"""`python -m scalesearch`."""

from scalesearch.cli.main import run

run()
