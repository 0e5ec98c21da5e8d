"""What tables, pages, plots and cards call the keys of records: each word written once."""

from __future__ import annotations

READOUT_LABELS = {
    "own_head": "own head",
    "linear_head": "linear head",
    "mlm_head": "MLM head",
    "jacobian": "Jacobian lens",
    "translator": "translator",
    "untrained": "untrained",
    "bayes": "exact ceiling",
}
"""How a hidden state was turned into an answer."""

SCORE_LABELS = {
    "logme": "LogME",
    "h_score": "H-score",
    "shrunken_h_score": "shrunken H",
    "transrate": "TransRate",
    "nleep": "N-LEEP",
    "sfda": "SFDA",
    "leep": "LEEP",
    "mean_apt": "mean APT",
}
"""What ranks depths before anything is fine-tuned."""

COMBINATION_LABELS = {
    "mean_softmax": "mean softmax",
    "mean_logits": "mean logits",
    "majority": "majority",
}
"""How the answers of a committee's members become one."""

REPLACEMENT_LABELS = {
    "prediction": "prediction",
    "random": "random",
    "random_by_frequency": "by frequency",
}
"""What tokens are replaced by in the substitution test."""

PROTOCOL_LABELS = {"frozen": "frozen", "finetuned": "fine-tuned", "cut": "cut"}
"""How accuracy at a depth is asked for."""


def default_depth_names(num_depths: int) -> list[str]:
    """What stands at each depth of a model that does not say otherwise.

    >>> default_depth_names(3)
    ['embeddings', 'block 1', 'block 2']
    """
    return ["embeddings", *(f"block {depth}" for depth in range(1, num_depths))]
