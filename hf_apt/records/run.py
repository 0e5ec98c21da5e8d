"""What a run leaves on disk: the names of its files, which `run_parts` and this module know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hf_apt.reading import read_arrays
from hf_apt.records.readout_fingerprints import COUNTS, require_as_measured, write_fingerprints
from hf_apt.records.run_in_notebooks import RunInNotebooks
from hf_apt.records.run_parts.tasks import RunTasks
from hf_apt.records.run_parts.tokens import RunTokens, extended
from hf_apt.stats.counts import DepthCounts
from hf_apt.stats.measures.measure import Measure
from hf_apt.stats.measures.readout import Readout
from hf_apt.stats.measures.registry import MEASURES

READOUTS = ("own_head", "linear_head", "mlm_head", "jacobian", "translator", "untrained", "bayes")
"""How a hidden state was turned into an answer. `own_head`: by the model's own MLM head.
`linear_head`, `mlm_head`: by a head trained for each depth on the frozen trunk. `jacobian`,
`translator`: by the own head, after a lens (`hf_apt.depths.lenses.lens_kind`). `untrained`: by the
own head of a twin with fresh weights. `bayes`: the exact best answer, at one depth, known for the
planted language only."""


@dataclass(frozen=True, init=False)
class Run(RunTokens, RunTasks, RunInNotebooks):
    """A run's folder. Every later stage takes one and can be run again alone.

    Its files::

        config.json        what was asked for
        environment.json   versions, commit, device, seed, fingerprints of data and tokenizer
        vocabulary.json    the tokens as text, by token id
        frequency.npy      occurrences in the training corpus, or the measured text, int64 (V,)
        fingerprints.json  of the two files above and the one below
        planted.npy        of planted words: class of each token, -1 for none, int64 (V,)
        tokens/            tokenised sequences (hf_apt.data.tokens), train/ and validation/
        training/          the Trainer's own folder: checkpoints to resume from, its log
        checkpoint/        the trained model and its tokenizer
        pairs_head.safetensors  a head over pairs of masked words that was trained beside it
        steps/             step-<n>/, the model after chosen steps of its training
        generator/         where it is a generator with its discriminator, each of the two,
        discriminator/     as a checkpoint of its own
        heads/             heads trained for each depth, lenses fitted to them
        counts/            one <readout>.npz for each way of reading out (hf_apt.stats.counts)
        similarity.npz     how alike the depths are (hf_apt.stats.similarity)
        token_rows.npz     norm and output bias of each token id (hf_apt.stats.token_rows)
        measures/          <readout>-<measure>.npz (hf_apt.stats.measures); <readout>.json, the
                           fingerprints of them and of the counts
        sentences.json     sentences that the page shows (hf_apt.records.shown_sentences)
        contexts.json      stretches of text that it shows (hf_apt.records.token_contexts)
        summary.json       headline figures (hf_apt.stats.depth_summary)
        finetune/          <task>.json, accuracy at every depth and confidence;
                           <task>-seed-<n>.json, what each seed gave to it; <task>-inputs.npz, the
                           confidence of each test text; <task>/, the fine-tuned model;
                           <task>-committee.json and the committee <task>-committee/
        studies/           <study>-<subject>.json (hf_apt.records.studies)
        report.html        the page (hf_apt.report)

    What a stage has not made yet is not there.
    """

    def counts_path(self, readout: str) -> Path:
        """The path of one readout's counts.

        Args:
            readout: a name of `READOUTS`, such as `own_head`.

        Returns:
            The path of the `.npz` file, whether or not there is one.
        """
        return self.folder / "counts" / f"{readout}.npz"

    def readouts(self) -> list[str]:
        """The readouts that have been counted.

        Returns:
            Their names, in the order of `READOUTS`.
        """
        return [readout for readout in READOUTS if self.counts_path(readout).exists()]

    def whole_readouts(self) -> list[str]:
        """The readouts that have been counted and lack no measure; the best answers have none.

        Returns:
            Their names, in the order of `READOUTS`.
        """
        return [
            readout
            for readout in self.readouts()
            if readout == "bayes"
            or all(self.path(_measure_name(readout, each.name)).exists() for each in MEASURES)
        ]

    def counts(self, readout: str) -> DepthCounts:
        """The counts of one readout.

        Args:
            readout: a name of `READOUTS`, such as `own_head`.

        Returns:
            How often each token was asked for and answered by each other, at every depth.

        Raises:
            ValueError: with the file's name, if they cannot be read, break a law of theirs, are not
                those that were measured or are of other depths or fewer tokens than `model.json`
                says, or, of the exact best answers, if they are of other positions than those of
                the own head.
        """
        path = self.counts_path(readout)
        counts = DepthCounts.load(path)
        require_as_measured(self._fingerprints_path(readout), COUNTS, counts, path)
        if readout == "bayes" and self.counts_path("own_head").exists():
            own_V, best_V = self.counts("own_head").support(), counts.support()
            size = max(len(own_V), len(best_V))
            if not np.array_equal(extended(own_V, size, 0), extended(best_V, size, 0)):
                raise ValueError(
                    f"{path} is of other positions than {self.counts_path('own_head')}: delete it, "
                    "and the same command makes it again."
                )
        # The exact best answers are of one depth, and of the language's tokens alone.
        if readout != "bayes" and self.path("model.json").exists():
            model = self.read_json("model.json")
            depths = model.get("depths")
            for name, here, there in (
                ("depths", counts.num_depths, len(depths) if isinstance(depths, list) else None),
                ("tokens", counts.vocab_size, model.get("vocab_size")),
            ):
                if there is not None and here != there:
                    raise ValueError(
                        f"{path} is of {here} {name}, and {self.path('model.json')} says {there}: "
                        "they are not of the same measurement. Measure again."
                    )
        return counts

    def _fingerprints_path(self, readout: str) -> Path:
        return self.path(f"measures/{readout}.json")

    def write_readout(self, name: str, readout: Readout) -> None:
        """Write the measures and then the counts of one readout; with the counts it is complete.

        Args:
            name: a name of `READOUTS`, such as `own_head`.
            readout: its counts and measures.
        """
        self.counts_path(name).unlink(missing_ok=True)
        for former in self.folder.glob(f"measures/{name}-*.npz"):
            former.unlink()
        for measure in readout.measures.values():
            self.write_arrays(_measure_name(name, measure.name), **measure.arrays())
        write_fingerprints(self._fingerprints_path(name), readout)
        readout.counts.save(self.counts_path(name))

    def readout(self, name: str) -> Readout:
        """The counts of one readout, and those measures that were made of it.

        Args:
            name: a name of `READOUTS`, such as `own_head`.

        Returns:
            Counts and measures of the same positions.

        Raises:
            ValueError: with the file's name, for a measure that is not of the same answers as the
                counts or not as it was measured, and for counts that cannot be read, were changed
                or are of another model.
        """
        counts = self.counts(name)
        measures: dict[str, Measure] = {}
        for measure in MEASURES:
            path = self.path(_measure_name(name, measure.name))
            if path.exists():
                arrays = read_arrays(path)
                try:
                    measures[measure.name] = measure.from_arrays(arrays)
                    measures[measure.name].require_same_pass(counts)
                except ValueError as error:
                    raise ValueError(f"{path} is not of its counts: {error}.") from None
                require_as_measured(self._fingerprints_path(name), measure.name, arrays, path)
        return Readout(counts, measures)


def _measure_name(readout: str, measure: str) -> str:
    return f"measures/{readout}-{measure}.npz"
