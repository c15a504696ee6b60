"""Transfer of a result to another φ: what `grid --transfer-phi` trained, in a folder next to the study's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from scalesearch.design.decimals import format_decimal
from scalesearch.errors import ScalesearchError
from scalesearch.search.kinds.rules import transfer_name
from scalesearch.study.result import StudyResult, analyze
from scalesearch.study.study import open_study

_INFIX = "-check-phi"
"""Stands between the name of the study and the other φ in the name of that folder."""


def transfer_folder_of(study_folder: Path, phi: Decimal) -> Path:
    """Return the folder of the study at another φ."""
    return study_folder.with_name(f"{study_folder.name}{_INFIX}{format_decimal(phi)}")


def phi_transfer_lines(result: StudyResult, study_folder: Path) -> list[str]:
    """Return one line for each other φ that was trained; it says why if that study cannot be read."""
    folder = study_folder.resolve()
    paths = sorted(folder.parent.glob(f"{folder.name}{_INFIX}*/study.json"))
    return [line for path in paths if (line := _line(result, path.parent))]


def _line(result: StudyResult, folder: Path) -> str:
    try:
        study = open_study(folder)
        other_result = analyze(study.plan, study.outcomes())
    except ScalesearchError as error:
        return f"At another φ: {error}"
    return "" if other_result is None else _transfer_line(other_result, transfer_name(result.winner))


def _transfer_line(result: StudyResult, name: str) -> str:
    """Return whether the recommendation of another φ, which is a rule of this comparison, ties with the best."""
    plan, ranking = result.plan, result.ranking
    phi = format_decimal(plan.config.phi)
    transferred = next((arm for arm in ranking.arms if name in plan.by_network[arm.key].rules), None)
    if transferred is None:
        return (
            f"At φ = {phi}: no network of {name} has the wanted cost and a completed trial, so it was not compared"
        )
    low, high = result.intervals[transferred.key]
    best = plan.by_network[ranking.arms[0].key]
    if name in best.rules:
        return f"At φ = {phi}: {name} is the best again; {result.certainty}"
    verdict = "still ties" if transferred.tied else "no longer ties"
    behind = f"behind by {transferred.behind:.4f} ({low:.4f} … {high:.4f})"
    return f"At φ = {phi}: {name} {verdict} with the best, {best.name}: {behind}"
