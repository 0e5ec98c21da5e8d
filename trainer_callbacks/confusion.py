"""What the model in training confuses with what, at every depth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from transformers import TrainerState, TrainingArguments

from hf_apt.atomic import writing
from hf_apt.depths.decoded import DecodedTotal
from hf_apt.stats.clusters import (
    DEFINITIONS,
    HEADLINE,
    Definition,
    TokenClusters,
    strong_matches,
    token_clusters,
)
from hf_apt.stats.confusion import Confusion, confusion, noise_mass
from hf_apt.stats.counts import DepthCounts
from trainer_callbacks.depth_callback import DepthCallback
from trainer_callbacks.files import StepFiles
from trainer_callbacks.peers import ConfusionReader, peers

_SCALARS = ("num_clusters", "max_size", "share_with_strong_match", "noise_mass")


class ConfusionCallback(DepthCallback):
    """The token confusion matrix and its strong-match clusters, at every depth.

    When and on which data it measures, and what else it refuses: see `DepthCallback`. Source: arXiv
    2509.03407; the definitions of clusters, see `hf_apt.stats.clusters`.

    Scalars, after the prefix of the data (`eval_`), at the last depth: `num_clusters`, and
    `noise_mass`, a share in [0, 1]. With `detail="all"` at each depth d: `num_clusters_depth_<d>`,
    `max_size_depth_<d>` (tokens of the largest cluster), and two shares over the tokens whose
    commonest answer is the right one: `share_with_strong_match_depth_<d>` of these tokens, and
    `noise_mass_depth_<d>`, the mean share of their answers that are neither right nor a strong
    match.

    Tables, in `<output_dir>/confusion/`: `eval-step-<step>.npz`, the exact pair counts
    (`hf_apt.stats.counts.DepthCounts.load`), left out where answers are missing or the mask token
    is not known; `eval-step-<step>.json`, the clusters as words, largest first.

    Args:
        definition: `mutual`, `weak`, `row` or `errors`, as in `hf_apt.token_clusters`.
        threshold: smallest normalised confusion that is a strong match, in (0, 1].
        every: measure every so many steps; at evaluations if None.
        at_steps: measure at these steps.
        eval_dataset: data to measure on, one set or several by name; those of the evaluation if
            None.
        detail: `few` scalars, or `all`.
        seed: seed of the labels where the collator makes them, at least 0.

    Raises:
        ValueError: for an unknown definition or detail, a threshold outside (0, 1], steps that are
            none, and a negative seed.
    """

    folder: ClassVar[str] = "confusion"
    few: ClassVar[tuple[str, ...]] = ("num_clusters", "noise_mass")

    def __init__(
        self,
        *,
        definition: Definition = HEADLINE[0],
        threshold: float = HEADLINE[1],
        every: int | None = None,
        at_steps: Sequence[int] = (),
        eval_dataset: Any = None,
        detail: str = "few",
        seed: int = 2509,
    ):
        if definition not in DEFINITIONS or not 0 < threshold <= 1:
            raise ValueError(
                f"clusters are defined as {', '.join(DEFINITIONS)}, at a threshold in (0, 1], "
                f"got definition={definition!r}, threshold={threshold}."
            )
        super().__init__(
            every=every, at_steps=at_steps, eval_dataset=eval_dataset, detail=detail, seed=seed
        )
        self.definition: Definition = definition
        self.threshold = threshold
        self._read: tuple[DepthCounts, list[tuple[Confusion, TokenClusters]]] | None = None

    def scores(self, total: DecodedTotal, *, is_causal: bool) -> dict[str, float]:
        """The scalars of clusters to log of one measurement.

        Args:
            total: what the model answered at every depth.
            is_causal: whether the model was asked for next tokens.

        Returns:
            Figures by name, without the prefix of the data; NaN where answers are missing.
        """
        scores: dict[str, float] = {}
        answered = set(total.answered_depths)
        for depth, (table, clusters) in enumerate(self._clusters(total.readout.counts)):
            if depth not in answered:
                scores |= {f"{name}_depth_{depth}": float("nan") for name in _SCALARS}
                continue
            noise = noise_mass(table, strong_matches(table, self.threshold))
            scores |= {
                f"num_clusters_depth_{depth}": len(clusters.members),
                f"max_size_depth_{depth}": int(max(clusters.sizes(), default=0)),
            }
            if len(noise):  # a mean over no token is no figure
                scores |= {
                    f"share_with_strong_match_depth_{depth}": clusters.num_matched
                    / clusters.num_kept,
                    f"noise_mass_depth_{depth}": float(noise.mean()),
                }
        last = f"_depth_{total.readout.counts.num_depths - 1}"
        at_last = {n.removesuffix(last): v for n, v in scores.items() if n.endswith(last)}
        return {name: at_last[name] for name in self.few if name in at_last} | scores

    def write(
        self, total: DecodedTotal, files: StepFiles, name: tuple[str, int], words: Any
    ) -> None:
        """Write the pair counts, if no answer is missing, and the clusters.

        Args:
            total: what the model answered at every depth.
            files: the step-numbered files of this callback.
            name: the prefix of the data and the step.
            words: the Trainer's tokenizer, for tokens as words; None for ids.
        """
        counts, answered = total.readout.counts, set(total.answered_depths)
        if len(answered) == counts.num_depths and self.measurement.knows_treatments:
            counts.save(files.claimed(*name, "npz"))
        depths = [
            {
                "depth": depth,
                "clusters": [_as_words(ids, words) for ids in clusters.members]
                if depth in answered
                else None,
            }
            for depth, (_, clusters) in enumerate(self._clusters(counts))
        ]
        content = {
            "step": name[1],
            "definition": self.definition,
            "threshold": self.threshold,
            "depths": depths,
        }
        with writing(files.claimed(*name, "json")) as file:
            json.dump(content, file, indent=1, ensure_ascii=False)

    def tell(
        self, args: TrainingArguments, state: TrainerState, prefix: str, total: DecodedTotal
    ) -> None:
        """Tell the confusion to callbacks that show it (`on_confusion`).

        Args:
            args: the arguments of the training.
            state: where the training is.
            prefix: prefix of the data, `eval` or `eval_<name>`.
            total: what the model answered at every depth.
        """
        counts = total.readout.counts
        for peer in peers():
            if isinstance(peer, ConfusionReader):
                peer.on_confusion(
                    args,
                    state,
                    prefix=prefix,
                    counts=counts,
                    clusters=self._clusters(counts)[-1][1],
                    answered=total.answered_depths,
                )

    def _clusters(self, counts: DepthCounts) -> list[tuple[Confusion, TokenClusters]]:
        """Confusion and clusters at every depth; read off once for scalars and tables."""
        if self._read is None or self._read[0] is not counts:
            tables = [confusion(counts.at(depth)) for depth in range(counts.num_depths)]
            clusters = [token_clusters(table, self.threshold, self.definition) for table in tables]
            self._read = (counts, list(zip(tables, clusters, strict=True)))
        return self._read[1]


def _as_words(ids: Any, tokenizer: Any) -> list[str] | list[int]:
    ids = [int(token) for token in ids]
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return ids if convert is None else convert(ids)
