"""A study's metric: what is ranked by, kept and said; accuracy leaves everything as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from networks import staged
from planted import budget, plan, study

from scalesearch.errors import InputError, SpaceError
from scalesearch.notebook.studies import open_study as open_in_notebook
from scalesearch.report import methods
from scalesearch.report.headline import answer_sentence
from scalesearch.report.tables import coefficients_table, ranking_csv
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts, Majority
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.result_files import winner_text
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.summary import summary_lines
from scalesearch.study.trials_table import trials_table

UNEVEN = DataFacts("planted", "f" * 64, 3, 70, 1000, ("test (5 images) is not used",), Majority("ant", 950))


@dataclass(frozen=True)
class Contrary:
    """Accuracy falls with depth, the score rises."""

    accuracy: float = 0.9
    score: float | None = 0.5

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        depth = sum(staged(spec.network).depths)
        noise = (int(spec.id, 16) % 1000 - 500) * 1e-7
        score = None if self.score is None else self.score + 0.01 * depth + noise
        yield Epoch(1, 100, 1.0, 1.0, self.accuracy - 0.001 * depth + noise, 0.1, score)


@dataclass(frozen=True)
class Constant:
    """Every network comes to the same score with every seed."""

    score: float

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        yield Epoch(1, 100, 1.0, 1.0, 0.9, 0.1, self.score)


def _plan(metric: str, data: DataFacts = UNEVEN) -> Plan:
    asked = plan(budget(seeds=2))
    return replace(asked, config=replace(asked.config, metric=metric), data=data)


def _searched(folder: Path, asked: Plan, objective: Contrary | Constant) -> tuple[Study, StudyResult]:
    begun = open_or_create(study(folder, asked))
    search(begun, InlineRunner(), objective, lambda event: None)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    return begun, found


def test_the_score_ranks_and_is_named(tmp_path: Path) -> None:
    begun, found = _searched(tmp_path / "s", _plan("balanced-accuracy"), Contrary())
    depths = {one: sum(staged(one.architecture).depths) for one in begun.plan.trained}
    best = begun.plan.by_network[found.ranking.arms[0].key]
    assert depths[best] == max(depths.values())
    start = f"Balanced accuracy of the proxy: {found.place.mean:.4f} ± "
    assert summary_lines(found, tmp_path)[1].startswith(start)
    written = yaml.safe_load(winner_text(found))
    assert written["metric"] == "balanced-accuracy"
    assert written["score"] == round(found.place.mean, 5)
    assert "accuracy" not in written
    assert (written["rests_on"]["majority"], written["rests_on"]["majority_share"]) == ("ant", 0.95)
    assert written["rests_on"]["data_notes"] == ["test (5 images) is not used"]
    assert trials_table(begun.plan, begun.outcomes())["score"].notna().all()
    record = json.loads(next(begun.trials_folder.iterdir()).read_text())
    assert record["spec"]["metric"] == "balanced-accuracy"
    assert record["outcome"]["epochs"][0]["score"] > 0.5


def test_accuracy_leaves_no_trace(tmp_path: Path) -> None:
    data = replace(UNEVEN, notes=(), majority=None)
    begun, found = _searched(tmp_path / "s", _plan("accuracy", data), Contrary(score=None))
    text = (begun.folder / "study.json").read_text() + "".join(p.read_text() for p in begun.trials_folder.iterdir())
    for word in ("metric", "score", "majority", "notes"):
        assert f'"{word}"' not in text
    assert "metric" not in yaml.safe_load(winner_text(found))
    assert "score" not in trials_table(begun.plan, begun.outcomes())


def test_the_metric_is_part_of_the_question_and_the_words_on_the_data_are_not(tmp_path: Path) -> None:
    open_or_create(study(tmp_path / "s", _plan("loss")))
    again = open_study(tmp_path / "s").plan
    assert (again.config.metric, again.data) == ("loss", UNEVEN)
    with pytest.raises(InputError, match=r"another configuration \(metric: loss there, accuracy asked\)"):
        open_or_create(study(tmp_path / "s", _plan("accuracy")))
    open_or_create(study(tmp_path / "s", _plan("loss", replace(UNEVEN, notes=("x",), majority=None))))


def test_what_is_no_better_than_always_one_answer_says_so(tmp_path: Path) -> None:
    _, blind = _searched(tmp_path / "a", _plan("accuracy"), Contrary(accuracy=0.955, score=None))
    assert "; no better than always answering 'ant' (0.9500)" in blind.certainty
    assert blind.certainty.endswith(": train longer, or on more images")
    assert answer_sentence(blind) == (
        "Nothing is told apart: the best network is no better than always answering 'ant' (0.9500), so train "
        "longer, or on more images."
    )
    _, sees = _searched(tmp_path / "b", _plan("accuracy"), Contrary(accuracy=1.0, score=None))
    assert "no better" not in sees.certainty
    _, chance = _searched(tmp_path / "c", _plan("balanced-accuracy"), Contrary(score=0.2))
    assert "no better than always answering one class (0.3333)" in chance.certainty
    _, fair = _searched(tmp_path / "d", _plan("balanced-accuracy"), Contrary())
    assert "no better" not in fair.certainty
    even = replace(UNEVEN, majority=None)
    _, guess = _searched(tmp_path / "e", _plan("accuracy", even), Contrary(accuracy=0.36, score=None))
    assert "; no better than always answering one class (0.3333)" in guess.certainty
    _, above = _searched(tmp_path / "f", _plan("accuracy", even), Contrary(accuracy=0.42, score=None))
    assert "no better" not in above.certainty
    largest = replace(even, counts=(450, 350, 200))
    _, uneven = _searched(tmp_path / "g", _plan("accuracy", largest), Contrary(accuracy=0.42, score=None))
    assert "; no better than always answering the largest class (0.4500)" in uneven.certainty
    _, loss = _searched(tmp_path / "h", _plan("loss", even), Contrary(accuracy=0.3, score=-1.0))
    assert "; by accuracy no better than always answering one class (0.3333)" in loss.certainty


def test_few_images_of_a_class_make_the_error_of_balanced_accuracy(tmp_path: Path) -> None:
    """95 + 5 images: a class of five makes ± .11, by sqrt(sum of p (1 - p) / n_k) / K at p = 1/2."""
    few = DataFacts("planted", "f" * 64, 2, 70, 100, majority=Majority("ant", 95), counts=(95, 5))
    asked = _plan("balanced-accuracy", few)
    once = replace(asked, config=replace(asked.config, budget=budget(seeds=1, finalists=0, final_seeds=0)))
    _, found = _searched(tmp_path / "a", once, Constant(0.5))
    assert found.place.standard_error == pytest.approx((0.25 / 95 + 0.25 / 5) ** 0.5 / 2)
    start = "Balanced accuracy of the proxy: 0.5000 ± 0.1147 (1 seed); "
    assert summary_lines(found, tmp_path)[1].startswith(start)
    assert "the validation images alone make ± 0.1147 a trial" in methods._noise_text(found)
    _, repeated = _searched(tmp_path / "b", asked, Constant(0.5))
    assert repeated.ranking.noise == pytest.approx(0.5 / 5 / 2)  # half an image of the smallest class
    _, luck = _searched(tmp_path / "c", asked, Constant(0.75))  # the best of several trials
    assert "no better than always answering one class (0.5000)" in luck.certainty
    _, sees = _searched(tmp_path / "d", asked, Constant(0.9))
    assert "no better" not in sees.certainty
    assert replace(few, counts=()).sizes == (95, 5)
    text = (tmp_path / "a" / "study.json").read_text()
    assert json.loads(text)["data"]["counts"] == [95, 5]


def test_an_error_that_nothing_tells_is_not_printed(tmp_path: Path) -> None:
    asked = _plan("loss")
    once = replace(asked, config=replace(asked.config, budget=budget(seeds=1, finalists=0, final_seeds=0)))
    _, found = _searched(tmp_path / "a", once, Contrary(score=-1.0))
    spread = f"{found.ranking.noise:.4f}"
    line = summary_lines(found, tmp_path)[1]
    assert line.startswith(
        f"Negative loss of the proxy: {found.place.mean:.4f} "
        f"(1 seed; error not known, spread of the trials {spread}); "
    )
    assert "±" not in line
    assert methods._noise_text(found).startswith("not known without repeated seeds that differ")
    written = yaml.safe_load(winner_text(found))
    assert written["standard_error"] is None
    assert {one["interval_95"] for one in written["differences"]} == {None}
    assert written["rests_on"]["spread_of_trials"] == round(found.ranking.noise, 5)
    assert "±" not in str(coefficients_table(found))
    row = next(csv.DictReader(io.StringIO(ranking_csv(found))))
    assert (row["standard_error"], row["behind_low_95"], row["behind_high_95"]) == ("", "", "")
    _, alike = _searched(tmp_path / "b", asked, Constant(-1.0))
    assert not alike.ranking.error_known
    assert "seeds that do not differ prove nothing" in alike.certainty
    _, several = _searched(tmp_path / "c", asked, Contrary(score=-1.0))
    assert several.ranking.error_known
    assert several.ranking.noise < 1e-3  # of the seeds, without half an image of 1000


def test_one_name_of_a_column_has_one_meaning(tmp_path: Path) -> None:
    begun, found = _searched(tmp_path / "s", _plan("balanced-accuracy"), Contrary())
    ranked = list(csv.DictReader(io.StringIO(ranking_csv(found))))
    assert "accuracy" not in ranked[0]
    ranked.sort(key=lambda row: int(row["place"] or 99))
    assert float(ranked[0]["score"]) == pytest.approx(found.ranking.arms[0].mean, abs=1e-5)
    trials = trials_table(begun.plan, begun.outcomes())
    best = trials[trials["network"] == found.ranking.arms[0].key]
    assert float(ranked[0]["score"]) == pytest.approx(best["score"].mean(), abs=1e-5)
    shown = open_in_notebook(begun.folder)
    assert float(ranked[0]["score"]) in [*shown.ranking["score"]]
    assert "<th>score</th>" in shown._repr_html_()
    _, plain = _searched(tmp_path / "t", _plan("accuracy"), Contrary(score=None))
    head = ranking_csv(plain).splitlines()[0].split(",")
    assert "accuracy" in head
    assert "score" not in head


def test_one_seed_of_a_metric_without_a_known_error_proves_nothing(tmp_path: Path) -> None:
    asked = replace(_plan("loss").config, budget=budget(seeds=1, finalists=0, final_seeds=0))
    _, found = _searched(tmp_path / "s", replace(_plan("loss"), config=asked), Contrary(score=-1.0))
    means = [arm.mean for arm in found.ranking.arms]
    assert found.ranking.noise == pytest.approx(
        (sum((m - sum(means) / len(means)) ** 2 for m in means) / len(means)) ** 0.5
    )
    assert not found.ranking.significant
    assert "one seed each proves nothing" in found.certainty


def test_metrics_that_are_none_are_refused() -> None:
    for metric in ("f1", "own.py:f", "own.py:f@123"):
        with pytest.raises(SpaceError, match="metric is"):
            _plan(metric)
    assert _plan("own.py:f@0123456789abcdef").config.metric == "own.py:f@0123456789abcdef"
