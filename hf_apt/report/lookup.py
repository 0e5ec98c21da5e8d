"""What the page's script looks up: each token's record, example clusters, confusion pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int
from markupsafe import Markup
from scipy.sparse import csr_array

from hf_apt.records.run_records import RunRecords
from hf_apt.records.token_contexts import read_token_contexts
from hf_apt.report.confusion_svg import confusion_cells, confusion_frame, share_of_answers
from hf_apt.report.confusions.picture_tokens import picture_counts, picture_tokens
from hf_apt.report.formats import shown_token
from hf_apt.report.passport.page_room import NAME_BYTES, most_listed, room_of
from hf_apt.report.passport.shown_contexts import CONTEXT_BYTES, shown_contexts
from hf_apt.stats.clusters import DEFINITIONS, Definition, TokenClusters
from hf_apt.stats.readout_analysis import ReadoutAnalysis

NUM_LARGEST, NUM_RANDOM = 12, 6
"""Numbers of example clusters: of the largest, and of the others."""
MAX_MEMBERS = 10
"""Members named of an example cluster."""
NUM_WRONG_ANSWERS = 5
"""Commonest wrong answers named for a token at a depth."""
WRONG_ANSWER_BYTES = (30_000, 180_000)
"""Least and most space for one readout's wrong answers; the most asked tokens come first."""
PHONE_TOKENS = 18
"""Tokens of a confusion picture that a phone shows."""

Clusters = dict[tuple[float, Definition], TokenClusters]


class Numbering:
    """Short numbers for tokens: the most asked token is 0; others follow as they are mentioned."""

    def __init__(self, support_V: Int[np.ndarray, " vocab"], most: int | None = None):
        asked = np.flatnonzero(support_V)
        self.num_asked = len(asked)
        """Number of tokens that were asked for."""
        self.asked = asked[np.argsort(-support_V[asked], kind="stable")][:most]
        """Ids of the tokens that were asked for, most asked first; of at most `most`."""
        self._number = {token: number for number, token in enumerate(self.asked.tolist())}

    def numbers(self, tokens: Sequence[int] | np.ndarray) -> list[int]:
        """The numbers of the tokens with these ids."""
        return [self._number.setdefault(int(id_), len(self._number)) for id_ in tokens]

    def known(self, tokens: Sequence[int]) -> list[int]:
        """The numbers of the tokens with these ids; -1 for those that have none."""
        return [self._number.get(token, -1) for token in tokens]

    @property
    def num_named(self) -> int:
        """Number of tokens that have a number."""
        return len(self._number)

    def ids(self) -> np.ndarray:
        """The ids of all numbered tokens, by number."""
        return np.fromiter(self._number, np.int64, len(self._number))


def lookup_and_pictures(
    records: RunRecords, shown: list[str], thresholds: list[float], shown_threshold: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON of the page, and the confusion pictures of the readouts that are in it."""
    there = records.run.readouts()
    counted = [name for name in shown if name in there and name != "untrained"]
    if not counted:
        return {}, {}
    support_V = records.analysis(counted[0]).support_V
    words = [shown_token(token) for token in records.vocabulary]
    frequency_V, planted_V = records.frequency_V, records.planted_V
    num_depths = len(records.readouts[counted[0]])
    room = room_of(num_depths, shown, len(records.own_tasks), is_planted=planted_V is not None)
    numbering = Numbering(support_V, most_listed(support_V, num_depths, room))
    room -= NAME_BYTES * len(numbering.asked)
    kept = read_token_contexts(records.run)
    contexts = kept and shown_contexts(
        kept["stretches"], numbering.known, min(CONTEXT_BYTES, room // 3)
    )
    room -= size_in_page(contexts)
    details: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    for name in counted:
        record, picture = readout_details(
            records.analysis(name),
            frequency_V,
            numbering,
            thresholds=thresholds,
            shown_threshold=shown_threshold,
            max_bytes=room,
        )
        details[name] = record
        pictures[name] = _picture(name, picture, words)
        # The next readout takes about as much again.
        if size_in_page(details) + size_in_page(record) > room:
            break
    ids = numbering.ids()
    lookup = {
        "tokens": [words[token] for token in ids.tolist()],
        "ids": ids.tolist(),
        "support": support_V[numbering.asked].tolist(),
        "frequency": frequency_V[ids].tolist(),
        "planted": None if planted_V is None else planted_V[ids].tolist(),
        "num_left_out": numbering.num_asked - len(numbering.asked),
        "details": details,
        "contexts": contexts,
        "shown_threshold": f"{shown_threshold:g}",
    }
    return lookup, pictures


def _picture(name: str, picture: dict[str, Any], words: list[str]) -> dict[str, Any]:
    tokens = [words[token] for token in picture["tokens"]]
    frames = {
        variant: confusion_frame(tokens, picture["clusters"], num_shown, variant)
        for variant, num_shown in (
            ("wide", len(tokens)),
            ("narrow", min(PHONE_TOKENS, len(tokens))),
        )
    }
    cells = [
        confusion_cells(share_KK, f"cells-{name}-{depth}")
        for depth, share_KK in enumerate(picture["shares"])
    ]
    return {"frames": Markup("").join(frames.values()), "cells": cells, "num_tokens": len(tokens)}


def readout_details(
    analysis: ReadoutAnalysis,
    frequency_V: Int[np.ndarray, " vocab"],
    numbering: Numbering,
    *,
    thresholds: Sequence[float],
    shown_threshold: float,
    max_bytes: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the script needs about one readout, and its confusion pictures.

    The first is plain JSON, tokens by number: `hits` by depth, `wrong` answers by depth, `examples`
    of clusters by depth, definition and threshold, `groups` (mutual clusters) by depth, each its
    size and those of its tokens that can be looked up, `confusion`, the counts of the pictures.
    Wrong answers are of as many tokens as
    `max_bytes` have room for. The second holds the `tokens` (ids) of the pictures, the lengths of
    their `clusters`, and the `shares`.
    """
    depths = range(analysis.counts.num_depths)
    num_named = numbering.num_named
    tables = [analysis.table(depth) for depth in depths]
    clusterings = [_all_clusters(analysis, depth, thresholds) for depth in depths]
    last_groups = clusterings[-1][shown_threshold, "mutual"].members
    tokens, lengths = picture_tokens(tables[-1].matrix, last_groups, numbering.asked.tolist())
    hits_DV = analysis.hits_DV
    details = {
        "hits": hits_DV[:, numbering.asked].tolist(),
        "examples": [
            {
                definition: {
                    f"{threshold:g}": _examples(
                        clusters[threshold, definition], frequency_V, numbering
                    )
                    for threshold in thresholds
                }
                for definition in DEFINITIONS
            }
            for clusters in clusterings
        ],
        "groups": [
            [
                [len(group), *numbering.numbers(listed)]
                for group in clusters[shown_threshold, "mutual"].members
                if len(listed := group[np.isin(group, numbering.asked)])
            ]
            for clusters in clusterings
        ],
    }
    details["confusion"] = {
        "tokens": numbering.numbers(tokens),
        "asked": analysis.support_V[tokens].tolist(),
        "counts": [picture_counts(table.matrix, tokens) for table in tables],
    }
    # Names of tokens that are mentioned here for the first time take room, too.
    names = NAME_BYTES * (numbering.num_named - num_named)
    room = int(np.clip(max_bytes - size_in_page(details) - names, *WRONG_ANSWER_BYTES))
    details["wrong"] = wrong_answers([table.matrix for table in tables], numbering, room)
    pictures = {
        "tokens": tokens,
        "clusters": lengths,
        "shares": [share_of_answers(table.matrix, tokens) for table in tables],
    }
    return details, pictures


def size_in_page(content: Any) -> int:
    """Bytes that `content` takes in the page."""
    return len(json.dumps(content, separators=(",", ":")))


def wrong_answers(
    matrices: Sequence[csr_array], numbering: Numbering, max_bytes: int
) -> dict[str, Any]:
    """The commonest wrong answers, of as many of the most asked tokens as there is space for.

    `num_tokens` have theirs listed; `answers[depth][number]` is flat: token, count, token, count.
    Answers given only once are left out: they say little and take most of the space.
    """
    tops = [_top_wrong(matrix) for matrix in matrices]
    answers: list[list[list[int]]] = [[] for _ in matrices]
    num_bytes, num_tokens = 0, 0
    for token in numbering.asked.tolist():
        for depth, (starts, columns, given) in enumerate(tops):
            row = slice(starts[token], starts[token + 1])
            num_named = numbering.num_named
            pairs = np.stack([numbering.numbers(columns[row]), given[row]], axis=1)
            answers[depth].append([int(value) for value in pairs.ravel()])
            num_bytes += size_in_page(answers[depth][-1]) + 1
            num_bytes += NAME_BYTES * (numbering.num_named - num_named)
        num_tokens += 1
        if num_bytes > max_bytes:
            break
    return {"num_tokens": num_tokens, "answers": answers}


def _top_wrong(matrix: csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    entries = matrix.tocoo()
    wrong = (entries.row != entries.col) & (entries.data > 1)
    rows, columns, given = entries.row[wrong], entries.col[wrong], entries.data[wrong]
    order = np.lexsort((columns, np.negative(given), rows))
    rows, columns, given = rows[order], columns[order], given[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < NUM_WRONG_ANSWERS
    starts = np.searchsorted(rows[kept], np.arange(len(matrix.indptr)))
    return starts, columns[kept], given[kept]


def _all_clusters(analysis: ReadoutAnalysis, depth: int, thresholds: Sequence[float]) -> Clusters:
    return {
        (threshold, definition): analysis.clusters(depth, threshold, definition)
        for threshold in thresholds
        for definition in DEFINITIONS
    }


def _examples(
    clusters: TokenClusters, frequency_V: np.ndarray, numbering: Numbering
) -> dict[str, Any]:
    others = np.arange(NUM_LARGEST, len(clusters.members))
    rng = np.random.default_rng(0)
    drawn = np.sort(rng.permutation(others)[:NUM_RANDOM])
    chosen = {"largest": range(min(NUM_LARGEST, len(clusters.members))), "random": drawn}
    return {
        kind: [_example(clusters, index, frequency_V, numbering) for index in indices]
        for kind, indices in chosen.items()
    }


def _example(
    clusters: TokenClusters, index: int, frequency_V: np.ndarray, numbering: Numbering
) -> list[int]:
    """The size, then the members that are named."""
    members = clusters.members[index]
    if clusters.definition != "row":  # a row's own token stands first, its matches by strength
        members = _most_frequent_first(members, frequency_V)
    return [len(members), *numbering.numbers(members[:MAX_MEMBERS])]


def _most_frequent_first(tokens: np.ndarray, frequency_V: np.ndarray) -> np.ndarray:
    return tokens[np.argsort(-frequency_V[tokens], kind="stable")]
