"""Studies whose accuracies are planted, for figures and reports; made once a process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from math import log
from pathlib import Path

from networks import staged
from planted import budget, plan, study

from scalesearch.report.study_report import ReportInputs, read_report_inputs
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import with_constant_lr_and_decay
from scalesearch.search.decision.records import FurtherBudget, FurtherBudgets
from scalesearch.search.kinds.rules import NAMED, RuleComparison
from scalesearch.search.plan import Plan
from scalesearch.search.proxies import DataFacts
from scalesearch.search.proxy_validation import ProxyValidation, RankAgreement
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.proxy_validation import further_configs, validation_folder
from scalesearch.study.result import StudyResult
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study

STAGES = Path(__file__).parent.parent.parent / "results" / "reference" / "nas-tiny-digits"
BUDGET = with_constant_lr_and_decay(budget(candidates=10, seeds=1, final_seeds=2, finalists=3))
DATA = DataFacts("planted", "f" * 64, classes=3, train=256, val=1000)


@dataclass(frozen=True)
class Rising:
    """Accuracy that rises with training and, by nothing but layers and channels, differs between networks."""

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        network = staged(spec.network)
        layers, channels = sum(network.depths), sum(network.widths)
        noise = (int(spec.id, 16) % 1000 - 500) * 4e-6
        images = spec.samples or 768
        place = 0.3 + 0.02 * log(images) + 0.004 * layers + 0.0002 * channels + 0.003 * spec.seed + noise
        yield Epoch(1, images // 2, 2.0, 2.0, place - 0.1, 1.0)
        yield Epoch(2, images, 1 / place, 1.0, place, 1.0)


def made(asked: Plan, name: str) -> Study:
    """A finished study in a folder of its own, which goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="planted-")) / name
    begun = open_or_create(study(folder, asked))
    search(begun, InlineRunner(), Rising(), lambda event: None)
    return begun


@cache
def halving() -> ReportInputs:
    """Every candidate of the tiny baseline, by halving."""
    return read_report_inputs(made(replace(plan(BUDGET, scheduler="halving"), data=DATA), "climbed"))


@cache
def trusted() -> ReportInputs:
    """The same, with two further budgets."""
    begun = halving().study
    for name, config in further_configs(begun, halving().found.ranking, 2).items():
        further = study(validation_folder(begun.folder, name), replace(begun.plan, config=config))
        search(open_or_create(further), InlineRunner(), Rising(), lambda event: None)
    return read_report_inputs(begun)


def with_agreements(result: StudyResult, *agreements: RankAgreement) -> StudyResult:
    """The same result as further budgets of these agreements would leave it, its decision aside."""
    budget = FurtherBudget(result.plan, result.outcomes)
    return replace(result, validation=ProxyValidation(agreements, FurtherBudgets(budget, budget)))


@cache
def stages() -> ReportInputs:
    """A search of stages, the kept one: its rewards are not its accuracies."""
    return read_report_inputs(open_study(STAGES))


@cache
def rules() -> ReportInputs:
    """A comparison of rules at 2x, two seeds."""
    asked = plan(replace(BUDGET, seeds=2, finalists=0, final_seeds=0))
    config = replace(asked.config, kind=RuleComparison(NAMED), phi=Decimal(1))
    return read_report_inputs(made(replace(asked, config=config, data=DATA), "compared"))
