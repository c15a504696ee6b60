"""The trials of a study as one data frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scalesearch.search.canonical import digest
from scalesearch.search.plan import Plan
from scalesearch.search.trial import Outcome
from scalesearch.study.trial_columns import trial_file_columns
from scalesearch.study.trial_summary import summarize

if TYPE_CHECKING:
    import pandas as pd


def trials_table(plan: Plan, outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Return one row per trial, including the baseline's, in the order of the plan."""
    import pandas as pd

    columns = trial_file_columns(plan)
    trials = [summarize(spec, outcomes[spec.id]) for spec in plan.planned(outcomes) if spec.id in outcomes]
    return pd.DataFrame([{column.key: column.value(trial) for column in columns} for trial in trials])


def network_ids(plan: Plan) -> dict[str, str]:
    """Return a short name for every network of the plan: `base`, or the coefficients."""
    names = {digest(candidate.architecture): candidate.label for candidate in plan.trained}
    return {plan.base_id: "base", **names}
