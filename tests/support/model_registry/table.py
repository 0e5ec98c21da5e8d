"""The registry as a page of text."""

from __future__ import annotations

from collections.abc import Sequence

import transformers
from model_registry.trial import Trial

_HEAD = """\
# Models that hf_apt measures

Made by `python -m tests.registry` with transformers {version}; not to be edited.

Of every class that answers with masked or next tokens a tiny model with random weights was made
(three blocks, 32 wide) and measured. **Depths** counts the embeddings and each block. At the last
depth the answers are those of the model itself. **Cut** says how many models cut after block 1 or 2
answered as the whole one's head at that depth; where it is 0, blocks or head depend on one another
and a cut model is not compared. **Predicts** is what the model was seen to do.

| listed for | classes | measured | refused | not made | wrong |
| --- | ---: | ---: | ---: | ---: | ---: |
"""
_TITLES = {"masked": "Masked language models", "causal": "Causal language models"}


def page(trials: Sequence[Trial]) -> str:
    """The page of all trials: a table of counts, then for each task what was seen."""
    lines = [_HEAD.format(version=transformers.__version__).rstrip("\n")]
    for kind in _TITLES:
        own = [trial for trial in trials if trial.kind == kind]
        counts = [
            sum(trial.outcome == outcome for trial in own)
            for outcome in ("measured", "refused", "not made", "wrong")
        ]
        lines.append(f"| {kind} tokens | {len(own)} | " + " | ".join(map(str, counts)) + " |")
    for kind, title in _TITLES.items():
        lines += ["", f"## {title}", "", *_tables([each for each in trials if each.kind == kind])]
    return "\n".join(lines) + "\n"


def _tables(trials: Sequence[Trial]) -> list[str]:
    measured = [trial for trial in trials if trial.outcome == "measured"]
    others = [trial for trial in trials if trial.outcome != "measured"]
    rows = [
        "| class | model types | predicts | depths | cut |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    rows += [
        f"| `{each.name}` | {each.model_types or '–'} | {each.predicts} | {each.depths} | "
        f"{each.cuts} |"
        for each in measured
    ]
    if others:
        rows += ["", "| class | outcome | reason |", "| --- | --- | --- |"]
        rows += [f"| `{each.name}` | {each.outcome} | {_cell(each.reason)} |" for each in others]
    return rows


def _cell(reason: str) -> str:
    return reason.replace("|", "\\|")
