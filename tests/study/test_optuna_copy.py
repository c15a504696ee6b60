"""A copy of any study for optuna-dashboard: every training once, its rungs as steps, names and metrics set."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import optuna
import pytest
from planted_studies import halving, rules

from scalesearch.errors import InputError
from scalesearch.search.canonical import digest
from scalesearch.study.optuna_export import network_runs
from scalesearch.study.optuna_storage import OptunaStorage
from scalesearch.study.study import Study, open_study


def copied(study: Study, folder: Path) -> optuna.Study:
    """Through SQLite and back."""
    url = f"sqlite:///{folder}/studies.db"
    count = OptunaStorage(url).copy(study)
    found = optuna.load_study(study_name=study.folder.name, storage=url)
    assert len(found.trials) == count
    return found


def test_every_training_by_halving_is_a_trial_with_its_rungs(tmp_path: Path) -> None:
    study, found = halving().study, halving().found
    target = copied(study, tmp_path)
    assert target.metric_names == ["accuracy"]
    assert target.direction.name == "MAXIMIZE"
    assert {one for trial in target.trials for one in trial.user_attrs["trials"]} == set(found.outcomes)
    ranked = {arm.key: arm for arm in found.ranking.arms}
    for trial in target.trials:
        facts = trial.user_attrs
        last = found.outcomes[facts["trials"][-1]]
        ends = {found.outcomes[one].epochs[-1].samples: found.outcomes[one].accuracy for one in facts["trials"]}
        assert trial.intermediate_values == ends
        done = facts["network"] in ranked or facts["role"] == "baseline"
        assert trial.state.name == ("COMPLETE" if done else "PRUNED")
        assert trial.value == last.accuracy
    complete = [
        one for one in target.trials if one.state.name == "COMPLETE" and one.user_attrs["role"] == "candidate"
    ]
    assert len(complete) == sum(arm.seeds for arm in ranked.values()) == 6
    own = found.plan.by_network[complete[0].user_attrs["network"]]
    assert complete[0].params == {
        name: float(getattr(own.coefficients, name)) for name in ("alpha", "beta", "gamma")
    }
    assert complete[0].user_attrs["label"] == own.label
    assert complete[0].user_attrs["macs"] == own.cost.macs


def test_rules_are_a_parameter_and_epochs_are_steps(tmp_path: Path) -> None:
    target = copied(rules().study, tmp_path)
    names = {one.name for one in rules().found.plan.trained}
    assert {one.params["rule"] for one in target.trials} == {"baseline", *names}
    assert target.best_trial.params["rule"] == "width"
    assert all(len(one.intermediate_values) == 2 for one in target.trials)
    base = next(one for one in target.trials if one.params["rule"] == "baseline")
    assert (base.params["alpha"], base.user_attrs["label"], base.user_attrs["flops_ratio"]) == (1, "tiny", 1)


def test_stages_are_parameters_and_rewards_are_values(tmp_path: Path) -> None:
    study = open_study(Path(__file__).parents[2] / "results/reference/nas-tiny-digits")
    plan, outcomes = study.plan, study.outcomes()
    target = copied(study, tmp_path)
    assert target.metric_names == ["reward"]
    best = target.best_trial
    assert best.value == best.user_attrs["accuracy"] * plan.reward_factor(best.user_attrs["network"])
    assert best.value == max(
        plan.reward_factor(one.network_id) * (outcomes[one.id].accuracy or 0)
        for one in plan.planned(outcomes)
        if one.samples == plan.rungs[-1].samples
    )
    space = plan.config.space
    assert space is not None
    for trial in target.trials:
        if trial.user_attrs["role"] == "baseline":
            assert trial.params == {}
        else:
            (judged,) = space.check_constraints([space.point(trial.params)])
            assert digest(judged.network) == trial.user_attrs["network"]


def test_a_failure_has_no_value() -> None:
    study, found = rules().study, rules().found
    records = study.records()
    key, record = next(iter(records.items()))
    broken = replace(record, outcome=replace(record.outcome, state="diverged", epochs=()))
    groups = network_runs(found.plan, {**records, key: broken})
    (own,) = [one for one in groups if one.last.spec.id == key]
    assert own.last.outcome.accuracy is None
    assert own.curve(rungs=False) == {}
    assert not own.goes_on


def test_a_copy_is_written_anew_and_no_other_study_is_touched(tmp_path: Path) -> None:
    first, second = copied(halving().study, tmp_path), copied(halving().study, tmp_path)
    assert [one.params for one in first.trials] == [one.params for one in second.trials]
    study = halving().study
    config = replace(study.plan.config, phi=Decimal(2))
    other = replace(study, plan=replace(study.plan, config=config))
    with pytest.raises(
        InputError, match="holds a study climbed with another configuration; choose another database"
    ):
        OptunaStorage(f"sqlite:///{tmp_path}/studies.db", "--export-optuna").copy(other)
    assert len(copied(halving().study, tmp_path).trials) == len(first.trials)


def test_messages_name_the_option_that_was_given() -> None:
    with pytest.raises(InputError, match=r"^--export-optuna nonsense: must be a URL"):
        OptunaStorage("nonsense", "--export-optuna")
