"""Whether an answer still holds at another φ: what `grid --check-phi` trained, in a folder beside the study's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from scalesearch.design.exact import plain
from scalesearch.errors import ScalesearchError
from scalesearch.search.kinds.rules import transfer_name
from scalesearch.study.result import StudyResult, answer
from scalesearch.study.study import open_study

_BETWEEN = "-check-phi"


def check_folder(study_folder: Path, phi: Decimal) -> Path:
    """Where the study at another φ lies."""
    return study_folder.with_name(f"{study_folder.name}{_BETWEEN}{plain(phi)}")


def other_phi_lines(result: StudyResult, study_folder: Path) -> list[str]:
    """A line for each other φ that has been trained; one that cannot be read says why."""
    here = study_folder.resolve()
    folders = sorted(here.parent.glob(f"{here.name}{_BETWEEN}*/study.json"))
    return [line for path in folders if (line := _line(result, path.parent))]


def _line(result: StudyResult, folder: Path) -> str:
    try:
        study = open_study(folder)
        checked = answer(study.plan, study.outcomes())
    except ScalesearchError as error:
        return f"At another φ: {error}"
    return "" if checked is None else _transfer_line(checked, transfer_name(result.winner))


def _transfer_line(result: StudyResult, name: str) -> str:
    """Whether the recommendation of another φ, a rule of this comparison, still ties with the best here."""
    plan, ranking = result.plan, result.ranking
    phi = plain(plan.config.phi)
    own = next((arm for arm in ranking.arms if name in plan.by_network[arm.key].rules), None)
    if own is None:
        return (
            f"At φ = {phi}: no network of {name} has the wanted cost and a completed trial, so it was not compared"
        )
    low, high = result.intervals[own.key]
    best = plan.by_network[ranking.arms[0].key]
    if name in best.rules:
        return f"At φ = {phi}: {name} is the best again; {result.certainty}"
    verdict = "still ties" if own.tied else "no longer ties"
    behind = f"behind by {own.behind:.4f} ({low:.4f} … {high:.4f})"
    return f"At φ = {phi}: {name} {verdict} with the best, {best.name}: {behind}"
