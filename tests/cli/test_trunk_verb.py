"""A search whose networks are grown from trunks, whole: in this process, by Ray, and extended by a seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import scalesearch

from scalesearch.study.study import open_study

BUDGET = """\
name: grown
extends: smoke
candidates: 3
seeds: 1
final_seeds: 2
recipe: {epochs: 1, trunk_epochs: 1}
"""
COMMAND = ("grid", "--baseline", "tiny", "--budget", "grown.yaml")


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trunks")
    (folder / "grown.yaml").write_text(BUDGET)
    done = scalesearch(*COMMAND, "--runner", "inline", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "results" / "tiny-phi1-grown"


def losses(study: Path) -> dict[str, float]:
    return {key: record.outcome.epochs[-1].train_loss for key, record in open_study(study).own_records().items()}


def test_every_network_is_grown_from_every_trunk(inline: Path) -> None:
    study = open_study(inline)
    budget, specs = study.plan.config.budget, [record.spec for record in study.own_records().values()]
    assert (budget.final_seeds, budget.rungs, study.plan.config.scheduler) == (2, 1, "adaptive")
    assert study.plan.is_complete(study.outcomes())
    assert len({(spec.network, spec.seed) for spec in specs}) == len(specs) == 4 * 2
    base = next(spec.proxy for spec in specs if spec.network == study.plan.config.baseline.architecture)
    assert {spec.trunk for spec in specs} == {base}
    assert {spec.samples for spec in specs} == {None}
    assert "grown from the proxy of tiny (a trunk for each seed, 1 epoch at" in (inline / "report.html").read_text()


def test_ray_finds_the_same(inline: Path, tmp_path: Path) -> None:
    (tmp_path / "grown.yaml").write_text(BUDGET)
    done = scalesearch(*COMMAND, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "results" / "tiny-phi1-grown") == losses(inline)


def test_a_trial_can_be_trained_again(inline: Path) -> None:
    done = scalesearch("verify", str(inline), "--rerun", "1", cwd=inline.parent.parent)
    assert done.returncode == 0, done.stderr + done.stdout


def test_a_study_with_one_more_trunk_equals_one_that_began_with_it(inline: Path, tmp_path: Path) -> None:
    (tmp_path / "grown.yaml").write_text(BUDGET)
    for seeds in ("1", "2"):
        done = scalesearch(*COMMAND, "--runner", "inline", "--seeds", seeds, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "results" / "tiny-phi1-grown") == losses(inline)


@pytest.mark.parametrize(
    ("more", "trials"),
    [
        ((), "8 trials (5 at first, 3 more for the leaders), 2.048k images in all and 512 in trunks"),
        (("--phi", "-1"), "8 trials (5 at first, 3 more for the leaders), 4.096k images in all, about"),
        (
            ("--baseline", "mobilenet_v1"),
            "8 trials (5 at first, 3 more for the leaders), 4.096k images in all, about",
        ),
    ],
)
def test_networks_that_cannot_be_grown_are_trained_from_scratch(
    more: tuple[str, ...], trials: str, tmp_path: Path
) -> None:
    """Each training sees twice the images."""
    (tmp_path / "grown.yaml").write_text(BUDGET)
    done = scalesearch(*COMMAND, *more, "--plan", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert trials in done.stdout


def test_seeds_are_added_until_the_regret_is_small_or_the_time_is_over(tmp_path: Path) -> None:
    """From one on, and again when the command is rerun; what is there is never trained again."""
    (tmp_path / "grown.yaml").write_text(BUDGET)
    known = dict[str, float]()
    # With one seed the regret is not known, with two no regret exceeds 1; then a seed is tried in no time.
    for words, seeds in ((("--time", "1h", "--until-regret", "1"), 2), (("--time", "0.001s"), 3)):
        done = scalesearch(*COMMAND, "--runner", "inline", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        study = open_study(tmp_path / "results" / "tiny-phi1-grown")
        found = losses(study.folder)
        assert (study.plan.scheduler.seeds, len(found)) == (seeds, 4 * seeds)
        assert known.items() <= found.items()
        known = found
    assert study.first_plan.config.budget.seeds == 1


@pytest.mark.parametrize("duration", ["10", "m", "-3m", "0s", "1d", "1e3s", ""])
def test_a_time_has_a_unit(duration: str, tmp_path: Path) -> None:
    done = scalesearch("grid", "--baseline", "tiny", "--budget", "smoke", f"--time={duration}", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a duration such as 90s, 10m or 1.5h" in done.stderr
    assert not (tmp_path / "results").exists()
