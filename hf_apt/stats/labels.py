"""What tables, pages, plots and cards call the keys of records: each word written once."""

from __future__ import annotations

READOUTS = {
    "own_head": "own head",
    "linear_head": "linear head",
    "mlm_head": "MLM head",
    "untrained": "untrained",
    "bayes": "exact ceiling",
}
"""How a hidden state was turned into an answer."""

SCORES = {
    "logme": "LogME",
    "h_score": "H-score",
    "transrate": "TransRate",
    "nleep": "N-LEEP",
    "mean_apt": "mean APT",
}
"""What ranks depths before anything is fine-tuned."""

COMBINATIONS = {
    "mean_softmax": "mean softmax",
    "mean_logits": "mean logits",
    "majority": "majority",
}
"""How the answers of a committee's members become one."""

REPLACEMENTS = {
    "prediction": "prediction",
    "random": "random",
    "random_by_frequency": "by frequency",
}
"""What tokens are replaced by in the substitution test."""

PROTOCOLS = {"frozen": "frozen", "finetuned": "fine-tuned", "cut": "cut"}
"""How accuracy at a depth is asked for."""


def depth_names(num_depths: int) -> list[str]:
    """What stands at each depth of a model that does not say otherwise.

    >>> depth_names(3)
    ['embeddings', 'block 1', 'block 2']
    """
    return ["embeddings", *(f"block {depth}" for depth in range(1, num_depths))]
