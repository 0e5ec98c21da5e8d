"""Tables of models of others, from the records that `examples/strangers/measure.py` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from cells import table

Record = Mapping[str, Any]

MODELS = {
    "antiberty": "AntiBERTy",
    "sapiens-vh": "Sapiens VH",
    "sapiens-vl": "Sapiens VL",
    "iglm-s": "IgLM-S",
    "iglm": "IgLM",
    "rxnfp": "rxnfp",
    "rxnmapper": "rxnmapper",
    "minilm": "MiniLM",
}
"""The models in the order of the tables, and what they are called there."""

REACTIONS = ("rxnfp", "rxnmapper")
"""Models of reactions, which have one list of tokens."""

CLUSTERS = "mutual 0.05"


def records(folder: Path) -> dict[str, Record]:
    """The records of the models that have one, in the order of `MODELS`.

    Raises:
        ValueError: if a record is of a model that no table knows.
    """
    there = {path.stem: path for path in folder.glob("*.json")}
    if unknown := sorted(there.keys() - MODELS.keys()):
        raise ValueError(f"the tables of strangers lack {', '.join(unknown)}.")
    return {
        name: json.loads(there[name].read_text(encoding="utf-8"))
        for name in MODELS
        if name in there
    }


def apt(found: Mapping[str, Record]) -> str:
    """Mean APT at every depth, and the accuracy at the last."""
    answering = {name: record for name, record in found.items() if "depths" in record}
    rows = [("", *(MODELS[name] for name in answering))]
    for depth in range(max(len(record["depths"]) for record in answering.values())):
        cells = (_figure(record["depths"], depth, "mean_apt") for record in answering.values())
        rows.append((_depth(depth), *cells))
    last = (_figure(record["depths"], -1, "accuracy") for record in answering.values())
    rows.append(("accuracy, last", *last))
    for name, key in (("texts", "num_texts"), ("positions asked", "num_asked")):
        rows.append((name, *(f"{record[key]:,}" for record in answering.values())))
    rows.append(("kinds of tokens", *(str(record["num_tokens"]) for record in answering.values())))
    return table(rows)


def blosum(found: Mapping[str, Record]) -> str:
    """Correlation of the errors with BLOSUM62 at every depth, with p, of the antibody models."""
    residues = {
        name: [depth["blosum"] for depth in record["depths"]]
        for name, record in found.items()
        if "position_guess" in record
    }
    rows = [("", *(MODELS[name] for name in residues))]
    for depth in range(max(map(len, residues.values()))):
        rows.append((_depth(depth), *(_agreement(each, depth) for each in residues.values())))
    guesses = [[found[name]["position_guess"]] for name in residues]
    rows.append(("guess by position", *(_agreement(each, 0) for each in guesses)))
    for name, key in (("errors, last", "num_errors"), ("likely answers, last", "num_similar")):
        rows.append((name, *(f"{each[-1][key]:,}" for each in residues.values())))
    likely = (str(each[0]["num_similar"]) for each in guesses)
    rows.append(("likely answers, guess by position", *likely))
    return table(rows)


def clusters(found: Mapping[str, Record]) -> str:
    """The clusters of every depth that has some; depths with the same ones are one row."""
    rows = [("model", "after", "clusters")]
    for name, record in found.items():
        by_depth = enumerate(record.get("clusters", {}).get(CLUSTERS, []))
        for sets, depths in groupby(by_depth, key=lambda each: each[1]):
            first, *_, last = 2 * [depth for depth, _ in depths]
            if sets:
                after = _depth(first) if first == last else f"{_depth(first)} to {last}"
                text = "; ".join(" ".join(f"`{token}`" for token in each) for each in sets)
                rows.append((MODELS[name], after, text))
    return table(rows)


def token_rows(found: Mapping[str, Record]) -> str:
    """Tokens that one of the reaction models never has right, and some that both have, by rows."""
    both = [found[name]["rows"] for name in REACTIONS if name in found]
    names = [MODELS[name] for name in REACTIONS if name in found]
    tokens = {token for each in both for token in each["tokens"]}
    shown = _never([each["tokens"] for each in both])
    shown += [token for token in ("c", "C", "(", "[UNK]") if token in tokens]
    heads = ("right of asked", "norm", "bias")
    lines = [("token", *(f"{name}: {head}" for name in names for head in heads))]
    for token in shown:
        cells = [_row(each["tokens"].get(token)) for each in both]
        lines.append((f"`{token}`", *(cell for three in cells for cell in three)))
    for key, name in (("unused", "unused ids, in the middle"), ("right", "tokens that are right")):
        cells = [(f"{each[key]['num']} ids", *_numbers(each[key])) for each in both]
        lines.append((name, *(cell for three in cells for cell in three)))
    return table(lines)


def answers(found: Mapping[str, Record]) -> str:
    """What the reaction models answer at tokens that one of them never has right."""
    both = {MODELS[name]: found[name]["rows"]["tokens"] for name in REACTIONS if name in found}
    rows = [("token", "asked", *both)]
    for token in _never(list(both.values())):
        said = (_said(tokens[token]["answers"]) for tokens in both.values())
        rows.append((f"`{token}`", str(next(iter(both.values()))[token]["asked"]), *said))
    return table(rows)


def states(found: Mapping[str, Record]) -> str:
    """How alike the depths of an encoder without a head are."""
    record = found["minilm"]
    before = [None, *record["cka_with_before"]]
    lines = [("", "with the depth before", "with the last")]
    for depth, last in enumerate(record["cka_with_last"]):
        lines.append((_depth(depth), _estimate(before[depth]), _estimate(last)))
    return table(lines)


def _depth(depth: int) -> str:
    return f"block {depth}" if depth else "embeddings"


def _estimate(pair: list[float] | None) -> str:
    return "–" if pair is None else f"{pair[0]:.3f} ± {pair[1]:.3f}"


def _figure(depths: list[Record], depth: int, name: str) -> str:
    return _estimate(depths[depth][name]) if depth < len(depths) else ""


def _agreement(depths: list[Record], depth: int) -> str:
    if depth >= len(depths):
        return ""
    rho, p = depths[depth]["rho"], depths[depth]["p"]
    return "–" if rho is None else f"{rho:.2f} (p {p:.4f})"


def _never(models: Sequence[Record]) -> list[str]:
    """Tokens that were asked and that one of the models never had right, the most asked first."""
    never = {
        token
        for tokens in models
        for token, row in tokens.items()
        if row["asked"] and not row["right"]
    }
    return sorted(never, key=lambda token: (-models[0][token]["asked"], token))


def _said(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"`{answer}` {number}" for answer, number in numbers.items())


def _row(row: Record | None) -> tuple[str, str, str]:
    if row is None:
        return "–", "–", "–"
    return (f"{row['right']}/{row['asked']}" if row["asked"] else "–", *_numbers(row))


def _numbers(row: Record) -> tuple[str, str]:
    bias = "–" if row["bias"] is None else f"{row['bias']:.2f}"
    return f"{row['norm']:.2f}", bias


TABLES = {
    "apt": apt,
    "blosum": blosum,
    "clusters": clusters,
    "rows": token_rows,
    "answers": answers,
    "states": states,
}
"""The tables by their names."""
