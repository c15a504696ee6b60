"""The model of a study: its closed forms against dense algebra, its integral against a grid, its symmetries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import halfnorm, norm

from scalesearch.search.decision.data import Channel, ProxyCosts, StudyData, Training
from scalesearch.search.decision.integration import ENOUGH, integrate
from scalesearch.search.decision.model import Model
from scalesearch.search.decision.posterior import DRAWS, Posterior, posterior
from scalesearch.search.decision.shares import ShareTerms

Floats = NDArray[np.float64]
ACCURACY, EARLY, LOSS = Channel(3), Channel(1), Channel(3, 1)
LONGER, LARGER = Channel(4), Channel(6)
FLAT = 1e3
"""Prior standard deviation that stands for a flat prior."""


def simplex(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).dirichlet((1, 1, 1), count)


def study(
    seed: int = 5,
    networks: int = 11,
    losses: bool = True,
    shares: bool = True,
    trunks: bool = False,
    further: bool = False,
) -> StudyData:
    """Eleven networks, one never trained, one eliminated; further seeds of some, on the last rung alone.

    With trunks, the baseline has three, the networks' first training has the first, further ones have the others.
    With further budgets, five networks are trained longer, from scratch, and four of these with larger images.
    """
    draw = np.random.default_rng(seed)
    places = simplex(networks, seed)
    values = 0.7 + 0.1 * places[:, 0] + draw.normal(0, 0.01, networks)

    def training(network: int, *channels: Channel) -> Training:
        off = draw.normal(0, 0.02)
        level = values[network] if network >= 0 else 0.6
        seen = {
            channel: float((1.7 if channel.response else 1) * (level + off - 0.1 * (3 - channel.rung)))
            + draw.normal(0, 0.005)
            for channel in channels
        }
        return Training("base" if network < 0 else f"n{network:02}", seen)

    every = (EARLY, ACCURACY, LOSS) if losses else (EARLY, ACCURACY)
    trainings = [training(-1, *every) for _ in range(3)]
    trainings += [training(n, *(every if n > 1 else (EARLY,))) for n in range(1, networks)]
    trainings += [training(n, ACCURACY) for n in (4, 4, 7)]
    costs = np.linspace(-0.06, 0.05, networks)
    names = tuple(f"n{n:02}" for n in range(networks))
    if trunks:
        seeds = (0, 1, 2, *[0] * (networks - 1), 1, 2, 1)
        trainings = [replace(one, trunk=trunk) for one, trunk in zip(trainings, seeds, strict=True)]
    data = StudyData(names, places if shares else None, costs, tuple(trainings), "base", smallest_noise=0.004)
    if not further:
        return data
    longer = [training(n, ACCURACY, LONGER) for n in (1, 4, 4, 5, 6, 9)]
    larger = [training(n, LARGER) for n in (1, 4, 5, 9)]
    branches = {LARGER.rung: ProxyCosts(costs[::-1], -0.6)}
    return replace(data, trainings=(*trainings, *longer, *larger), first_further=4, branches=branches)


def dense(model: Model, point: Floats) -> tuple[float, Floats, Floats]:
    """Log density of the measurements, and mean and covariance of the values, by one large normal distribution.

    Flat priors are wide ones: the density is right up to a constant of the study.
    """
    data, hyper = model.data, model._hyperparameters(point[None])
    channels, terms = list(data.channels), model.terms
    rows = [
        (data.candidates.index(training.network), number, channels.index(channel), value)
        for number, training in enumerate(data.trainings)
        if training.network in data.candidates
        for channel, value in training.values.items()
    ]
    cost_means, cost_deviations = model._cost_priors
    trunk_variances = (100 * data.spreads) ** 2
    favours = halfnorm.ppf(
        norm.cdf(dict(zip(model.unknowns, point, strict=True)).get("trunk slope", 0.0)), scale=0.8
    )
    columns = terms.values if terms else np.zeros((len(data.candidates), 0))
    precisions = hyper.precisions[0][len(channels) : len(channels) + columns.shape[1]]

    drifts = hyper.precisions[0][-1] ** -1.0 if data.branches and terms else 0.0

    def log_cost(network: int, channel: int) -> float:
        branch = data.branches.get(channels[channel].rung)
        return float((data.log_costs if branch is None else branch.candidates)[network])

    def covariance(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
        (n, s, c), (m, t, d) = a, b
        # One step leads from the study to LONGER; LARGER is a branch.
        both = {channels[c], channels[d]}
        drifting = both == {LARGER} or not both & {LONGER, LARGER}
        linear = columns[n, :2] @ columns[m, :2]
        drift = hyper.scales[0, c] * hyper.scales[0, d] * drifts * drifting * float(linear)
        same_channel = FLAT**2 * (c == d)
        smooth = hyper.scales[0, c] * hyper.scales[0, d] * float(columns[n] @ (columns[m] / precisions))
        own = hyper.networks[0, c, d] * (n == m)
        costs = log_cost(n, c) * log_cost(m, d) * cost_deviations[c] ** 2 * (c == d)
        noise = hyper.noise_covariance[0, c, d] * hyper.noise_factors[0, n] ** 2 * (s == t)
        trunk = data.trainings[s].trunk
        same_trunk = trunk is not None and trunk == data.trainings[t].trunk
        # A trunk may favour a dimension, by a share of the noise of one training.
        slope = favours**2 * hyper.noise_covariance[0, c, c] * float(linear)
        of_trunk = (trunk_variances[c] + slope) * (c == d) * same_trunk
        return float(same_channel + smooth + drift + own + costs + noise + of_trunk)

    means = np.array([log_cost(n, c) * cost_means[c] for n, _, c, _ in rows])
    values = np.array([value for *_, value in rows]) - means - np.array([model._offsets[c] for _, _, c, _ in rows])
    places = [row[:3] for row in rows]
    among = np.array([[covariance(a, b) for b in places] for a in places])
    judged = data.target_channel
    last = [one for one in data.trainings if one.network in data.candidates and channels[judged] in one.values]
    trunks = {one.trunk for one in last} - {None}
    targets = [(n, -1 - n, judged) for n in range(len(data.candidates))]

    def value_covariance(n: int, b: tuple[int, int, int]) -> float:
        m, number, d = b
        smooth = hyper.scales[0, d] * float(columns[n] @ (columns[m] / precisions))
        own = hyper.own_deviation[0] ** 2 * hyper.scales[0, d] * (n == m)
        has_effect = number < 0 or data.trainings[number].trunk in trunks
        of_trunk = trunk_variances[d] * (judged == d) * has_effect / len(trunks) if trunks else 0.0
        return float(FLAT**2 * (judged == d) + smooth + own + of_trunk)

    across = np.array([[value_covariance(n, b) for b in places] for n, _, _ in targets])
    itself = np.array([[value_covariance(n, (m, -1, judged)) for m, _, _ in targets] for n, _, _ in targets])
    solved = np.linalg.solve(among, np.column_stack([values, across.T]))
    mean = across @ solved[:, 0] + model._offsets[judged]
    density = -0.5 * values @ solved[:, 0] - 0.5 * np.linalg.slogdet(among)[1]
    base = [one for one in data.trainings if one.network == "base" and one.trunk is None]
    if not base:  # each has a trunk of its own
        return float(density - 0.5 * point @ point), mean, itself - across @ solved[:, 1:]
    of_base = [channels.index(channel) for channel in base[0].values]
    table = np.array([[one.values[channels[index]] for index in of_base] for one in base])
    off = table - table.mean(0)
    noise = hyper.noise_covariance[0][np.ix_(of_base, of_base)]
    density += (
        -0.5 * np.trace(np.linalg.solve(noise, off.T @ off)) - 0.5 * (len(base) - 1) * np.linalg.slogdet(noise)[1]
    )
    return float(density - 0.5 * point @ point), mean, itself - across @ solved[:, 1:]


@pytest.mark.parametrize(
    ("losses", "shares", "trunks", "further"),
    [
        (True, True, False, False),
        (False, True, False, False),
        (True, False, False, False),
        (True, True, True, False),
        (False, False, True, False),
        (True, True, False, True),
        (False, True, True, True),
        (True, False, True, True),
    ],
)
def test_closed_forms_are_those_of_one_large_normal_distribution(
    losses: bool, shares: bool, trunks: bool, further: bool
) -> None:
    model = Model(study(losses=losses, shares=shares, trunks=trunks, further=further))
    assert ("drift" in model.unknowns) == (further and shares)
    assert ("trunk slope" in model.unknowns) == (trunks and shares)
    points = np.random.default_rng(2).normal(0, 0.7, (4, len(model.unknowns)))
    found = model.conditional(points)
    own = np.einsum("bnp,bpq->bnq", found.loadings, found.coefficient_root)
    covariance = own @ np.swapaxes(own, 1, 2) + np.einsum("bn,nm->bnm", found.own_variance, np.eye(11))
    truth = [dense(model, point) for point in points]
    expected = np.array([one[0] for one in truth])
    np.testing.assert_allclose(found.log_density - found.log_density[0], expected - expected[0], atol=2e-3)
    np.testing.assert_allclose(found.mean, [one[1] for one in truth], atol=1e-5)
    np.testing.assert_allclose(covariance, [one[2] for one in truth], atol=1e-4 * 0.03)


def test_what_a_trunk_gives_all_networks_changes_no_difference_between_them() -> None:
    """It is as large as that between networks; without trunks in the model it would count as noise."""
    data = study(trunks=True)
    steps = {0: {ACCURACY: 0.2, LOSS: -0.3, EARLY: 0.1}, 1: {ACCURACY: -0.1}, 2: {ACCURACY: 0.05}}

    def shifted(training: Training) -> Training:
        step = steps[training.trunk if training.trunk is not None else -1]
        values = {channel: value + step.get(channel, 0.0) for channel, value in training.values.items()}
        return replace(training, values=values)

    other = replace(data, trainings=tuple(map(shifted, data.trainings)))
    np.testing.assert_allclose(other.spreads, data.spreads)
    found, expected = posterior(other), posterior(data)
    level = np.mean([0.2, -0.1, 0.05])
    np.testing.assert_allclose(found.mean, expected.mean + level, atol=5e-4)
    np.testing.assert_allclose(found.expected_regret, expected.expected_regret, atol=5e-4)
    blind = posterior(replace(other, trainings=tuple(replace(one, trunk=None) for one in other.trainings)))
    assert np.min(blind.expected_regret) > 1.2 * np.min(found.expected_regret)


def test_the_mean_of_a_trunk_is_that_of_all_networks_also_where_it_has_the_best_only() -> None:
    """Without noise, three trunks and eleven networks; the later trunks have those above the average."""
    names = tuple(f"n{n:02}" for n in range(11))
    values = dict(zip(names, np.linspace(0.5, 0.7, 11).tolist(), strict=True))
    steps = {0: 0.0, 1: -0.25, 2: 0.1}
    have = {0: names, 1: names[6:], 2: names[8:]}
    trainings = tuple(
        Training(name, {ACCURACY: values[name] + steps[trunk]}, trunk) for trunk in steps for name in have[trunk]
    )
    data = StudyData(names, simplex(11), np.zeros(11), trainings, "base")
    for trunk, step in steps.items():
        assert data.trunk_means[trunk, ACCURACY] == pytest.approx(0.6 + step)
    assert data.spreads[0] == pytest.approx(np.std(list(values.values()), ddof=1))


def skewed(points: Floats) -> Floats:
    """Two unknowns that depend on each other, one bounded by the data on one side only."""
    first, second = points[:, 0], points[:, 1]
    return np.asarray(-0.5 * np.sum(points**2, axis=1) - 3 * np.exp(first) + 4 * first - (second - first**2) ** 2)


def bent(points: Floats) -> Floats:
    """Where nothing is measured the prior is left."""
    return np.asarray(-0.5 * np.sum(points**2, axis=1) - np.log1p(np.exp(-4 * points[:, 0])))


@pytest.mark.parametrize("density", [skewed, bent])
def test_the_integral_is_that_of_a_fine_grid(density: Callable[[Floats], Floats]) -> None:
    found = integrate(density, 2)
    assert found.effective >= ENOUGH
    assert found.weights.sum() == pytest.approx(1)
    axis = np.linspace(-8, 8, 801)
    grid = np.array(list(product(axis, axis)))
    weights = np.exp(density(grid) - density(grid).max())
    weights /= weights.sum()
    for power in (1, 2):
        ours, truth = found.weights @ found.points**power, weights @ grid**power
        np.testing.assert_allclose(ours, truth, atol=0.06)
    assert np.array_equal(integrate(density, 2).points, found.points)


def test_terms_are_orthogonal_scaled_and_the_same_elsewhere() -> None:
    shares = simplex(13)
    terms = ShareTerms.of(shares, np.ones(13, dtype=bool))
    assert terms is not None
    assert (terms.num_linear, terms.num_quadratic) == (2, 3)
    np.testing.assert_allclose(terms.values.mean(0), 0, atol=1e-12)
    squares = terms.values.T @ terms.values / 13
    np.testing.assert_allclose(squares, np.diag([1, 1, 1 / 3, 1 / 3, 1 / 3]), atol=1e-12)
    np.testing.assert_allclose(terms.evaluate(shares), terms.values, atol=1e-12)
    centre = simplex(1, seed=9)
    linear = np.column_stack([np.ones(13), shares[:, :2]])
    fit = np.linalg.lstsq(linear, terms.values[:, :2], rcond=None)[0]
    np.testing.assert_allclose(
        terms.evaluate(centre)[:, :2], np.column_stack([[1], centre[:, :2]]) @ fit, atol=1e-12
    )


def test_axes_that_nobody_grows_have_no_terms() -> None:
    shares = np.column_stack([np.linspace(0, 1, 10), np.linspace(1, 0, 10), np.zeros(10)])
    terms = ShareTerms.of(shares, np.ones(10, dtype=bool))
    assert terms is not None
    assert (terms.num_linear, terms.num_quadratic) == (1, 1)
    few = np.zeros(10, dtype=bool)
    few[3] = True
    assert ShareTerms.of(shares, few) is None
    assert ShareTerms.of(np.full((10, 3), 1 / 3), np.ones(10, dtype=bool)) is None


def moved(data: StudyData, change: Callable[[Channel, float], float]) -> StudyData:
    trainings = tuple(
        Training(one.network, {channel: change(channel, value) for channel, value in one.values.items()})
        for one in data.trainings
    )
    return StudyData(data.candidates, data.shares, data.log_costs, trainings, data.baseline)


def test_units_and_origins_of_responses_do_not_matter() -> None:
    data = moved(study(), lambda _, value: value)
    before = posterior(data)
    shifted = posterior(moved(data, lambda channel, value: value + 3 * channel.rung + channel.response))
    np.testing.assert_allclose(shifted.mean - 3 * 3, before.mean, atol=1e-4)
    larger = posterior(moved(data, lambda channel, value: value * (1 if channel.response else 100)))
    np.testing.assert_allclose(larger.mean, 100 * before.mean, rtol=1e-4)
    np.testing.assert_allclose(larger.error, 100 * before.error, rtol=1e-2)


def test_the_order_of_candidates_does_not_matter() -> None:
    data = study()
    order = np.random.default_rng(1).permutation(len(data.candidates))
    assert data.shares is not None
    turned = StudyData(
        tuple(data.candidates[i] for i in order), data.shares[order], data.log_costs[order],
        data.trainings[::-1], data.baseline, smallest_noise=data.smallest_noise,
    )  # fmt: skip
    np.testing.assert_allclose(posterior(turned).mean, posterior(data).mean[order], atol=2e-4)


@pytest.fixture(scope="module")
def answered() -> Posterior:
    return posterior(study())


def test_a_posterior_knows_what_a_choice_may_cost(answered: Posterior) -> None:
    best = int(np.argmax(answered.mean))
    assert answered.probability_best.sum() == pytest.approx(1)
    assert int(np.argmin(answered.expected_regret)) == best
    np.testing.assert_allclose(
        answered.expected_regret - answered.expected_regret[best], answered.mean[best] - answered.mean,
        atol=4 * answered.error.max() / DRAWS**0.5,
    )  # fmt: skip
    assert answered.regret_bound(best) >= answered.expected_regret[best] >= 0
    # The one that was never trained is predicted, with more doubt than one of three seeds.
    assert answered.error[0] > 1.2 * answered.error[4]
    np.testing.assert_allclose(answered.draws.mean(0), answered.mean, atol=4 * answered.error.max() / DRAWS**0.5)
    np.testing.assert_allclose(np.cov(answered.draws.T), answered.covariance, atol=0.1 * answered.error.max() ** 2)


def test_more_trainings_are_worth_more_and_never_more_than_certainty(answered: Posterior) -> None:
    count = len(answered.candidates)
    gains = [answered.value_of_trainings(np.full(count, trainings)) for trainings in (0.0, 1.0, 10.0, 1e6)]
    assert gains[0] == 0
    assert all(np.diff(gains) > 0)
    certain = float(answered.expected_regret.min())
    assert gains[-1] == pytest.approx(certain, rel=0.05)
    only_worst = np.eye(count)[int(np.argmin(answered.mean))]
    assert answered.value_of_trainings(only_worst) < gains[1]


def test_equal_data_have_one_posterior_and_others_their_own() -> None:
    data = study()
    again = StudyData(
        data.candidates,
        data.shares,
        data.log_costs,
        data.trainings,
        data.baseline,
        smallest_noise=data.smallest_noise,
    )
    assert posterior(again) is posterior(data)
    first, *rest = data.trainings
    raised = Training(first.network, {channel: value + 1e-6 for channel, value in first.values.items()})
    assert posterior(replace(data, trainings=(raised, *rest))) is not posterior(data)


def test_nothing_measured_is_no_posterior() -> None:
    data = study()
    with pytest.raises(ValueError, match="no candidate"):
        posterior(StudyData(data.candidates, data.shares, data.log_costs, (), "base"))


def test_studies_that_end_alike_are_answered() -> None:
    """Two candidates, one seed, equal accuracies: no error, and neither is better."""
    same = tuple(Training(name, {ACCURACY: 0.5}) for name in ("a", "b"))
    found = posterior(StudyData(("a", "b"), None, np.zeros(2), same, "base", smallest_noise=0.01))
    assert found.mean == pytest.approx([0.5, 0.5])
    assert found.probability_best == pytest.approx([0.5, 0.5], abs=0.05)


def drifting(seed: int, drift_deviation: float, candidates: int = 20) -> tuple[StudyData, StudyData, Floats]:
    """A planted study, the same with eight candidates trained longer, and the values after the longer training.

    Longer training moves the values linearly in the shares.
    """
    draw = np.random.default_rng(seed)
    shares = draw.dirichlet((1, 1, 1), candidates)
    smooth, drift = ((shares - shares.mean(0)) @ draw.normal(0, 1, 3) for _ in range(2))
    values = 0.9 + 0.015 * smooth / smooth.std() + draw.normal(0, 0.005, candidates)
    short = values - 0.1 + drift_deviation * drift / drift.std() + draw.normal(0, 0.0025, candidates)
    names = tuple(f"n{n:02}" for n in range(candidates))
    own = [
        Training(name, {EARLY: short[n] + draw.normal(0, 0.01)}) for n, name in enumerate(names) for _ in range(2)
    ]
    data = StudyData(names, shares, np.zeros(candidates), tuple(own), "base")
    spread_out = dict.fromkeys([*np.argsort(-short)[:4], *draw.permutation(candidates)[:4]])
    longer = [
        Training(names[n], {ACCURACY: short[n] + 0.5 * off + draw.normal(0, 0.008), LONGER: values[n] + off})
        for n in spread_out
        for off in draw.normal(0, 0.01, 2)
    ]
    return data, replace(data, trainings=(*own, *longer), first_further=2), values


@pytest.mark.parametrize(("drift_deviation", "gain"), [(0.015, 0.5), (0.03, 0.3)])
def test_longer_trainings_of_some_correct_a_proxy_that_prefers_another_dimension(
    drift_deviation: float, gain: float
) -> None:
    regrets, covered = [], []
    for seed in range(16):
        data, further, values = drifting(seed, drift_deviation)
        without, found = posterior(data), posterior(further)
        regrets.append([values.max() - values[np.argmax(one.mean)] for one in (found, without)])
        covered.append(np.abs(found.mean - values) < 1.96 * found.error)
    with_longer, short_alone = np.mean(regrets, axis=0)
    assert with_longer < gain * short_alone
    assert np.mean(covered) > 0.92
