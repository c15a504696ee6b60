"""What the dashboard's views hold, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from looking import seen
from planted_studies import STAGES, halving, rules

from scalesearch.design.baseline_file import parse_baseline
from scalesearch.design.baselines import load_baseline
from scalesearch.design.scaling import Baseline
from scalesearch.report.dashboard import compare, curves, family_page, network, result_view
from scalesearch.report.dashboard.config_fields import config_facts
from scalesearch.report.dashboard.render import apply_theme
from scalesearch.report.dashboard.store import StudySnapshot, StudyStore
from scalesearch.report.figures import pareto
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.rows import candidate_rows
from scalesearch.search.kinds import CoefficientSearch, StageSearch
from scalesearch.search.task import Epoch
from scalesearch.study.family_files import family_texts
from scalesearch.study.run_status import RunningTrial, RunStatus

SOURCES = {"torch": lambda baseline: f"{baseline.name} {baseline.architecture.resolution}"}


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> StudySnapshot:
    """A search by halving, over."""
    folder = halving().study.folder
    return seen(StudyStore(folder.parent, tmp_path_factory.mktemp("cache")), folder.name)


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> StudySnapshot:
    """A comparison of rules."""
    folder = rules().study.folder
    return seen(StudyStore(folder.parent, tmp_path_factory.mktemp("cache")), folder.name)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> StudySnapshot:
    """A search of stages: its rewards are not its accuracies."""
    return seen(StudyStore(STAGES.parent, tmp_path_factory.mktemp("cache")), STAGES.name)


def graphs(parts: list[Any]) -> Iterator[Any]:
    """Every figure of a page."""
    for one in parts:
        yield from (each for each in one._traverse() if type(each).__name__ == "Graph")


def test_the_answer_has_the_reports_figures(view: StudySnapshot, ruled: StudySnapshot) -> None:
    names = [one.id for one in graphs(result_view.content(view, "light"))]
    assert names[:5] == [
        f"evidence-{name}" for name in ("pareto", "spending", "coefficients", "parallel", "learning")
    ]
    assert next(graphs(result_view.content(ruled, "light"))).id == "evidence-curves"
    assert list(graphs(result_view.content(replace(view, analysis=None), "light"))) == []


@pytest.mark.parametrize(("theme", "look"), [("dark", DARK), ("light", LIGHT), (None, LIGHT), ({"a": 1}, LIGHT)])
def test_figures_have_the_browsers_theme(theme: object, look: Any, view: StudySnapshot) -> None:
    assert apply_theme(pareto(halving().found), theme).layout.paper_bgcolor == look.background


def test_members_leave_under_names_that_are_files(view: StudySnapshot) -> None:
    assert view.answer is not None
    texts = family_texts(view.answer.plan, view.answer.winner.coefficients)
    for i, (name, text) in enumerate(texts.items()):
        assert family_page.member_file(view, i, "yaml", SOURCES) == (f"{name}.yaml", text)
        px = parse_baseline(text, name).architecture.resolution
        assert family_page.member_file(view, i, "torch", SOURCES) == (f"{name}.py", f"{name} {px}")


@pytest.mark.parametrize("member", [-1, 99, "0", None, True, 0.0, [0]])
def test_there_is_no_other_member(member: object, view: StudySnapshot) -> None:
    assert family_page.member_file(view, member, "yaml", SOURCES) is None


@pytest.mark.parametrize("kind", ["onnx", "", None, ["yaml"], "../yaml", {"a": 1}])
def test_there_is_no_other_format(kind: object, view: StudySnapshot) -> None:
    assert family_page.member_file(view, 1, kind, SOURCES) is None


def test_a_comparison_of_rules_has_no_family(ruled: StudySnapshot) -> None:
    assert family_page.member_file(ruled, 0, "yaml", SOURCES) is None
    assert "gives no family" in str(family_page._files(ruled, SOURCES))


def test_a_search_of_stages_hands_out_its_baseline(staged: StudySnapshot) -> None:
    name = STAGES.name
    assert family_page.member_file(staged, 0, "yaml", SOURCES) == (
        f"{name}.yaml",
        (STAGES / "baseline.yaml").read_text(encoding="utf-8"),
    )
    assert family_page.member_file(staged, 0, "torch", SOURCES) == ("nas_tiny_digits.py", f"{name} 64")
    assert family_page.member_file(staged, 1, "yaml", SOURCES) is None
    shown = str(family_page._files(staged, SOURCES))
    assert "baseline.yaml; scalesearch grid finds what scales it" in shown
    renamed = family_page.member_file(replace(staged, folder=Path("-My Study")), 0, "yaml", SOURCES)
    assert renamed is not None
    assert parse_baseline(renamed[1], "it").name == "my_study"


def test_a_networks_definition_is_its_own(staged: StudySnapshot, view: StudySnapshot) -> None:
    for seen_, name, source in (
        (staged, "tiny-n3", "scalesearch nas: space mnasnet over tiny, ACC·(FLOPS/T)^-0.07"),
        (view, "tiny_scaled", load_baseline("tiny").source),
    ):
        assert seen_.answer is not None
        text = network.content(seen_, seen_.answer.place.key)[-1].children
        own = parse_baseline(text, "it")
        assert (own.name, own.source) == (name, source)
        assert own.architecture == seen_.answer.winner.architecture


def test_torch_source_needs_nothing_of_the_report() -> None:
    """What the command hands in makes text of a baseline."""
    from scalesearch.cli.dashboard import _torch_source

    own: Baseline = load_baseline("tiny")
    assert "class Network(nn.Module):" in _torch_source(own)


def test_studies_are_compared_line_by_line(view: StudySnapshot, ruled: StudySnapshot) -> None:
    (shown, *_) = compare.content(view, ruled, "light")
    rows = {row.children[0].children: row for row in shown.children.children[1].children}
    assert [cell.children for cell in rows["scheduler"].children] == ["scheduler", "halving", "grid"]
    assert (rows["scheduler"].className, rows["baseline"].className) == ("strong", "")
    (drawn,) = graphs(compare.content(view, view, "light"))
    points, equal = drawn.figure.data
    assert list(points.x) == list(points.y)
    assert len(points.x) == len(view.answer.ranking.arms) if view.answer else 0
    assert equal.name == "equal"
    for first, second in ((None, view), (view, None), (None, None)):
        assert "Choose a second study." in str(compare.content(first, second, "light"))
    broken = replace(view, study=None, problem="torn")
    assert f"{view.name} cannot be read: torn." in str(compare.content(view, broken, "light"))


def test_a_reward_is_never_called_an_accuracy(staged: StudySnapshot) -> None:
    assert staged.answer is not None
    place, plan = staged.answer.place, staged.answer.plan
    accuracy = plan.accuracy(next(arm for arm in plan.arms(staged.answer.outcomes) if arm.key == place.key))
    assert (f"{place.mean:.4f}", f"{accuracy:.4f}") == ("0.8566", "0.9192")
    shown = dict(network._facts(staged, place.key, plan.by_network[place.key], []))
    assert (shown["reward"], shown["accuracy"]) == ("0.8566 ± 0.0173, 2 seeds", "0.9192 ± 0.0185, 2 seeds")
    assert "gap to the best" not in shown
    said = compare._result_facts(staged)
    assert (said["its reward"], said["its accuracy"]) == ("0.8566 ± 0.0173", "0.9192 ± 0.0185")
    (drawn,) = graphs(compare.content(staged, staged, "light"))
    assert accuracy in [pytest.approx(x) for x in drawn.figure.data[0].x]
    assert "Validation accuracy (share of 359 images)" in drawn.figure.layout.xaxis.title.text


def test_what_was_asked_stands_side_by_side_and_nothing_that_was_not(staged: StudySnapshot) -> None:
    assert staged.study is not None
    nas, grid = staged.study.plan.config, halving().found.plan.config
    own = config_facts(nas)
    assert not {"φ", "rounding", "matched"} & set(own)
    assert (own["space"], own["sampler"], own["reward"]) == ("mnasnet", "evolution", "ACC·(FLOPS/T)^-0.07")
    assert own["target of the reward"] == "the baseline's cost"
    assert isinstance(nas.kind, StageSearch)
    limited = replace(nas.kind, max_macs=9_000_000, reward=replace(nas.kind.reward, target=Decimal(500)))
    more = config_facts(replace(nas, kind=limited))
    assert (more["limit of multiply-adds"], more["target of the reward"]) == ("9,000,000", "500 multiply-adds")
    sampled = replace(grid, scheduler="grid", kind=CoefficientSearch("tpe", max_params=100_000))
    rows = {name: (one, other) for name, one, other in compare._config_rows(grid, sampled)}
    assert rows["kind"] == ("search by grid", "search of (α, β)")
    assert (rows["sampler"], rows["limit of parameters"]) == (("", "tpe"), ("", "100,000"))


def test_nothing_that_was_asked_otherwise_is_left_out(staged: StudySnapshot) -> None:
    assert staged.study is not None
    asked = staged.study.plan.config
    stages, budget, base = asked.kind, asked.budget, asked.baseline
    assert isinstance(stages, StageSearch)
    assert isinstance(base, Baseline)
    space = replace(stages.space, source="elsewhere")
    for other, name in (
        (replace(asked, budget=replace(budget, seeds=7)), "budget, seeds"),
        (replace(asked, budget=replace(budget, candidates=None)), "budget, candidates"),
        (replace(asked, budget=replace(budget, recipe=replace(budget.recipe, batch=7))), "budget, recipe, batch"),
        (replace(asked, kind=replace(stages, space=space)), "space, digest"),
        (replace(asked, kind=replace(stages, seed=3)), "seed of the sampler"),
        (replace(asked, baseline=replace(base, source="elsewhere")), "baseline, digest"),
    ):
        assert [row for row, one, two in compare._config_rows(asked, other) if one != two] == [name]
    assert [row for row, one, two in compare._config_rows(asked, asked) if one != two] == []


def test_thinned_keeps_the_ends() -> None:
    for count in (0, 1, 7, 8, 9, 10_000):
        found = curves.thin(range(count), 8)
        assert len(found) == min(count, 8)
        assert found == sorted(set(found))
        assert not count or (found[0], found[-1]) == (0, count - 1)


def test_ten_thousand_curves_are_thinned(view: StudySnapshot) -> None:
    one = view.trials[0]
    epochs = tuple(Epoch(i, i * 10, 1.0, 1.0, 0.5, 1.0) for i in range(1, 500))
    many = {
        f"{i:016x}": replace(one, id=f"{i:016x}", outcome=replace(one.outcome, epochs=epochs)) for i in range(9999)
    }
    crowd = replace(view, index=replace(view.index, trials=many))
    drawing = curves.live_curves(crowd, "light")
    assert drawing is not None
    points = sum(1 for trace in drawing.figure.data for x in trace.x if x is not None)
    assert points == curves.MAX_LINES * curves.MAX_POINTS
    assert f"Of 9,999 finished trials {curves.MAX_LINES} are drawn" in drawing.caption


def test_trials_of_one_epoch_are_points_above_their_networks(tmp_path: Path) -> None:
    snapshot = seen(StudyStore(STAGES.parent, tmp_path), "b0-phi1-quick")
    drawing = curves.live_curves(snapshot, "light")
    assert drawing is not None
    assert snapshot.answer is not None
    labels = drawing.figure.layout.xaxis.ticktext
    best = max(snapshot.answer.decision.index_by_id, key=snapshot.answer.decision.mean)
    assert (labels[0], labels[-1], len(labels)) == (snapshot.label(best), "base", 14)
    points = [(x, y) for trace in drawing.figure.data for x, y in zip(trace.x, trace.y, strict=True)]
    assert len(points) == len(snapshot.trials) == 27
    base = sorted(y for x, y in points if x == 13)
    own = [trial.accuracy for trial in snapshot.trials if snapshot.label(trial.network) == "base"]
    assert base == sorted(filter(None, own))
    assert all(trace.mode == "markers" and len(trace.hovertext) == len(trace.x) for trace in drawing.figure.data)


def test_curves_have_the_reports_words(view: StudySnapshot, staged: StudySnapshot) -> None:
    for one, images, best in ((view, "1,000", "recommended"), (staged, "359", "the best reward")):
        assert one.answer is not None
        every = curves.live_curves(one, "light"), curves.network_curves(one, one.answer.place.key)
        for drawing in every:
            assert drawing is not None
            title = drawing.figure.layout.yaxis.title.text
            assert title == f"Validation accuracy (share of {images} images)"
        assert every[0] is not None
        assert every[0].figure.data[-1].name == best
        assert every[0].figure.data[-1].line.width > 2


def test_a_network_has_one_name_in_every_view(view: StudySnapshot) -> None:
    assert view.answer is not None
    for row in candidate_rows(view.answer):
        assert view.label(row.key) == row.label


def test_running_trials_are_drawn_over_all_others(view: StudySnapshot) -> None:
    epoch = Epoch(1, 32, 1.0, 1.0, 0.25, 1.0)
    own = RunningTrial("a" * 16, view.trials[0].network, 1, 64, 0, (epoch,), 0.0)
    drawing = curves.live_curves(replace(view, live=RunStatus(0.0, 0, 0, (own, replace(own, epochs=())))), "dark")
    assert drawing is not None
    last = drawing.figure.data[-1]
    assert (last.name, [x for x in last.x if x is not None], last.line.color) == ("running", [32], DARK.text)
    assert "1 are under way" in drawing.caption
    assert curves.live_curves(replace(view, index=replace(view.index, trials={})), "light") is None
    assert curves.network_curves(view, "no such network") is None


def test_names_in_figures_are_letters(view: StudySnapshot) -> None:
    assert view.analysis is not None
    name = "<b>x</b><img src=x>"
    named = replace(view.analysis, names=dict.fromkeys(view.analysis.names, name))
    drawing = curves.live_curves(replace(view, analysis=named), "light")
    assert drawing is not None
    texts = [text for trace in drawing.figure.data for text in trace.hovertext if text]
    assert texts
    assert all("&lt;b&gt;x&lt;/b&gt;&lt;img src=x&gt;" in text and "<img" not in text for text in texts)


def test_the_pages_import_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import scalesearch.report.dashboard.app, sys; print(sorted({'torch', 'ray', 'fvcore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert Path(result_view.__file__).is_file()
