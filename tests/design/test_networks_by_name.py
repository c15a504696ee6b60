"""Finding networks: shipped, published, the user's own; and what a scaled one was made from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from networks import SMALL, rows

from scalesearch.design.baseline_file import baseline_text
from scalesearch.design.baselines import baseline_names, load_baseline
from scalesearch.design.coefficients import Multipliers
from scalesearch.design.cost import cost
from scalesearch.design.networks import load_network, load_origin
from scalesearch.errors import InputError

TWICE = Multipliers(Decimal(2), Decimal("1.5"), Decimal("1.25"))


@pytest.mark.parametrize("row", rows("published_family.csv")[1:], ids=lambda row: row["name"])
def test_published_members_have_names(row: dict[str, str]) -> None:
    found = load_network(row["name"])
    assert found.name == row["name"]
    assert found.architecture.resolution == int(row["resolution"])
    assert found.origin is not None
    assert found.origin.multipliers.depth == Decimal(row["depth"])
    assert load_origin(found, row["name"]) == load_baseline("b0")


def test_v2_members_and_baselines_have_names_too() -> None:
    costs = {one["model"]: int(one["macs_conv_linear"]) for one in rows("published_costs.csv")}
    assert cost(load_network("efficientnet_v2_b2").architecture).macs == costs["tf_efficientnetv2_b2"]
    for name in baseline_names():
        assert load_network(name) == load_baseline(name)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"; did you mean efficientnet_lite4\?$"):
        load_network("efficientnet_lite44")
    with pytest.raises(InputError, match=r"a path to a .yaml$"):
        load_network("zzz")
    with pytest.raises(InputError, match=r"network 'b8': is none of b0, .*, b7, efficientnet_v2_b1, "):
        load_network("b8")


def test_a_file_beside_a_member_is_its_baseline(tmp_path: Path) -> None:
    member = SMALL.scale(TWICE, name="larger")
    path = tmp_path / "larger.yaml"
    path.write_text(baseline_text(member))
    found = load_network(str(path))
    assert found == member
    with pytest.raises(InputError, match=r"was scaled from 'small', which is not shipped; put .*small.yaml beside"):
        load_origin(found, str(path))
    (tmp_path / "small.yaml").write_text(baseline_text(SMALL))
    assert load_origin(found, str(path)) == SMALL


def test_a_baseline_with_other_stages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "larger.yaml"
    member = SMALL.scale(TWICE, name="larger")
    path.write_text(baseline_text(member))
    net = SMALL.architecture
    for other in (
        replace(net, stages=net.stages[:-1]),
        replace(net, head=replace(net.head, width=None)),
    ):
        (tmp_path / "small.yaml").write_text(baseline_text(replace(SMALL, architecture=other)))
        with pytest.raises(InputError, match="has other stages than its baseline 'small'"):
            load_origin(member, str(path))


def test_a_baseline_itself_has_no_origin() -> None:
    with pytest.raises(InputError, match="b0: was not scaled"):
        load_origin(load_baseline("b0"), "b0")
