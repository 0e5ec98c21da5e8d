"""What a run leaves on disk: the one module that knows the names of its files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.atomic import writing
from hf_apt.reading import read_array, read_arrays, read_json
from hf_apt.records.readout_fingerprints import COUNTS, require_as_measured, write_fingerprints
from hf_apt.records.run_in_notebooks import RunInNotebooks
from hf_apt.records.schemas import BLOCK_ACCURACY, COMMITTEE, in_present_form, is_of_kind
from hf_apt.records.unchanged import require_unchanged
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
class Run(RunInNotebooks):
    """A run's folder. Every later stage takes one and can be run again alone.

    Its files::

        config.json        what was asked for
        environment.json   versions, commit, device, seed, fingerprints of data and tokenizer
        vocabulary.json    the tokens as text, by token id
        frequency.npy      occurrences in the training corpus, or the measured text, int64 (V,)
        fingerprints.json  of the two files above and the one below
        planted.npy        planted language only: class of each token, -1 for none, int64 (V,)
        tokens/            tokenised sequences (hf_apt.data.tokens), train/ and validation/
        training/          the Trainer's own folder: checkpoints to resume from, its log
        checkpoint/        the trained model and its tokenizer
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
        report.html        the page (hf_apt.report)

    What a stage has not made yet is not there.
    """

    folder: Path
    """Path of the folder."""

    def __init__(self, folder: Path | str):
        object.__setattr__(self, "folder", Path(folder))

    def path(self, name: str) -> Path:
        """The path of one of the files or folders of a run.

        Args:
            name: its name below the folder, such as `summary.json`.

        Returns:
            The path, whether or not there is anything.
        """
        return self.folder / name

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
            if not np.array_equal(_filled(own_V, size, 0), _filled(best_V, size, 0)):
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

    # A model can have more ids than its tokenizer has tokens. To compare what follows with counts,
    # give their `vocab_size`: an id without a token never occurs.

    def frequency(self, vocab_size: int = 0) -> np.ndarray:
        """Occurrences of each token in the training corpus, or the measured text.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens; ids without a token never occur.

        Returns:
            int64 counts of shape (V,).

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens.
        """
        return _filled(self._by_token("frequency.npy", 0), vocab_size, 0)

    def planted(self, vocab_size: int = 0) -> np.ndarray | None:
        """The known class of each token of a planted language.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens; ids without a token have no class.

        Returns:
            int64 of shape (V,), -1 for no class; None unless the language is planted.

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens, and if it
                is missing although `config.json` says that the language is planted.
        """
        if not self.path("planted.npy").exists():
            if self._is_planted():
                raise ValueError(
                    f"{self.path('planted.npy')} is missing, and the language of {self.folder} is "
                    "planted: restore it, or delete frequency.npy and give the command again."
                )
            return None
        return _filled(self._by_token("planted.npy", -1), vocab_size, -1)

    def vocabulary(self, vocab_size: int = 0) -> list[str]:
        """The tokens as text, by token id.

        Args:
            vocab_size: smallest number of entries, as in counts of a model with more ids than its
                tokenizer has tokens.

        Returns:
            V texts; `<id>` for an id without a token.

        Raises:
            ValueError: with the file's name, if it is broken or not of the run's tokens.
        """
        tokens = self.read_json("vocabulary.json")
        if not all(isinstance(token, str) for token in tokens):
            raise ValueError(f"{self.path('vocabulary.json')} holds what is no text.")
        self._require_tokens("vocabulary.json", len(tokens))
        require_unchanged(self.folder, "vocabulary.json")
        return tokens + [f"<{index}>" for index in range(len(tokens), vocab_size)]

    def _by_token(self, name: str, least: int) -> np.ndarray:
        """An integer of at least `least` for each token, int64 (V,)."""
        path = self.path(name)
        values_V = read_array(path)
        if values_V.dtype != np.int64 or values_V.ndim != 1:
            raise ValueError(
                f"{path} is of {values_V.dtype} in {values_V.ndim} dimensions, not one row of "
                "int64: restore it."
            )
        if values_V.min(initial=least) < least:
            raise ValueError(f"{path} holds {values_V.min()}, which is less than {least}.")
        self._require_tokens(name, len(values_V))
        require_unchanged(self.folder, name)
        return values_V

    def _require_tokens(self, name: str, num_tokens: int) -> None:
        """Raise ValueError unless the tokens, or else the frequencies, are as many."""
        described, frequency = "tokens/train/description.json", "frequency.npy"
        if self.path(described).exists():
            other, wanted = described, self.read_json(described, "vocab_size")["vocab_size"]
        elif name != frequency and self.path(frequency).exists():
            other, wanted = frequency, len(read_array(self.path(frequency)))
        else:
            return
        if num_tokens != wanted:
            raise ValueError(
                f"{self.path(name)} is of {num_tokens} tokens, and {other} is of {wanted}: they do "
                "not belong together. Restore the one that was changed."
            )

    def _is_planted(self) -> bool:
        """Whether the run's configuration is one of the planted language."""
        if not self.path("config.json").exists():
            return False
        corpus = self.read_json("config.json").get("corpus")
        return isinstance(corpus, dict) and bool(corpus) and "name" not in corpus

    def finetuned(self) -> dict[str, Any]:
        """The records of fine-tuning (`hf_apt.studies.block_accuracy`), not those of single seeds.

        Returns:
            A record for each task, by its name.

        Raises:
            ValueError: for a record of a version that cannot be read.
        """
        return self._by_task("", BLOCK_ACCURACY)

    def finetuned_on(self, task: str) -> Any:
        """The record of fine-tuning on one task (`hf_apt.studies.block_accuracy`).

        Args:
            task: name of the task.

        Returns:
            The content of `finetune/<task>.json`, in its present form.

        Raises:
            ValueError: if there is none, or none of a version that can be read.
        """
        name = self.finetuned_name(task)
        return in_present_form(self.read_json(name), BLOCK_ACCURACY, self.path(name))

    def committees(self) -> dict[str, Any]:
        """The records of committees (`hf_apt.studies.committee`).

        Returns:
            A record for each task, by its name.

        Raises:
            ValueError: for a record of a version that cannot be read.
        """
        return self._by_task("-committee", COMMITTEE)

    def finetuned_name(self, task: str) -> str:
        """The name of the file that holds a task's record of fine-tuning.

        Args:
            task: name of the task.

        Returns:
            The name below the run's folder.
        """
        return f"finetune/{task}.json"

    def _by_task(self, ending: str, schema: str) -> dict[str, Any]:
        records = {}
        for path in sorted(self.path("finetune").glob("*.json")):
            name = re.fullmatch(rf"(\w+){ending}\.json", path.name)
            record = read_json(path) if name else {}
            if name and is_of_kind(record, schema):
                records[name[1]] = in_present_form(record, schema, path)
        return records

    def read_json(self, name: str, *keys: str) -> Any:
        """The content of one of the JSON files.

        Args:
            name: its name below the folder, such as `summary.json`.
            *keys: keys that the object must have.

        Returns:
            A dictionary; for `vocabulary.json` a list.

        Raises:
            ValueError: if it is missing, not valid JSON, of another type or without one of `keys`.
        """
        path = self.path(name)
        if not path.exists():
            raise ValueError(f"{self.folder} is no finished hf_apt run: it has no {name}.")
        content = read_json(path)
        expected, called = (list, "list") if name == "vocabulary.json" else (dict, "object")
        if not isinstance(content, expected):
            raise ValueError(f"{path} holds no JSON {called}: it was changed. Restore it.")
        for key in keys:
            if key not in content:
                raise ValueError(f"{path} does not say {key}: it was changed. Restore it.")
        return content

    def write_json(self, name: str, content: Any) -> None:
        """Write one of the JSON files, whole or not at all.

        Args:
            name: its name below the folder.
            content: what JSON can hold, without NaN or infinity.
        """
        with writing(self.path(name)) as file:
            json.dump(content, file, indent=1, ensure_ascii=False, allow_nan=False)
            file.write("\n")

    def write_array(self, name: str, array: np.ndarray) -> None:
        """Write one of the `.npy` files, whole or not at all.

        Args:
            name: its name below the folder.
            array: any array of numbers.
        """
        with writing(self.path(name), "wb") as file:
            np.save(file, array, allow_pickle=False)

    def write_arrays(self, name: str, **arrays: np.ndarray) -> None:
        """Write one of the `.npz` files, whole or not at all.

        Args:
            name: its name below the folder.
            **arrays: any arrays of numbers, by the name that each has in the file.
        """
        with writing(self.path(name), "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def _measure_name(readout: str, measure: str) -> str:
    return f"measures/{readout}-{measure}.npz"


def _filled(array_V: np.ndarray, vocab_size: int, value: int) -> np.ndarray:
    return np.pad(array_V, (0, max(vocab_size - len(array_V), 0)), constant_values=value)
