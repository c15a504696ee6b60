"""The answer of a study: the planted truth is found, said with its doubt, and written so that it reads back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from networks import staged
from planted import Planted, budget, plan, study

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.cost import cost
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import Budget
from scalesearch.search.trial import Outcome
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.summary import summary_lines
from scalesearch.study.trials_table import trials_table

SEEDS = 3


def searched(folder: Path, objective: Planted, spent: Budget) -> Study:
    begun = open_or_create(study(folder, plan(spent)))
    search(begun, InlineRunner(), objective, lambda event: None)
    return begun


def answered(begun: Study) -> StudyResult:
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    return found


@pytest.fixture(scope="module")
def clear(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Each layer is worth 1 %, the noise a hundredth of that: the deepest wins."""
    begun = searched(tmp_path_factory.mktemp("clear"), Planted(), budget(seeds=SEEDS))
    write_result_files(begun.folder, answered(begun))
    return begun


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Depth is worth nothing; only noise tells networks apart."""
    begun = searched(tmp_path_factory.mktemp("level"), Planted(per_layer=0.0), budget(seeds=SEEDS))
    write_result_files(begun.folder, answered(begun))
    return begun


def test_the_planted_winner_is_found_and_significant(clear: Study) -> None:
    found = answered(clear)
    deepest = max(clear.plan.trained, key=lambda one: sum(staged(one.architecture).depths))
    assert found.winner == deepest
    assert found.ranking.significant
    assert len(found.ranking.tied) == 1
    assert "leads all " in found.certainty
    assert found.place.seeds == SEEDS


def test_equal_candidates_tie_and_the_cheapest_is_recommended(level: Study) -> None:
    found = answered(level)
    assert not found.ranking.significant
    assert len(found.ranking.tied) > 1
    tied = [level.plan.by_network[key] for key in found.ranking.tied]
    assert found.winner.cost.activations == min(one.cost.activations for one in tied)
    assert "with the best mean (95 %)" in found.certainty


def test_one_seed_is_never_significant(tmp_path: Path) -> None:
    found = answered(searched(tmp_path, Planted(per_layer=0.02), budget()))
    assert not found.ranking.significant
    assert found.ranking.degrees_of_freedom == 0
    assert "one seed" in found.certainty


def test_winner_yaml_says_what_the_answer_says(clear: Study) -> None:
    found = answered(clear)
    tree = yaml.safe_load((clear.folder / "winner.yaml").read_text())
    own = found.winner.coefficients
    assert (tree["alpha"], tree["beta"], tree["gamma"]) == (float(own.alpha), float(own.beta), float(own.gamma))
    assert tree["product"] == pytest.approx(tree["alpha"] * tree["beta"] ** 2 * tree["gamma"] ** 2, abs=2e-5)
    assert tree["flops_ratio"] == float(found.winner.flops_ratio)
    assert tree["accuracy"] == pytest.approx(found.place.mean, abs=1e-5)
    assert tree["standard_error"] > 0
    assert tree["significant"] is True
    assert tree["tied"] == [str(own)]
    rests_on = tree["rests_on"]
    assert rests_on["trials"] == len(clear.outcomes()) == (len(clear.plan.trained) + 1) * SEEDS
    assert rests_on["data_fingerprint"] == clear.plan.data.fingerprint
    assert (rests_on["baseline"], rests_on["budget"]) == ("tiny", "smoke")


def test_every_member_of_the_family_reads_back_with_its_ratios(clear: Study) -> None:
    base = clear.plan.config.baseline
    own = answered(clear).winner.coefficients
    files = sorted((clear.folder / "family").iterdir())
    assert [path.name for path in files] == [*(f"phi{phi}.yaml" for phi in range(1, 8)), "tiny.yaml"]
    for phi in range(1, 8):
        text = (clear.folder / "family" / f"phi{phi}.yaml").read_text()
        member = parse_baseline(text, "member")
        assert member.origin is not None
        assert member.origin.baseline == "tiny"
        measured = cost(member.architecture).macs / cost(base.architecture).macs
        assert float(member.origin.flops_ratio) == pytest.approx(measured, rel=1e-4)
        by = own.at(phi)
        nominal = float(by.depth * by.width**2 * by.resolution**2)
        head = text.splitlines()[0]
        assert float(head.split("ratio ")[1].split(",")[0]) == pytest.approx(nominal, rel=1e-4)
        assert f"measured {member.origin.flops_ratio}" in head
        assert str(cost(member.architecture).macs) in text.splitlines()[1]
    assert (
        parse_baseline((clear.folder / "family" / "tiny.yaml").read_text(), "base").architecture
        == base.architecture
    )


def test_csv_and_parquet_are_the_same_table_with_a_row_a_trial(clear: Study) -> None:
    csv = pd.read_csv(clear.folder / "trials.csv", dtype={"trial": str, "network": str}, keep_default_na=False)
    parquet = pd.read_parquet(clear.folder / "trials.parquet")
    outcomes = clear.outcomes()
    assert list(csv.columns) == list(parquet.columns)
    assert list(parquet["trial"]) == list(csv["trial"]) == [spec.id for spec in clear.plan.planned(outcomes)]
    for column in ("accuracy", "macs", "flops_ratio", "seed", "train_loss", "seconds", "alpha", "gamma"):
        assert [float(one) for one in csv[column]] == [float(one) for one in parquet[column]]
    for column in ("state", "role", "network", "depths", "widths", "message", "aliases"):
        assert list(csv[column]) == list(parquet[column])
    by_trial = dict(zip(parquet["trial"], parquet["accuracy"], strict=True))
    assert by_trial == {key: outcome.accuracy for key, outcome in outcomes.items()}
    assert list(parquet["role"]).count("baseline") == SEEDS


def test_a_trial_without_a_result_has_a_row_without_an_accuracy() -> None:
    asked = plan()
    specs = asked.waves({})[0]
    good = list(Planted()(specs[1]))
    outcomes = {
        specs[0].id: Outcome("failed", (), 2.5, 0.0, "RuntimeError: x, \"y\"; 'z'"),
        specs[1].id: Outcome("complete", tuple(good), 3.5, 0.25),
    }
    table = trials_table(asked, outcomes)
    assert list(table["state"]) == ["failed", "complete"]
    assert pd.isna(table["accuracy"][0])
    assert table["accuracy"][1] == good[-1].val_accuracy
    assert table["samples"][0] == 0


def test_the_answer_is_rebuilt_to_the_byte_from_the_records_alone(clear: Study, tmp_path: Path) -> None:
    again = open_study(clear.folder)
    write_result_files(tmp_path, answered(again))
    for path in sorted(tmp_path.rglob("*.*")):
        before = clear.folder / path.relative_to(tmp_path)
        assert path.read_bytes() == before.read_bytes(), path.name
    assert len(list(tmp_path.rglob("*.*"))) == 8 + 3


def test_the_last_lines_say_the_winner_the_doubt_the_ground_and_the_place(clear: Study, level: Study) -> None:
    found, own = answered(clear), answered(clear).winner.coefficients
    text = "\n".join(summary_lines(found, clear.folder))
    for part in (
        f"α = {own.alpha.normalize():f}",
        f"β = {own.beta.normalize():f}",
        f"γ = {own.gamma.normalize():f}",
        f"αβ²γ² = {own.product:.3f}",
        f"measured {found.winner.flops_ratio:.3f}x",
        f"{found.place.mean:.4f} ± {found.place.standard_error:.4f} ({SEEDS} seeds)",
        f"significant winner: it leads all {len(clear.plan.trained) - 1} others",
        "planted (7 training + 1000 validation images, 3 classes)",
        "budget smoke",
        str(clear.folder / "family"),
    ):
        assert part in text
    ties = len(answered(level).ranking.tied) - 1
    assert f"no significant winner: {ties} of {len(level.plan.trained) - 1} others" in "\n".join(
        summary_lines(answered(level), level.folder)
    )


def test_there_is_no_answer_without_a_completed_candidate() -> None:
    asked = plan()
    base = asked.spec(asked.config.baseline.architecture, 0)
    assert analyze(asked, {}) is None
    assert analyze(asked, {base.id: Outcome("complete", tuple(Planted()(base)), 1.0, 1.0)}) is None


def test_an_answer_knows_whether_each_candidate_has_a_say() -> None:
    asked = plan(budget(seeds=2))
    outcomes = {spec.id: Outcome("complete", tuple(Planted()(spec)), 1.0, 1.0) for spec in asked.waves({})[0]}
    lost = asked.spec(asked.trained[0].architecture, 0)
    outcomes[lost.id] = Outcome("failed", (), 1.0, 0.0, "died")
    found = analyze(asked, outcomes)
    assert found is not None
    assert (found.all_completed, found.failures) == (True, 1)
    other = asked.spec(asked.trained[0].architecture, 1)
    outcomes[other.id] = Outcome("diverged", (), 1.0, 0.0, "loss")
    found = analyze(asked, outcomes)
    assert found is not None
    assert (found.all_completed, found.failures) == (False, 1)
