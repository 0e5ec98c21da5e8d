"""Tables of a training: mean APT at every depth, and when tokens are learnt, step after step.

It is the longer one of `examples/paper`. ± is over tokens, and for mean APT of 1,000 positions
over stretches of the text.
"""

from __future__ import annotations

from cells import table, with_error
from paper_records import Record, clusters_of, needed, num_depths, pieces

from hf_apt.stats.labels import default_depth_names


def at_steps() -> dict[int, Record]:
    """The records of the training by the steps that were measured, the last being its end.

    Raises ValueError if one is not there, with the command that makes it.
    """
    kept = {step: needed(pieces.of_step(step)) for step in pieces.KEPT}
    return {**kept, pieces.WHOLE_STEPS: needed(pieces.WHOLE)}


def mean_apt() -> str:
    """Mean APT of 1,000 positions at every depth."""
    return _by_step("rarefied_mean_apt")


def at_masks() -> str:
    """Mean APT at [MASK] alone at every depth, of tokens that all treatments asked."""
    return _by_step("mean_apt_common", "masked")


def last_block() -> str:
    """After the last block: loss, accuracy, mean APT, and clusters of strong matches."""
    heads = ("steps", "loss", "accuracy at [MASK]", "mean APT", "at [MASK]", "clusters", "words")
    rows: list[tuple[str, ...]] = [heads]
    for step, run in at_steps().items():
        last, found = run["depths"][-1], clusters_of(run, "mutual")
        rows.append(
            (
                f"{step:,}",
                _cell(last, "cross_entropy"),
                _cell(last, "masked_accuracy", "masked"),
                _cell(last, "mean_apt", "pooled"),
                _cell(last, "mean_apt", "masked"),
                f"{found['num_clusters']:,}",
                f"{found['num_tokens_in_clusters']:,}",
            )
        )
    return table(rows)


def ages() -> str:
    """How many tokens are learnt at every depth, and the steps by which quarters of them are.

    A step is one that was measured.
    """
    found = needed(pieces.GROWTH)["ages"]
    rows: list[tuple[str, ...]] = [
        ("after", "tokens learnt", "a quarter by step", "half by", "three quarters by")
    ]
    for name, depth in zip(default_depth_names(len(found)), found, strict=True):
        steps = (f"{step:,.0f}" for step in depth["quartiles"] or ())
        rows.append((name, f"{depth['num']:,}", *(steps if depth["num"] else "–––")))
    return table(rows)


def _by_step(*keys: str) -> str:
    found = at_steps()
    depths = range(num_depths({0: found}))
    rows = [("steps", *default_depth_names(len(depths)))]
    for step, run in found.items():
        rows.append((f"{step:,}", *(_cell(run["depths"][depth], *keys) for depth in depths)))
    return table(rows)


def _cell(depth: Record, *keys: str) -> str:
    found: Record = depth
    for key in keys:
        found = found[key]
    return with_error(found["value"], found["standard_error"])


TABLES = {
    "growth": mean_apt,
    "growth at masks": at_masks,
    "growth after the last block": last_block,
    "ages": ages,
}
"""The tables by their names."""
