"""The question that a run answers, and its answer in one sentence of its own numbers."""

from __future__ import annotations

import re

from hf_apt.records.summary_record import Summary
from hf_apt.report.formats import depth_labels, estimate, percent
from hf_apt.report.sentences import headline

QUESTION = "Which tokens has this model learnt, and at which block?"
"""The heading of the page."""


def readable_title(summary: Summary) -> str:
    """The model and its text; of files the name alone, without folder, wildcard and ending.

    >>> readable_title({"title": "BERT-6 on articles/enwiki*.parquet"})
    'BERT-6 on enwiki'
    """
    title = summary["title"] or "Accuracy per token"
    model, on, corpus = title.rpartition(" on ")
    if not on or not _FILES.search(corpus):
        return title
    corpus = re.sub(r"\[[^\]]*\]", "", corpus)
    stems = [_ENDING.sub("", part).strip("*?[]{}.-_ ") for part in re.split(r"[/\\]", corpus)]
    named = [stem for stem in stems if stem]
    return f"{model} on {named[-1]}" if named else title


_ENDING = re.compile(
    r"(\.(parquet|jsonl?|ndjson|txt|tsv|csv|fasta|fa|fna|faa|smi|gz|zst|bz2|xz))+$", re.IGNORECASE
)
_FILES = re.compile(r"[*?\[]|^[./~]|\\|" + _ENDING.pattern, re.IGNORECASE)
"""What is a pattern or a file, and no data set of the Hub such as `owner/name`."""


def answer(summary: Summary, readout: str) -> str:
    """How many tokens have their right answer as the commonest one, and where most get there."""
    depths, labels = summary["readouts"][readout], depth_labels(summary)
    last = depths[-1]
    kept = [depth["confusion"]["num_kept"] for depth in depths]
    num, mean = last["confusion"]["num_rows"], last["mean_apt"]["pooled"]
    if not num or mean["value"] is None:
        return headline(summary, readout)
    of_all = f"all {num:,}" if kept[-1] == num else f"{kept[-1]:,} of the {num:,}"
    said = (
        f"After {labels[last['depth']]} the right answer is the commonest one for {of_all} tokens"
        " that were asked for"
    )
    if len(depths) == 1:
        return f"{said}; mean APT is {estimate(mean)}."
    gains = [after - before for before, after in zip(kept, kept[1:], strict=False)]
    most = max(range(len(gains)), key=gains.__getitem__)
    where = labels[depths[most + 1]["depth"]]
    gained = f"; the most come at {where} (+{gains[most]:,})" if gains[most] > 0 else ""
    return f"{said}, at the embeddings for {kept[0]:,}{gained}. Mean APT is {estimate(mean)}."


def text_read(summary: Summary) -> str:
    """How much text was read, and what became of it; empty where that was not recorded."""
    corpus, masking = summary["corpus"] or {}, summary["masking"] or {}
    if "sequence_length" not in corpus or "num_sequences" not in masking:
        return ""
    said = (
        f"Read: {masking['num_sequences']:,} sequences of at most {corpus['sequence_length']}"
        f" tokens, layout “{corpus['sequences']}”"
    )
    shares = corpus.get("shares")
    if not shares:
        return f"{said}."
    cut, unknown, padded = (_share(shares[key]) for key in ("cut", "unknown", "padded"))
    return (
        f"{said}. Of the text’s tokens {cut} were cut off and {unknown} were unknown ([UNK]);"
        f" {padded} of the positions are padding."
    )


def _share(share: float) -> str:
    r"""A share as a percentage, never rounded to nothing.

    >>> _share(0.0), _share(0.00009), _share(0.25)
    ('0\xa0%', 'under 0.1\xa0%', '25.0\xa0%')
    """
    if share == 0:
        return percent(share)
    return "under 0.1\xa0%" if share < 0.001 else percent(share, 1)
