"""The committed reference studies: whole, and every derived file rebuilt from the records to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scalesearch.report.files import write_report
from scalesearch.study.kinds import results_of
from scalesearch.study.proxy_validation import read_proxy_validation
from scalesearch.study.records import problems
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.study import open_or_create, open_study
from scalesearch.study.summary import summary_lines

ROOT = Path(__file__).parent.parent
EARLIER = sorted((ROOT / "tests" / "fixtures" / "studies").iterdir())
"""By an earlier version of a budget; they must stay readable."""
STUDIES = sorted(path.parent for path in (ROOT / "results" / "reference").glob("*/study.json"))
FURTHER = sorted(
    path.parent
    for root in (ROOT / "results" / "reference", ROOT / "tests" / "fixtures" / "studies")
    for path in root.glob("*/trust/*/study.json")
)
"""The further budgets of those that were asked whether their proxy deserves trust."""


def test_there_are_three() -> None:
    names = [path.name for path in STUDIES]
    assert {f"{name}-phi1-quick" for name in ("b0", "mobilenet_v2", "resnet18")} <= set(names)


@pytest.mark.parametrize("folder", [*STUDIES, *EARLIER, *FURTHER], ids=lambda path: path.name)
def test_it_is_rebuilt_from_its_records(folder: Path, tmp_path: Path) -> None:
    study = open_study(folder)
    assert list(problems(study.trials_folder)) == []
    outcomes = study.outcomes()
    assert len(outcomes) == study.plan.total_trials()
    found = analyze(study.plan, outcomes, read_proxy_validation(folder))
    assert found is not None
    again = tmp_path / folder.name  # which is the name of a baseline that was found
    again.mkdir()
    write_result_files(again, found)
    own = [*results_of(study.plan.config.kind).files(found, folder.name)]
    names = [
        "winner.yaml",
        "trials.csv",
        *own,
        *(f"family/{path.name}" for path in (folder / "family").glob("*")),
    ]
    for name in names:
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name
    left, right = (pd.read_parquet(one / "trials.parquet") for one in (again, folder))
    pd.testing.assert_frame_equal(left, right)


@pytest.mark.parametrize("folder", [*STUDIES, *EARLIER, *FURTHER], ids=lambda path: path.name)
def test_what_was_read_is_written_again_to_the_byte(folder: Path, tmp_path: Path) -> None:
    """Names in the code may change; study.json, records and ids, which studies of users rest on, may not."""
    study = open_study(folder)
    again = open_or_create(replace(study, folder=tmp_path / folder.name))
    assert (again.folder / "study.json").read_bytes() == (folder / "study.json").read_bytes()
    for key, record in study.records().items():
        assert again.add(record)
        name = f"trials/{key}.json"
        assert (again.folder / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.parametrize("folder", STUDIES, ids=lambda path: path.name)
def test_its_report_is_rebuilt_from_its_records(folder: Path, tmp_path: Path) -> None:
    page = write_report(open_study(folder), tmp_path)
    for name in ("report.md", "report.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    first = page.read_bytes()
    assert folder.name.encode() in first
    if folder.name == "resnet18-phi1-quick":  # once more for one of them: equal to the byte
        assert write_report(open_study(folder), tmp_path / "again").read_bytes() == first


@pytest.mark.parametrize("folder", [*STUDIES, *EARLIER, *FURTHER], ids=lambda path: path.name)
def test_every_trial_was_really_trained(folder: Path) -> None:
    records = open_study(folder).records().values()
    plan = open_study(folder).plan
    for record in records:
        epochs = record.outcome.epochs
        assert epochs[-1].samples == record.spec.since + plan.proxies.images(record.spec)
        if not plan.rungs:
            assert len(epochs) == plan.config.budget.recipe.epochs
    assert all(record.outcome.training_seconds > 1 for record in records)
    losses = [record.outcome.epochs[-1].train_loss for record in records]
    assert len(set(losses)) == len(losses)
    assert all(record.cost.fvcore_total for record in records)


def test_readme_shows_what_the_study_says() -> None:
    study = open_study(ROOT / "results" / "reference" / "b0-phi1-quick")
    found = analyze(study.plan, study.outcomes())
    assert found is not None
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in summary_lines(found, Path("results"))[:-1]:
        assert line in readme
    for arm in found.ranking.arms[:3]:
        assert f"{arm.mean:.4f} ± {arm.standard_error:.4f}" in readme
