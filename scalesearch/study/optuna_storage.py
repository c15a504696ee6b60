"""Copies of studies in a database of Optuna, for optuna-dashboard: written from records, never read back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from scalesearch.design.cost import cost
from scalesearch.design.images import plain_size
from scalesearch.errors import InputError, StorageError
from scalesearch.redaction import redacted
from scalesearch.search.canonical import ID_DIGITS, Json, as_json, json_digest
from scalesearch.search.kinds.sampler import Suggestion
from scalesearch.search.observations import Observation, observe
from scalesearch.search.sampler_space import DIRECTIONS, SamplerSpace
from scalesearch.study.optuna_export import frozen_trials, metric
from scalesearch.study.samplers import distributions
from scalesearch.study.study import Study

if TYPE_CHECKING:
    import optuna

_QUESTION = "question"
"""The user attribute that holds the identity of a study."""


def identity(study: Study) -> str:
    """Return the hash by which a database recognises a study's configuration and data.

    A copy of another study under the same name is rejected. Seeds that were requested later do not change the
    identity.
    """
    plan = study.first_plan
    config = as_json(plan.config)
    assert isinstance(config, dict)
    # The key `rivals` has always been part of the hash, with or without rules.
    tree: list[Json] = [{"rivals": [], **config}, as_json(plan.data)]
    return json_digest(tree)[:ID_DIGITS]


class OptunaStorage:
    """A database that holds Optuna studies."""

    def __init__(self, url: str, option: str = "--storage") -> None:
        """Connect to the database.

        Args:
            url: the URL of the database, such as `sqlite:///studies.db` or `postgresql://user@host/database`.
            option: the option of the command line that gave the URL, for messages.

        Raises:
            InputError: the kind of database is not known, or its driver is not installed.
            StorageError: the database does not respond, or cannot be written.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._label = f"{option} {redacted(url)}"
        with self._errors_in_one_line():
            self._storage = optuna.storages.RDBStorage(url)

    def update(self, study: Study) -> None:
        """Add every proposal whose trials have finished, with its result.

        If a result has changed since it was written, all trials are written again.

        Raises:
            InputError: the database holds another search of that name.
            StorageError: the database does not respond, or cannot be written.
        """
        import optuna

        plan, outcomes = study.plan, study.outcomes()
        running = {spec.network_id for spec in plan.pending(outcomes)}
        # Proposals are written in order; those after the first one that is still running are written later.
        finished = list(
            takewhile(
                lambda observation: observation.judged.violated or observation.key not in running,
                observe(plan, outcomes),
            )
        )
        space = plan.config.space
        assert space is not None, "only proposals have a storage"
        with self._errors_in_one_line(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about experimental features of Optuna
            target, trials = self._open_study(study), [_trial(observation, space) for observation in finished]
            stored = [(trial.state, trial.values) for trial in target.get_trials(deepcopy=False)]
            if stored != [(trial.state, trial.values) for trial in trials[: len(stored)]]:
                optuna.delete_study(study_name=target.study_name, storage=self._storage)
                target, stored = self._open_study(study), []
            target.add_trials(trials[len(stored) :])

    def copy(self, study: Study) -> int:
        """Write a study as it is now, in place of an earlier copy, and return its number of trials in the database.

        A search of (α, β) by a sampler is written as `update` does: its proposals, with all objectives.

        Raises:
            InputError: the database holds another study of that name.
            CountError: a record is not what was written.
            StorageError: the database does not respond, or cannot be written.
        """
        import optuna

        if study.plan.config.kind.exports_proposals:
            self.update(study)
            return len(observe(study.plan, study.outcomes()))
        trials = list(frozen_trials(study))
        name, study_identity = study.folder.resolve().name, identity(study)
        with self._errors_in_one_line(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about experimental features of Optuna
            if name in optuna.get_all_study_names(self._storage):
                self._check_identity(
                    optuna.load_study(study_name=name, storage=self._storage), name, study_identity
                )
                optuna.delete_study(study_name=name, storage=self._storage)
            target = optuna.create_study(storage=self._storage, study_name=name, direction="maximize")
            target.set_user_attr(_QUESTION, study_identity)
            target.set_user_attr("command", study.command)
            target.set_metric_names([metric(study.plan)])
            target.add_trials(trials)
        return len(trials)

    def _check_identity(self, target: optuna.Study, name: str, study_identity: str) -> None:
        if target.user_attrs.get(_QUESTION) != study_identity:
            raise InputError(
                f"{self._label}: holds a study {name} with another configuration; choose another database or --name"
            )

    def _open_study(self, study: Study) -> optuna.Study:
        import optuna

        name, plan = study.folder.name, study.plan
        objectives = plan.config.kind.objectives
        study_identity = identity(study)
        target = optuna.create_study(
            storage=self._storage,
            study_name=name,
            directions=[DIRECTIONS[objective] for objective in objectives],
            load_if_exists=True,
        )
        if not target.user_attrs and not target.get_trials(deepcopy=False):
            target.set_user_attr(_QUESTION, study_identity)
            target.set_metric_names(list(objectives))
        self._check_identity(target, name, study_identity)
        return target

    @contextmanager
    def _errors_in_one_line(self) -> Iterator[None]:
        from optuna.exceptions import StorageInternalError
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError

        try:
            yield
        except ImportError as error:
            reason = _reason(error)
            raise InputError(
                f"{self._label}: its driver is not installed ({reason}); for PostgreSQL: "
                "pip install 'scalesearch[postgres]'"
            ) from error
        except (ArgumentError, ValueError) as error:  # ValueError: the port is not a number
            raise InputError(
                f"{self._label}: must be a URL such as sqlite:///studies.db or postgresql://HOST/NAME; in a "
                "password write @ as %40, : as %3A and / as %2F"
            ) from error
        except (StorageInternalError, SQLAlchemyError, RuntimeError, OSError) as error:
            raise StorageError(f"{self._label}: cannot be used ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    """Return the root cause of a library's error, on one line and without secrets."""
    while error.__cause__ is not None:
        error = error.__cause__
    return redacted(" ".join(str(error).split()))[:200]


def _trial(observation: Observation, space: SamplerSpace[Any]) -> optuna.trial.FrozenTrial:
    """Return a proposal as Optuna stores it: complete, pruned if it breaks a limit, or failed."""
    import optuna

    state, values = optuna.trial.TrialState, observation.values(space.objectives, score=False)
    network, point = observation.judged.network, observation.point
    assert isinstance(point, Suggestion), "stages have no storage"
    costs = cost(network)
    return optuna.trial.create_trial(
        state=state.PRUNED if observation.judged.violated else state.FAIL if values is None else state.COMPLETE,
        values=values,
        params=space.parameters(point),
        distributions=distributions(space),
        constraints=dict(observation.judged.excess),
        user_attrs={
            "label": str(point.coefficients).strip("()").replace(", ", "/"),
            "network": observation.key,
            "resolution": plain_size(network.resolution),
            "macs": costs.macs,
            "params": costs.params,
        },
    )
