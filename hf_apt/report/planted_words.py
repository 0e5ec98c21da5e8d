"""What of a planted language is learnt, function words left out, and over seeds of training."""

from __future__ import annotations

from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import depth_labels, estimate, percent

SEEDS = (
    "This is one seed of training: at seeds 42 to 44 the demo's recipe reached 96 to 97\xa0% of"
    " the ceiling, and over the words of classes 94 to 96\xa0% (in a clone: python -m"
    " tests.benchmarks demo_seeds)."
)
"""What one training cannot say."""


def planted_words(summary: Summary, readout: str) -> list[str]:
    """What is said of a run of a planted language; nothing where the ceiling is not known.

    Mean APT after the last depth over the words of planted classes, beside the exact ceiling over
    the same words. The other words, such as "the", belong to no class: the sentence gives them
    away, nearly every model gets them right, and they lift the share of all words.
    """
    ceiling = summary["readouts"].get("bayes")
    if not ceiling:
        return []
    last, best = summary["readouts"][readout][-1], ceiling[0]
    mean, limit = last.get("mean_apt_planted"), best.get("mean_apt_planted")
    if not mean or not limit or not mean["num"] or not limit["value"]:
        return []
    others = best["mean_apt"]["pooled"]["num"] - limit["num"]
    is_demo = (summary["corpus"] or {}).get("name") == "planted"
    called = "function" if is_demo else "fixed"
    return [
        f"Over the {limit['num']} words of planted classes, the {others} {called} words left out,"
        f" mean APT is {estimate(mean)} after {depth_labels(summary)[last['depth']]},"
        f" {percent(mean['value'] / limit['value'])} of the exact ceiling ({estimate(limit)}).",
        *([SEEDS] if is_demo else []),
    ]
