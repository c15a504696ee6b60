"""What options offer is what the code can do."""

from __future__ import annotations

from typing import get_args

from scalesearch import choices
from scalesearch.design.rounding import _RULES
from scalesearch.export.formats import FORMATS
from scalesearch.search.kinds.sampler import SAMPLERS
from scalesearch.search.schedulers import SCHEDULERS
from scalesearch.training.recipes import RECIPES


def test_every_choice_is_implemented_and_every_implementation_can_be_chosen() -> None:
    assert get_args(choices.Rounding) == tuple(_RULES)
    assert get_args(choices.ExportFormat) == tuple(FORMATS)
    assert get_args(choices.TrainingRecipe) == tuple(RECIPES)
    assert set(get_args(choices.Sampler)) == {"grid", "optuna", *SAMPLERS}
    assert get_args(choices.Scheduler) == tuple(SCHEDULERS)
    assert set(get_args(choices.StageScheduler)) < set(get_args(choices.Scheduler))
