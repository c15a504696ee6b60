"""Comparisons at two costs side by side: planted gains and leads are found, and the paper's stand beside them."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from networks import FIXTURES, staged
from planted import DATA, Planted, budget, study

from scalesearch.design.baselines import load_baseline
from scalesearch.design.cost import cost
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.kinds.rules import NAMED, RuleComparison
from scalesearch.search.plan import Plan
from scalesearch.search.ranking import Difference
from scalesearch.search.study_config import StudyConfig
from scalesearch.search.trial import Outcome
from scalesearch.study.cost_sweep import CostSweep, combine_comparisons
from scalesearch.study.kinds.rules import papers_gains
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study

COSTS = {Decimal(2): Decimal(1), Decimal(4): Decimal(2)}
"""By φ."""
SEEDS = 3
ROOT = Path(__file__).parent.parent.parent
REFERENCES = {
    times: ROOT / "tests" / "fixtures" / "studies" / f"mobilenet_v1-compare-{times}x-quick" for times in COSTS
}


def compared(folder: Path, times: Decimal, objective: Planted) -> Study:
    config = StudyConfig(load_baseline("tiny"), COSTS[times], budget(seeds=SEEDS), kind=RuleComparison(NAMED))
    begun = open_or_create(study(folder / f"{times}x", Plan(config, DATA)))
    search(begun, InlineRunner(), objective, lambda event: None)
    return begun


def answered(begun: Study) -> StudyResult:
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Decimal, StudyResult]]:
    """Each layer is worth 1 %, the noise a twentieth of that."""
    folder = tmp_path_factory.mktemp("joint")
    return [(times, answered(compared(folder, times, Planted()))) for times in COSTS]


@pytest.fixture(scope="module")
def found(answers: list[tuple[Decimal, StudyResult]]) -> CostSweep:
    return combine_comparisons(answers)


def layers(answers: list[tuple[Decimal, StudyResult]]) -> dict[tuple[Decimal, str], int]:
    return {
        (times, one.name): sum(staged(one.architecture).depths)
        for times, found in answers
        for one in found.plan.trained
    }


def test_every_rule_has_a_point_at_each_cost_that_it_meets(found: CostSweep) -> None:
    assert [(str(one.times), one.rule) for one in found.points] == [
        ("2", "width"),
        ("2", "compound"),
        ("2", "fast"),
        ("2", "lacs-gpu"),
        ("2", "lacs-tpu"),
        *(("4", one.name) for one in NAMED),
    ]
    assert found.costs == tuple(COSTS)
    for one in found.points:
        assert abs(one.macs / found.base_macs / float(one.times) - 1) <= 0.05
        assert one.seeds == SEEDS
    assert found.base is not None
    assert found.base.macs == found.base_macs == cost(load_baseline("tiny").architecture).macs


def test_planted_gains_are_found_within_their_intervals(
    found: CostSweep, answers: list[tuple[Decimal, StudyResult]]
) -> None:
    own, base = layers(answers), sum(staged(load_baseline("tiny").architecture).depths)
    for one in found.points:
        truth = 0.01 * (own[one.times, one.rule] - base)
        assert one.gain is not None
        assert one.gain.value == pytest.approx(truth, abs=1e-3)
        assert one.gain.low < one.gain.value < one.gain.high
        assert one.gain.high - one.gain.low < 0.005
        # Seeds in pairs: the gain is the difference of the means.
        assert found.base is not None
        assert one.gain.value == pytest.approx(one.accuracy - found.base.accuracy, abs=1e-9)


def test_compounds_lead_is_over_the_single_dimensions_that_were_compared(
    found: CostSweep, answers: list[tuple[Decimal, StudyResult]]
) -> None:
    assert [(str(one.times), one.over) for one in found.leads] == [
        ("2", "width"),
        *(("4", rule) for rule in ("depth", "width", "resolution")),
    ]
    for lead in found.leads:
        ranking = dict(answers)[lead.times].ranking
        effects = {dict(answers)[lead.times].plan.by_network[arm.key].name: arm.effect for arm in ranking.arms}
        assert lead.ours.value == pytest.approx(effects["compound"] - effects[lead.over])
        assert lead.ours.low <= lead.ours.value <= lead.ours.high
        assert lead.papers is None
    depth = next(one for one in found.leads if one.over == "depth")
    assert depth.ours.high < 0  # depth is what is worth something here


def test_curves_begin_at_the_baseline_and_the_best_is_first(found: CostSweep) -> None:
    curves = found.curves()
    assert next(iter(curves)) == "depth"
    assert [one.rule for one in curves["depth"]] == ["baseline", "depth"]
    assert [one.rule for one in curves["width"]] == ["baseline", "width", "width"]
    ends = [points[-1].accuracy for points in curves.values()]
    assert ends == sorted(ends, reverse=True)


def test_without_a_baseline_or_a_compound_there_are_no_gains_and_no_leads(
    answers: list[tuple[Decimal, StudyResult]],
) -> None:
    plan, outcomes = answers[1][1].plan, answers[1][1].outcomes
    compound = next(key for key, one in plan.by_network.items() if one.name == "compound")
    lost = {plan.base_id, compound}
    networks = {spec.id: spec.network_id for spec in plan.waves({})[0]}
    part = {
        key: Outcome("failed", (), 1.0, 0.0, "died") if networks[key] in lost else one
        for key, one in outcomes.items()
    }
    left = analyze(plan, part)
    assert left is not None
    alone = combine_comparisons([(Decimal(4), left)])
    assert alone.base is None
    assert [one.rule for one in alone.points] == ["depth", "width", "resolution", "fast", "lacs-gpu", "lacs-tpu"]
    assert {one.gain for one in alone.points} == {None}
    assert alone.leads == ()
    assert len(alone.curves()["depth"]) == 1


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "resnet50", "b0"])
def test_the_papers_gains_are_its_tables(name: str) -> None:
    with (FIXTURES / "paper_scaling_tables.csv").open() as stream:
        rows = {
            one["variant"]: Decimal(one["paper_top1"]) for one in csv.DictReader(stream) if one["baseline"] == name
        }
    before = rows.pop("baseline")
    config = StudyConfig(load_baseline(name), Decimal(2), budget())
    assert papers_gains(config) == {rule: top1 - before for rule, top1 in rows.items()}
    assert papers_gains(StudyConfig(load_baseline(name), Decimal(1), budget())) == {}


@pytest.fixture(scope="module")
def kept() -> CostSweep:
    return combine_comparisons([(times, answered(open_study(folder))) for times, folder in REFERENCES.items()])


def test_the_reference_studies_stand_beside_the_paper(kept: CostSweep) -> None:
    papers = {one.rule: one.papers_gain for one in kept.points if one.times == 4}
    assert papers == {
        "depth": None,
        "width": Decimal("3.6"),
        "resolution": Decimal("2.1"),
        "compound": Decimal("5.0"),
        "fast": None,
        "lacs-gpu": None,
        "lacs-tpu": None,
    }
    assert {one.over: one.papers for one in kept.leads if one.times == 4} == {
        "depth": None,
        "width": Decimal("1.4"),
        "resolution": Decimal("2.9"),
    }


@pytest.mark.parametrize(
    ("baseline", "name"), [("b0", "B0"), ("mobilenet_v2", "MobileNetV2"), ("resnet18", "ResNet-18")]
)
def test_the_docs_show_the_reference_studies(baseline: str, name: str) -> None:
    page = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    rows = page[page.index(f"| {name} | 2x |") :].splitlines()
    folders = {times: ROOT / "results" / "reference" / f"{baseline}-compare-{times}x-quick" for times in COSTS}
    found = combine_comparisons([(times, answered(open_study(folder))) for times, folder in folders.items()])
    order = ("depth", "width", "resolution")
    for row, times in zip(rows, COSTS, strict=False):
        leads = {one.over: one for one in found.leads if one.times == times}
        cells = [cell.strip() for cell in row.split("|")[3:6]]
        assert cells == [_points(leads[over].ours) for over in order], times
        papers = {one.over: one.papers for one in leads.values() if one.papers is not None}
        if papers:
            printed = [cell.strip() for cell in rows[2].split("|")[3:6]]
            assert printed == [f"{papers[over]:+}".replace("0.", ".") for over in order]


def _points(gap: Difference) -> str:
    """A lead in points of accuracy, as the page prints it."""
    value, low, high = (_short(100 * one) for one in (gap.value, gap.low, gap.high))
    return f"{'' if gap.value < 0 else '+'}{value} ({low} … {high})"


def _short(value: float) -> str:
    text = f"{abs(value):.1f}"
    return ("−" if value < 0 else "") + text.removeprefix("0")
