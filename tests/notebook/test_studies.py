"""Studies in a notebook: tables and figures are the report's, and what is not there is said in a line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from planted_studies import STAGES, halving, rules

import scalesearch as ss
from scalesearch.errors import InputError
from scalesearch.notebook.studies import NotebookStudy
from scalesearch.report.figures.frame import CONTROLS
from scalesearch.report.headline import answer_sentence
from scalesearch.report.palette import DARK, LIGHT
from scalesearch.report.rows import label
from scalesearch.study.study import Study


@pytest.fixture(scope="module")
def climbed() -> NotebookStudy:
    return ss.open_study(halving().study.folder)


def test_tables_have_every_trial_and_every_candidate(climbed: NotebookStudy) -> None:
    assert len(climbed.trials) == len(halving().found.outcomes)
    assert len(climbed.ranking) == 10
    found = halving().found
    best = max(found.ranking.arms, key=lambda arm: found.decision.mean(arm.key))
    assert climbed.ranking.index[0] == label(found.plan.by_network[best.key])
    assert climbed.ranking["accuracy"].iloc[0] == pytest.approx(best.mean, abs=1e-5)
    assert climbed.ranking["accuracy"].notna().sum() == 3
    assert climbed.answer == answer_sentence(halving().found)


def test_a_figure_offers_to_send_itself_nowhere(
    climbed: NotebookStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a notebook shows it: its own display, `show`, and HTML that a user writes."""
    import plotly.io

    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")
    figure = climbed.figures.pareto()
    bundle = figure._repr_mimebundle_()
    assert bundle["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
    shown: list[dict[str, object]] = []
    monkeypatch.setattr(plotly.io, "show", lambda figure, **options: shown.append(options))
    figure.show()
    figure._ipython_display_()
    assert [one["config"] for one in shown] == [CONTROLS, CONTROLS]
    figure.write_html(tmp_path / "one.html", include_plotlyjs=False, config={"scrollZoom": True})
    for text in (
        figure._repr_html_(), figure.to_html(), (tmp_path / "one.html").read_text("utf-8")
    ):  # fmt: skip
        assert '"showSendToCloud": false' in text
    assert '"scrollZoom": true' in (tmp_path / "one.html").read_text("utf-8")


def test_figures_have_titles_and_themes(climbed: NotebookStudy) -> None:
    names = [
        "pareto",
        "weighed",
        "spending",
        "coefficients",
        "parallel",
        "learning",
        "regret",
        "nominal",
        "agreement",
        "family",
        "curves",
    ]
    assert dir(climbed.figures) == sorted(names)
    for name in ("pareto", "spending", "coefficients", "parallel", "learning", "regret", "nominal", "family"):
        figure = getattr(climbed.figures, name)()
        assert figure.layout.title.text.startswith("<b>")
        assert figure.layout.paper_bgcolor == LIGHT.background
    assert climbed.figures.pareto(theme="dark").layout.font.color == DARK.text
    assert ss.open_study(rules().study.folder).figures.curves().data


def test_a_search_of_stages_has_rewards_and_accuracies() -> None:
    study = ss.open_study(STAGES)
    best = study.ranking.loc["n4"]
    assert (best["reward"], best["accuracy"], best["place"]) == (0.86656, 0.81058, 1)
    assert "alpha" not in study.ranking.columns
    assert repr(study).endswith("32 of 32 trials; Which stages should tiny have?>")
    page = study._repr_html_()
    assert "Which stages should tiny have?" in page
    assert "<th>reward</th>" in page
    assert study.figures.weighed().layout.yaxis.title.text == "Validation accuracy (share of 359 images)"
    for name in ("pareto", "spending", "parallel", "nominal", "family"):
        with pytest.raises(InputError, match=f"{name}: this study has nothing for this figure"):
            getattr(study.figures, name)()


def test_counts_are_whole_numbers(climbed: NotebookStudy) -> None:
    assert str(climbed.ranking["seeds"].dtype) == "Int64"
    assert "<td>2</td>" in climbed._repr_html_()


def test_what_is_not_there_is_said_in_a_line(climbed: NotebookStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="agreement: this study has nothing for this figure; "):
        climbed.figures.agreement()
    with pytest.raises(InputError, match="curves: this study has nothing"):
        climbed.figures.curves()
    with pytest.raises(InputError, match="weighed: this study has nothing"):
        climbed.figures.weighed()
    with pytest.raises(InputError, match="theme 'grey': must be one of light, dark"):
        climbed.figures.pareto("grey")
    with pytest.raises(InputError, match="holds no study"):
        ss.open_study(tmp_path)


def test_a_study_without_a_result_is_shown_too(tmp_path: Path) -> None:
    begun: Study = halving().study
    shutil.copy(begun.folder / "study.json", tmp_path / "study.json")
    (tmp_path / "trials").mkdir()
    fresh = ss.open_study(str(tmp_path))
    assert len(fresh.trials) == 0
    assert fresh._repr_html_().startswith("<p>&lt;Study ")
    assert "0 of " in repr(fresh)
    with pytest.raises(InputError, match="no candidate has a completed trial"):
        print(fresh.answer)


def test_what_a_notebook_shows(climbed: NotebookStudy) -> None:
    assert repr(climbed).startswith("<Study climbed: ")
    assert "How should tiny spend its next 2x of compute?" in repr(climbed)
    page = climbed._repr_html_()
    assert climbed.answer in page
    assert page.count("<tr") == 2 + 3  # two of headings, three that are ranked
    assert repr(climbed.figures).startswith("<Figures: ")
