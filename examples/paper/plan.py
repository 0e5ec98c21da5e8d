"""The papers' claims on real text: every training and measurement, what is done and what is left.

    python examples/paper/plan.py                                     # says what is left
    python examples/paper/plan.py --text='wikipedia/enwiki2014_*.parquet' --data DATA --minutes 170

What is done has a record in `docs/records/paper`. A training that was interrupted goes on, other
pieces begin again. DATA is a folder with `dbpedia14_*.parquet`, `agnews_*.parquet` and
`fewrel64_train.parquet`, the Wikipedia of 2014 and 2021 for the longer training
(`enwiki20*.parquet`), and what `overlap.py` writes. Of a text, files whose names say "validation"
are what is measured.
"""

import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pieces
import records
from transformers import HfArgumentParser

NAMES = {
    **{"DBPEDIA": "dbpedia14_*", "FEWREL": "fewrel64_train*", "AG_NEWS": "agnews_*"},
    "WIKIPEDIA": "enwiki20*",
    **{corpus.upper(): f"{corpus}_*" for corpus in pieces.CORPORA},
}
"""Files of DATA by the words of commands that stand for them."""

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Signals that end the work as the time does."""


@dataclass
class Arguments:
    """What there is, and how long to work."""

    text: str | None = field(default=None, metadata={"help": "Parquet files to pre-train on."})
    data: str = field(default=".", metadata={"help": "Folder of the tasks' Parquet files."})
    minutes: float = field(default=0, metadata={"help": "Stop, to go on later, after so many."})
    workers: int = field(default=2, metadata={"help": "Pieces at a time, a thread each."})
    only: str = field(default="", metadata={"help": "A study, or the beginning of a piece's name."})
    output_folder: str = field(default="runs/paper", metadata={"help": "Where runs are kept."})


def main(arguments: list[str] | None = None) -> None:
    """Say what is left, and do it while there is time."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    asked = [
        each
        for each in pieces.pieces()
        if each.study == args.only or each.name.startswith(args.only)
    ]
    if not asked:
        raise ValueError(f"no study and no piece is called {args.only!r}.")
    for each in asked:
        print(f"{'done' if records.is_kept(each) else 'left'}  {each.study}: {each.name}")
    if args.minutes:
        if args.text is None:
            raise ValueError("there is no text to train on: give --text.")
        Plan(asked, args).work()


class Plan:
    """Pieces that are done one after the other, by several workers."""

    def __init__(self, asked: list[pieces.Piece], args: Arguments):
        self.args, self.end = args, time.monotonic() + 60 * args.minutes
        self.left = [each for each in asked if not records.is_kept(each)]
        self.pieces = {each.name: each for each in pieces.pieces()}
        self.changed, self.failed = threading.Condition(), False
        self.at_work: set[str] = set()
        """Folders into which a worker's command writes: a run's folder takes one at a time."""

    def work(self) -> None:
        """Do what is left until the time is over; a piece that fails ends the work.

        Raises ValueError, before any of it, for a piece whose model is neither there nor asked for.
        """
        self._require_models()
        before = {each: signal.signal(each, self._stop) for each in STOPPING}
        try:
            workers = [threading.Thread(target=self._worker) for _ in range(self.args.workers)]
            for each in workers:
                each.start()
            for each in workers:
                each.join()
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
        if self.failed:
            raise ValueError("a piece failed: what it said stands above.")

    def _stop(self, signum: int, frame: Any) -> None:
        """End as if the time were over: a command of a worker is not to go on by itself."""
        self.end = time.monotonic()

    def _require_models(self) -> None:
        made = {each.name for each in self.left}
        for each in self.left:
            for need in sorted(set(each.needs) - made):
                if not records.is_kept(self.pieces[need]):
                    raise ValueError(
                        f"{each.name} needs {need}, which is left: do it first, by --only {need}."
                    )
                for folder in self._folders_read(each, need):
                    if not folder.is_dir():
                        raise ValueError(
                            f"{each.name} needs {folder}, which is missing though it has a record: "
                            f"put the folder back, or remove the record to make {need} again."
                        )

    def _folders_read(self, piece: pieces.Piece, need: str) -> list[Path]:
        """The folders of that need's that the piece's command names."""
        words = (word.partition("FOLDER/")[2] for word in piece.command.split())
        return [
            Path(self.args.output_folder) / word for word in words if word.split("/")[0] == need
        ]

    def _worker(self) -> None:
        while (piece := self._next()) is not None:
            is_done: bool | None = False  # as is what raises an error of its own
            try:
                is_done = self._done(piece)
            finally:
                with self.changed:
                    self.at_work.remove(piece.folder)
                    self.failed |= is_done is False
                    self.changed.notify_all()

    def _next(self) -> pieces.Piece | None:
        """The first piece whose needs are there and whose folder is free; it waits for one."""
        with self.changed:
            while self.left and not self.failed and time.monotonic() < self.end:
                for each in self.left:
                    is_free = each.folder not in self.at_work
                    needs = (self.pieces[need] for need in each.needs)
                    if is_free and all(map(records.is_kept, needs)):
                        self.left.remove(each)
                        self.at_work.add(each.folder)
                        return each
                self.changed.wait(timeout=max(min(60, self.end - time.monotonic()), 0))
            return None

    def _done(self, piece: pieces.Piece) -> bool | None:
        """Whether the command succeeded; None if the time was over before its end."""
        folder = Path(self.args.output_folder) / piece.folder
        command = shlex.split(piece.command)
        paths = {
            name: str(Path(self.args.data) / f"{file}.parquet") for name, file in NAMES.items()
        }
        paths["TEXT"] = self.args.text or ""
        words = [
            paths.get(word, word.replace("FOLDER", self.args.output_folder)) for word in command
        ]
        if piece.kind == "acquisition":  # which replaces nothing: what an interrupted one left
            shutil.rmtree(folder, ignore_errors=True)
        print(f"begun {piece.name}", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f"{piece.name}.log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hf_apt", *words, "--output", str(folder)],
                stdout=log,
                stderr=log,
            )
            while (code := process.poll()) is None and time.monotonic() < self.end:
                time.sleep(0.2)
            if code is None:
                process.terminate()  # it saves a checkpoint first
                process.wait()
        if code != 0 and time.monotonic() >= self.end:
            print(f"stopped {piece.name}: the same command goes on", flush=True)
            return None
        if code:
            print(f"{piece.name} failed: see {log.name}", flush=True)
            return False
        records.keep(piece.name, records.record(piece, folder))
        print(f"done  {piece.name}", flush=True)
        return True


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"{Path(__file__).name}: {error}")
