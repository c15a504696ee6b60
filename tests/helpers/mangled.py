"""Definitions with a few random characters changed, read or refused."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from scalesearch.errors import InputError
from scalesearch.export.import_definition import read_network


def read_mangled(texts: Sequence[str], letters: str, count: int, most_changes: int) -> tuple[int, list[str]]:
    """How many of `count` changed texts are read, and the errors of the others, each one line with its place.

    Args:
        texts: good definitions, of which each changed text is drawn.
        letters: the characters that others are changed to.
        count: the number of changed texts.
        most_changes: the largest number of characters that are changed in one.
    """
    read, refusals = 0, []
    for seed in range(count):
        random = Random(seed)
        text = list(random.choice(texts))
        for _ in range(random.randint(1, most_changes)):
            text[random.randrange(len(text))] = random.choice(letters)
        try:
            read_network("".join(text), "file.py")
            read += 1
        except InputError as error:
            refusals.append(str(error))
    assert all(line.startswith("file.py:") and "\n" not in line for line in refusals)
    return read, refusals
