"""Files of a function's family: what is written is read back, and what is wrong is named with its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from scalesearch.design.factory_call import FactoryCall, call_text, factory_name, parse_call, read_call
from scalesearch.design.networks import load_network
from scalesearch.errors import InputError

TEXT = "# a comment\nfactory: mine:build\ndepth: 1.9\nwidth: 1\nresolution: 37\nnominal_flops_ratio: 3.8\n"


def test_a_file_is_a_call() -> None:
    assert parse_call(TEXT, "phi1.yaml") == FactoryCall("mine:build", Decimal("1.9"), Decimal(1), 37)
    assert parse_call("factory: a.b:c\n", "x.yaml") == FactoryCall("a.b:c")


@pytest.mark.parametrize("seed", range(50))
def test_what_is_written_is_read_back(seed: int) -> None:
    random = Random(seed)
    call = FactoryCall(
        random.choice(("m:f", "package.module_2:build_it")),
        Decimal(random.randint(1, 64 * 10**12)).scaleb(-12),
        Decimal(random.randint(1, 64 * 10**12)).scaleb(-12),
        random.choice((None, random.randint(1, 16384))),
        random.choice((None, f"{random.getrandbits(256):064x}")),
    )
    assert parse_call(call_text(call), "x.yaml") == call
    assert parse_call(call_text(call, Decimal("2.00001")), "x.yaml") == call


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TEXT.replace("1.9", "0"), "3: depth: "),
        (TEXT.replace("1.9", "65"), "3: depth: "),
        (TEXT.replace("width: 1", "width: wide"), "4: width: "),
        (TEXT.replace("37", "16385"), "5: resolution: "),
        (TEXT.replace("37", "37.5"), "5: resolution: "),
        (TEXT.replace("mine:build", "mine.build"), "2: factory: "),
        (TEXT.replace("width", "widht"), "4: widht: is not a key here"),
        (TEXT + "source_sha256: abc\n", "7: source_sha256: "),
    ],
)
def test_a_wrong_value_is_named_with_its_line(text: str, line: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_call(text, "phi1.yaml")
    assert str(caught.value).startswith(f"phi1.yaml:{line}")
    assert "\n" not in str(caught.value)


def test_networks_of_stages_are_no_calls(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nstages: []\nfactory: a:b\n")
    assert read_call(str(path)) is None
    assert read_call("b0") is None
    assert read_call("mine:build") == FactoryCall("mine:build")
    path.write_text(TEXT)
    assert read_call(str(path)) == FactoryCall("mine:build", Decimal("1.9"), Decimal(1), 37)


def test_names_are_those_of_files() -> None:
    assert factory_name("My.Net:build") == "my.net-build"
    assert factory_name("_:_") == "factory"
    assert len(factory_name(f"{'m' * 80}:f")) == 57


def test_a_function_is_no_network_of_stages() -> None:
    with pytest.raises(InputError, match="'mine:build': is a Python function, but a network of stages is needed"):
        load_network("mine:build")
