"""The further budgets of a study: what is asked, what is read back, and the verdict of a planted flip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from math import nan
from pathlib import Path

import pytest
import yaml
from networks import staged
from planted import Planted, budget, plan, study

from scalesearch.design.cost import cost
from scalesearch.errors import InputError
from scalesearch.runners.inline import InlineRunner
from scalesearch.search.budget import with_constant_lr_and_decay
from scalesearch.search.kinds.rules import NAMED, RuleComparison
from scalesearch.search.task import Epoch
from scalesearch.search.trial import TrialSpec
from scalesearch.study.proxy_validation import (
    further_configs,
    read_proxy_validation,
    validation_folder,
    with_more_seeds,
)
from scalesearch.study.proxy_validation_text import overall, proxy_validation_facts, proxy_validation_lines
from scalesearch.study.result import analyze
from scalesearch.study.result_files import write_result_files
from scalesearch.study.search import search
from scalesearch.study.study import Study, open_or_create, open_study
from scalesearch.study.summary import summary_lines

BUDGET = with_constant_lr_and_decay(budget(candidates=None, seeds=1, final_seeds=2, finalists=3))


@dataclass(frozen=True)
class Flips:
    """Deeper is better in short runs of small networks, and worse in longer or larger ones."""

    images: int
    shrunk: float
    flips: bool = True

    def __call__(self, spec: TrialSpec) -> Iterator[Epoch]:
        layers = sum(staged(spec.network).depths)
        shrunk = staged(spec.proxy).side / staged(spec.network).side
        further = (spec.samples or 0) > self.images or shrunk > 1.2 * self.shrunk
        sign = -1 if further and self.flips else 1
        noise = (int(spec.id, 16) % 1000 - 500) * 1e-6
        accuracy = 0.5 + sign * 0.01 * layers + 0.004 * spec.seed + noise
        yield Epoch(1, spec.samples or 0, 1 / cost(spec.proxy).macs, 1.0, accuracy, 1.0)


def searched(folder: Path) -> Study:
    asked = plan(BUDGET)
    asked = replace(asked, config=replace(asked.config, scheduler="halving"))
    begun = open_or_create(study(folder, asked))
    search(begun, InlineRunner(), objective(begun), lambda event: None)
    return begun


def objective(begun: Study, flips: bool = True) -> Flips:
    px = staged(begun.plan.config.baseline.architecture).side
    return Flips(begun.plan.rungs[-1].samples, BUDGET.resolution / px, flips)


def trusted(begun: Study, flips: bool) -> Study:
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    for name, config in further_configs(begun, found.ranking, 2).items():
        further = study(validation_folder(begun.folder, name), replace(begun.plan, config=config))
        search(open_or_create(further), InlineRunner(), objective(begun, flips), lambda event: None)
    return begun


def test_what_is_asked(tmp_path: Path) -> None:
    begun = searched(tmp_path)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    asked = further_configs(begun, found.ranking, 3)
    assert list(asked) == ["longer", "larger"]
    longer, larger = (replace(begun.plan, config=one) for one in asked.values())
    finalists = {arm.key for arm in found.ranking.arms if arm.seeds == 2}
    assert finalists < set(longer.by_network) == set(larger.by_network)
    assert len(longer.by_network) == 8
    # The study's own budget is the longer one's first rung, and its trunk climbs by the same steps.
    own = begun.plan.rungs[-1]
    first = longer.rungs[0]
    assert (first.samples, first.decay_start) == (own.samples, own.decay_start)
    assert longer.rungs[1].samples == 2 * own.samples
    recipes = [one.budget.recipe for one in (begun.plan.config, asked["longer"])]
    assert recipes[1].epochs * recipes[1].warmup == recipes[0].epochs * recipes[0].warmup
    assert [one.samples for one in larger.rungs] == [own.samples]
    assert asked["larger"].budget.resolution == int(BUDGET.resolution * 1.4 + 0.5)
    assert {spec.seed for spec in larger.planned({})} == {0, 1, 2}


def test_a_proxy_that_flips_is_not_to_be_used(tmp_path: Path) -> None:
    begun = trusted(searched(tmp_path), flips=True)
    validation = read_proxy_validation(begun.folder)
    assert validation is not None
    found = validation.agreements
    assert [one.budget for one in found] == ["longer", "larger"]
    assert all(one.tau.value < -0.5 for one in found)
    assert overall(found) == "do not use"
    whole = analyze(begun.plan, begun.outcomes(), validation)
    assert whole is not None
    write_result_files(begun.folder, whole)
    written = yaml.safe_load((begun.folder / "winner.yaml").read_text())["proxy"]
    assert written["in_words"] == "do not use"
    assert [one["budget"] for one in written["budgets"]] == ["longer", "larger"]
    assert any(line.startswith("Proxy validation: do not use; ") for line in summary_lines(whole, begun.folder))


def test_a_proxy_that_holds_is_trusted(tmp_path: Path) -> None:
    validation = read_proxy_validation(trusted(searched(tmp_path), flips=False).folder)
    assert validation is not None
    found = validation.agreements
    assert overall(found) == "trust"
    assert all(one.tau.value > 0.5 for one in found)


def test_what_one_seed_cannot_show_is_said(tmp_path: Path) -> None:
    validation = read_proxy_validation(trusted(searched(tmp_path), flips=False).folder)
    assert validation is not None
    found = validation.agreements
    flat = {axis: replace(one, value=nan) for axis, one in found[0].drift.items()}
    single = tuple(
        replace(one, seeds=1, ceiling=None, drift=flat, tau=replace(one.tau, value=0.1, low=-0.1)) for one in found
    )
    first, line, _ = proxy_validation_lines(single)
    assert (
        first == "Proxy validation: cannot tell; one seed does not show how far seeds agree; run it with --seeds 3"
    )
    assert "1 seed)" in line
    assert "drift not measured" in line
    facts = proxy_validation_facts(single)
    assert facts is not None
    assert "nan" not in yaml.safe_dump(facts)


def test_a_further_budget_takes_more_seeds_and_keeps_its_trials(tmp_path: Path) -> None:
    begun = trusted(searched(tmp_path), flips=False)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    for seeds, wanted in ((1, 2), (3, 3)):
        for name, config in further_configs(begun, found.ranking, seeds).items():
            folder = validation_folder(begun.folder, name)
            before = open_study(folder)
            grown = with_more_seeds(folder, config)
            after = open_or_create(replace(before, plan=replace(before.plan, config=grown)))
            assert after.plan.config == grown
            assert grown.budget.seeds == wanted
            assert after.outcomes() == before.outcomes()
            left = after.plan.pending(after.outcomes())
            assert {spec.seed for spec in left} == (set() if wanted == 2 else {2})


def test_a_study_without_further_budgets_says_nothing(tmp_path: Path) -> None:
    begun = searched(tmp_path)
    assert read_proxy_validation(begun.folder) is None
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    write_result_files(begun.folder, found)
    assert yaml.safe_load((begun.folder / "winner.yaml").read_text())["proxy"] is None
    assert not any(line.startswith("Proxy:") for line in summary_lines(found, begun.folder))


def test_half_run_budgets_are_no_evidence(tmp_path: Path) -> None:
    begun = trusted(searched(tmp_path), flips=False)
    for path in list((validation_folder(begun.folder, "larger") / "trials").iterdir())[:-5]:
        path.unlink()
    assert read_proxy_validation(begun.folder) is None


def test_rules_are_not_a_grid(tmp_path: Path) -> None:
    asked = plan(budget())
    asked = replace(asked, config=replace(asked.config, kind=RuleComparison(NAMED), phi=Decimal(1)))
    begun = open_or_create(study(tmp_path, asked))
    search(begun, InlineRunner(), Planted(), lambda event: None)
    found = analyze(begun.plan, begun.outcomes())
    assert found is not None
    with pytest.raises(InputError, match="compares rules"):
        further_configs(begun, found.ranking, 2)
