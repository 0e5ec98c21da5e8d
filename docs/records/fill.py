"""Puts the tables of the records into the pages, between the comments that name them.

    python docs/records/fill.py

A table stands between `<!-- table NAME -->` and `<!-- end -->`. A test holds that pages and records
agree.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import blocks
import committees
import equal_time
import growth
import laws
import linked
import overlap
import predictors
import rates
import sizes
import strangers
import transfers
import ways

RECORDS = Path(__file__).parent
DOCS = RECORDS.parent
PLANTED = (
    *("plain", "longer", "three times", "four times", "masked 0.4", "causal first"),
    *("ability", "frequency", "ceiling"),
    *("labels", "rewired", "complexity", "after norm", "norm", "complexity 0.1", "norm 0.1"),
    *("windows", "same type", "plain dropout", "token dropout", "sentences"),
    *("pairs", "replaced", "replaced, shared", "replaced, none", "selection", "choice"),
)
FEWREL = (
    *("plain", "longer", "three times", "five times", "masked 0.4", "ability", "frequency"),
    *("entities", "rewired"),
    *("complexity", "norm", "windows", "plain dropout", "sentences", "pairs"),
    *("norms+projections", "replaced", "selection", "choice"),
)
CLS = ("plain", "norms+projections")
LAWS = ("uniform", "ability", "frequency", "ceiling")
ARTIFICIAL = (
    *("none", "longer", "noise", "bigram", "nested", "flat", "automaton", "shuffled", "planted"),
    *("nested, 1-3", "nested, 4-6", "nested, attention"),
)
DBPEDIA = ("none", "longer", "noise", "nested", "text")
AGNEWS = ("none", "zipf", "nested", "flat", "automaton")
PAPER = (sizes, blocks, growth, predictors, committees, overlap, rates)
"""Modules with the tables of `examples/paper`."""

_MARKED = re.compile(r"<!-- table (.+?) -->\n.*?<!-- end -->", re.DOTALL)


def main() -> None:
    """Rewrite the pages whose tables are others."""
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (now := filled(text)) != text:
            page.write_text(now, encoding="utf-8")
            sys.stdout.write(f"filled {page.relative_to(DOCS)}\n")


def filled(text: str) -> str:
    """The text of a page with the tables of the records."""
    return _MARKED.sub(lambda found: marked(found[1]), text)


def marked(name: str) -> str:
    """The table of that name, between its comments.

    Raises:
        ValueError: if there is no such table.
    """
    if name not in TABLES:
        raise ValueError(f"there is no table {name!r}: there are {', '.join(TABLES)}.")
    return f"<!-- table {name} -->\n\n{TABLES[name]()}\n\n<!-- end -->"


def _read(name: str, order: tuple[str, ...]) -> tuple[list[Any], list[str]]:
    """The runs of a record, and those of the ways in `order` that it has; it has no others."""
    runs = json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))["runs"]
    there = {run["arm"] for run in runs}
    if not there <= {*order}:
        raise ValueError(f"the tables of {name} lack {', '.join(sorted(there - {*order}))}.")
    return runs, [way for way in order if way in there]


def _linked() -> dict[str, Any]:
    return json.loads((RECORDS / "linked_texts.json").read_text(encoding="utf-8"))


def _ways(name: str, order: tuple[str, ...]) -> dict[str, Callable[[], str]]:
    return {
        f"{name} last": lambda: ways.last_block(*_read(name, order)),
        f"{name} apt": lambda: ways.per_depth(*_read(name, order), "apt"),
        f"{name} accuracy": lambda: ways.per_depth(*_read(name, order), "accuracy"),
        f"{name} equal time": lambda: equal_time.equal_time(*_read(name, order)),
    }


def _transfers(name: str, order: tuple[str, ...]) -> dict[str, Callable[[], str]]:
    return {
        f"{name} whole": lambda: transfers.whole(*_read(name, order)),
        **{
            f"{name} {figure}": lambda figure=figure: transfers.per_depth(
                *_read(name, order), figure
            )
            for figure in transfers.PER_DEPTH
        },
    }


TABLES = (
    _ways("planted_ways", PLANTED)
    | _ways("fewrel_ways", FEWREL)
    | {
        f"fewrel_ways {figure}": lambda figure=figure: ways.per_depth(
            _read("fewrel_ways", FEWREL)[0], CLS, figure
        )
        for figure in ("cls_accuracy", "cls_frozen")
    }
    | _transfers("artificial_transfer", ARTIFICIAL)
    | _transfers("agnews_transfer", AGNEWS)
    | _transfers("dbpedia_transfer", DBPEDIA)
    | {"masking_laws ends": lambda: laws.ends(*_read("masking_laws", LAWS))}
    | {
        f"linked_texts {name}": lambda table=table: table(_linked())
        for name, table in linked.TABLES.items()
    }
    | {
        f"strangers {name}": lambda table=table: table(strangers.records(RECORDS / "strangers"))
        for name, table in strangers.TABLES.items()
    }
    | {f"paper {name}": table for module in PAPER for name, table in module.TABLES.items()}
)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
