"""The files that say the answer of a study; all derived, all rebuilt from the records at will."""

from __future__ import annotations

from pathlib import Path

from scalesearch.design.coefficients import AXES, Coefficients
from scalesearch.search.metrics import ACCURACY
from scalesearch.search.plan import Plan
from scalesearch.search.question import Question
from scalesearch.search.reached import completed
from scalesearch.search.surface import coefficients_of
from scalesearch.study.answer import Answer
from scalesearch.study.continuous import search_facts
from scalesearch.study.family_files import family_texts
from scalesearch.study.files import make_folder, write_over
from scalesearch.study.stages_found import found_baseline, front_table, stages_text
from scalesearch.study.trials_table import trials_table
from scalesearch.study.trust_words import trust_facts

_PREDICTS = 0.85
"""A surface that misses left-out networks by more than this share of their spread is not listened to."""


def answer_files(found: Answer, name: str) -> dict[str, str | bytes]:
    """What winner.yaml, family/*.yaml and trials.csv and .parquet hold; of stages front.csv and baseline.yaml too.

    Args:
        found: what is written.
        name: of the study, which a baseline that it found is called by.
    """
    families = family_texts(found.plan, found.winner.coefficients)
    stages: dict[str, str] = {}
    if found.plan.question.stages:
        stages = {"front.csv": front_table(found), "baseline.yaml": found_baseline(found, name)}
    table = trials_table(found.plan, found.outcomes)
    return {
        "winner.yaml": winner_text(found),
        **{f"family/{member}.yaml": text for member, text in families.items()},
        **stages,
        "trials.csv": table.to_csv(index=False),
        "trials.parquet": table.to_parquet(index=False),
    }


def write_answer(folder: Path, found: Answer) -> None:
    """Write the `answer_files` into the folder of a study.

    Raises:
        StorageError: the folder cannot be written.
    """
    for name, content in answer_files(found, folder.name).items():
        make_folder((folder / name).parent)
        write_over(folder / name, content)


def winner_text(found: Answer) -> str:
    """winner.yaml: the coefficients first, then how sure they are and what they rest on."""
    import yaml

    if found.plan.question.stages:
        return stages_text(found, _rests_on(found))
    plan, ranking, best = found.plan, found.ranking, found.ranking.arms[0]
    question, own = plan.question, found.winner.coefficients
    away = found.intervals
    body = {
        "alpha": float(own.alpha),
        "beta": float(own.beta),
        "gamma": float(own.gamma),
        "product": round(float(own.product), 5),
        "flops_ratio": float(found.winner.flops_ratio),
        **({} if question.cost == "macs" else {f"{question.cost}_ratio": float(found.winner.matched_ratio)}),
        **({} if question.metric == ACCURACY else {"metric": question.metric}),
        "accuracy" if question.metric == ACCURACY else "score": round(found.place.mean, 5),
        "standard_error": round(found.place.standard_error, 5) if ranking.error_known else None,
        "seeds": found.place.seeds,
        "significant": ranking.significant,
        "in_words": found.certainty,
        "differences": [
            {
                "candidate": _triple(plan.by_network[arm.key].coefficients),
                "behind": round(arm.behind, 5),
                "interval_95": [round(value, 5) for value in away[arm.key]] if ranking.error_known else None,
            }
            for arm in ranking.arms
        ],
        "tied": [_triple(plan.by_network[key].coefficients) for key in ranking.tied],
        "best_mean": _triple(plan.by_network[best.key].coefficients),
        "aliases": [_triple(alias) for alias in found.winner.aliases],
        "surface": _surface_facts(found),
        "proxy": trust_facts(found.trust),
        "rests_on": _rests_on(found),
        **search_facts(plan, found.outcomes),
    }
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def _rests_on(found: Answer) -> dict[str, object]:
    """What was asked and measured, for winner.yaml."""
    plan, ranking, question = found.plan, found.ranking, found.plan.question
    base = found.base
    return {
        "baseline": question.baseline.name,
        "phi": float(question.phi),
        "data": plan.data.name,
        "data_fingerprint": plan.data.fingerprint,
        **({"data_notes": list(plan.data.notes)} if plan.data.notes else {}),
        "budget": question.budget.name,
        "rounding": question.rounding,
        "match": question.match,
        **_cost_facts(question),
        "scheduler": question.scheduler,
        "rungs": _rungs(found),
        "candidates": len(plan.chosen),
        "trials": len(found.outcomes),
        "validation_images": plan.data.val,
        "noise_per_trial" if ranking.error_known else "spread_of_trials": round(ranking.noise, 5),
        "degrees_of_freedom": ranking.degrees_of_freedom,
        "baseline_accuracy" if question.metric == ACCURACY else "baseline_score": (
            round(plan.accuracy(base), 5) if base.accuracies else None
        ),
        **_majority_facts(plan),
    }


def _majority_facts(plan: Plan) -> dict[str, object]:
    """The class that more than half of the validation images are of, and their share."""
    found = plan.data.majority
    return (
        {} if found is None else {"majority": found.name, "majority_share": round(found.count / plan.data.val, 5)}
    )


def _cost_facts(question: Question) -> dict[str, object]:
    """What was matched, where it is not multiply-adds, and how it was measured."""
    if question.cost == "macs":
        return {}
    timings = question.timings
    if timings is None:
        return {"cost": question.cost}
    base = {"baseline_nanoseconds": timings.base.nanoseconds, "baseline_spread": timings.base.spread}
    return {"cost": question.cost, "measured": timings.conditions, **base}


def _rungs(found: Answer) -> list[dict[str, object]] | None:
    """By halving: the images of each rung that was climbed, and how many candidates completed it."""
    plan = found.plan
    if not plan.rungs:
        return None
    reached = plan.reached_rung(found.outcomes)
    return [
        {"images": rung.samples, "candidates": completed(plan, found.outcomes, index)}
        for index, rung in enumerate(plan.rungs[: reached + 1])
    ]


def surface_verdict(found: Answer) -> str:
    """Whether the surface agrees with the recommendation, or predicts too little to say."""
    fitted = found.surface
    if fitted is None:
        return "too few networks for a surface"
    if fitted.left_out_error > _PREDICTS * fitted.spread:
        return "it predicts a left-out network hardly better than their mean, so it decides nothing"
    _, low, _ = fitted.gain_over(found.place.key)
    if low > 0:
        return "it disagrees with the recommendation: its optimum is higher by more than the noise (95 %)"
    return "it does not contradict the recommendation"


def _surface_facts(found: Answer) -> dict[str, object] | None:
    """The surface's optimum, its 95 % region, how well it predicts; None where there is none."""
    fitted = found.surface
    if fitted is None:
        return None
    low, high = (coefficients_of([fitted.region[axis][end] for axis in AXES]) for end in (0, 1))
    names = ("alpha", "beta", "gamma")
    gain = fitted.gain_over(found.place.key)
    return {
        **{name: round(value, 5) for name, value in zip(names, coefficients_of(fitted.optimum), strict=True)},
        "region_95": {name: [round(low[i], 5), round(high[i], 5)] for i, name in enumerate(names)},
        "r_squared": round(fitted.r_squared, 5),
        "left_out_error": round(fitted.left_out_error, 5),
        "spread": round(fitted.spread, 5),
        "above_winner": round(gain[0], 5),
        "above_winner_95": [round(value, 5) for value in gain[1:]],
        "in_words": surface_verdict(found),
    }


def _triple(coefficients: Coefficients) -> str:
    return str(coefficients)
