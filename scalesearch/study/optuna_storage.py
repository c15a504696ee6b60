"""Studies as Optuna's in a database, for optuna-dashboard: written from records, never read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from scalesearch.design.cost import cost
from scalesearch.errors import InputError, StorageError
from scalesearch.redaction import redacted
from scalesearch.search.canonical import ID_DIGITS, Json, as_json, json_digest
from scalesearch.search.kinds.sampler import Suggestion
from scalesearch.search.observations import Observation, told
from scalesearch.search.sampler_space import DIRECTIONS, SamplerSpace
from scalesearch.study.optuna_export import frozen, metric
from scalesearch.study.samplers import distributions
from scalesearch.study.study import Study

if TYPE_CHECKING:
    import optuna

_QUESTION = "question"


def identity(study: Study) -> str:
    """What a database knows a study's configuration and data by: copies of another study's are refused.

    Seeds that were requested later change nothing.
    """
    plan = study.first_plan
    config = as_json(plan.config)
    assert isinstance(config, dict)
    tree: list[Json] = [{"rivals": [], **config}, as_json(plan.data)]  # the key was always there, rules or none
    return json_digest(tree)[:ID_DIGITS]


class OptunaStorage:
    """A database that holds Optuna studies."""

    def __init__(self, url: str, option: str = "--storage") -> None:
        """Connect.

        Args:
            url: such as `sqlite:///studies.db` or `postgresql://user@host/database`.
            option: that gave it, for messages.

        Raises:
            InputError: no such kind of database, or its driver is not installed.
            StorageError: it does not answer, or cannot be written.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._shown = f"{option} {redacted(url)}"
        with self._told_in_one_line():
            self._storage = optuna.storages.RDBStorage(url)

    def update(self, study: Study) -> None:
        """Add every suggestion whose trials are over, with what came of it; where that changed, write all anew.

        Raises:
            InputError: the database holds another search of that name.
            StorageError: it does not answer, or cannot be written.
        """
        import optuna

        plan, outcomes = study.plan, study.outcomes()
        running = {spec.network_id for spec in plan.pending(outcomes)}
        known = list(takewhile(lambda one: one.judged.broken or one.key not in running, told(plan, outcomes)))
        space = plan.config.space
        assert space is not None, "only what is suggested has a storage"
        with self._told_in_one_line(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that Optuna may still change
            target, trials = self._study(study), [_trial(one, space) for one in known]
            there = [(trial.state, trial.values) for trial in target.get_trials(deepcopy=False)]
            if there != [(trial.state, trial.values) for trial in trials[: len(there)]]:
                optuna.delete_study(study_name=target.study_name, storage=self._storage)
                target, there = self._study(study), []
            target.add_trials(trials[len(there) :])

    def copy(self, study: Study) -> int:
        """Write a study as it is now, in place of an earlier copy; how many trials it has in the database.

        A search of the continuum is written as `update` does: its suggestions, with all objectives.

        Raises:
            InputError: the database holds another study of that name.
            CountError: a record is not what was written.
            StorageError: it does not answer, or cannot be written.
        """
        import optuna

        if study.plan.config.kind.exports_proposals:
            self.update(study)
            return len(told(study.plan, study.outcomes()))
        trials = list(frozen(study))
        name, config = study.folder.resolve().name, identity(study)
        with self._told_in_one_line(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of features that Optuna may still change
            if name in optuna.get_all_study_names(self._storage):
                self._refuse_another(optuna.load_study(study_name=name, storage=self._storage), name, config)
                optuna.delete_study(study_name=name, storage=self._storage)
            target = optuna.create_study(storage=self._storage, study_name=name, direction="maximize")
            target.set_user_attr(_QUESTION, config)
            target.set_user_attr("command", study.command)
            target.set_metric_names([metric(study.plan)])
            target.add_trials(trials)
        return len(trials)

    def _refuse_another(self, target: optuna.Study, name: str, config: str) -> None:
        if target.user_attrs.get(_QUESTION) != config:
            raise InputError(
                f"{self._shown}: holds a study {name} of another question; choose another database or --name"
            )

    def _study(self, study: Study) -> optuna.Study:
        import optuna

        name, plan = study.folder.name, study.plan
        objectives = plan.config.kind.objectives
        config = identity(study)
        target = optuna.create_study(
            storage=self._storage,
            study_name=name,
            directions=[DIRECTIONS[objective] for objective in objectives],
            load_if_exists=True,
        )
        if not target.user_attrs and not target.get_trials(deepcopy=False):
            target.set_user_attr(_QUESTION, config)
            target.set_metric_names(list(objectives))
        self._refuse_another(target, name, config)
        return target

    @contextmanager
    def _told_in_one_line(self) -> Iterator[None]:
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError

        try:
            yield
        except ImportError as error:
            reason = _reason(error)
            raise InputError(
                f"{self._shown}: its driver is not installed ({reason}); for PostgreSQL: "
                "pip install 'scalesearch[postgres]'"
            ) from error
        except (ArgumentError, ValueError) as error:  # ValueError: what stands for a port is no number
            raise InputError(
                f"{self._shown}: must be a URL such as sqlite:///studies.db or postgresql://HOST/NAME; in a "
                "password write @ as %40, : as %3A and / as %2F"
            ) from error
        except (StorageInternalError, SQLAlchemyError, RuntimeError, OSError) as error:
            raise StorageError(f"{self._shown}: cannot be used ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    """The cause of an error of a library, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return redacted(" ".join(str(error).split()))[:200]


def _trial(observation: Observation, space: SamplerSpace[Any]) -> optuna.trial.FrozenTrial:
    """A suggestion as Optuna keeps it: complete, pruned where a limit is broken, or failed."""
    import optuna

    state, values = optuna.trial.TrialState, observation.values(space.objectives, score=False)
    network, point = observation.judged.network, observation.point
    assert isinstance(point, Suggestion), "stages have no storage"
    price = cost(network)
    return optuna.trial.create_trial(
        state=state.PRUNED if observation.judged.broken else state.FAIL if values is None else state.COMPLETE,
        values=values,
        params=space.parameters(point),
        distributions=distributions(space),
        constraints=dict(observation.judged.excess),
        user_attrs={
            "label": str(point.coefficients).strip("()").replace(", ", "/"),
            "network": observation.key,
            "resolution": network.resolution,
            "macs": price.macs,
            "params": price.params,
        },
    )
