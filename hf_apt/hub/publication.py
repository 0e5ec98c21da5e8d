"""What is published: files by their names in a repository, from an allow-list, without secrets."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from hf_apt.hub.local_paths import recorded_paths, require_no_local_path, without_paths
from hf_apt.hub.resources import resource
from hf_apt.ownership import MARKER
from hf_apt.records.fingerprints import file_fingerprint
from hf_apt.records.redaction import secrets_in
from hf_apt.records.run import Run
from hf_apt.records.task_records import own_tasks

CHECKPOINT_FILES = (
    *("config.json", "generation_config.json", "model.safetensors"),
    *("configuration_bert6.py", "modeling_bert6.py"),
    *("configuration_bert6_cls.py", "modeling_bert6_cls.py", "cls_blocks.py"),
    *("configuration_bert_conv.py", "modeling_bert_conv.py"),
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "*.model"),
    "task_texts.npy",
)
"""Names in `checkpoint/` that may be sent; pickles and scripts of others are not among them.

Of the texts that objectives read only the digests are in `task_texts.npy`.
"""

RECORD_FILES = ("summary.json", "config.json", "environment.json", "report.html")
"""What every number on the card comes from, and the page; sent as `run/<name>`, and so are the
records of fine-tuning this checkpoint."""

METRIC_FILES = ("README.md", "index.html", "requirements.txt")
"""Files of a metric besides its own `<name>.py`."""


@dataclass(frozen=True)
class Publication:
    """The files of one repository."""

    repo_type: Literal["model", "space"]
    """Kind of the repository."""

    files: dict[str, Path | bytes]
    """Path or content of each file, by its name in the repository."""

    left_out: tuple[Path, ...] = ()
    """Files of the same folder that are not on the allow-list."""

    beside_weights: str | None = None
    """Fingerprint of the weights that have to be in the repository already; None if sent along."""

    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        return {
            name: len(content) if isinstance(content, bytes) else content.stat().st_size
            for name, content in self.files.items()
        }


def checkpoint_publication(run: Run, card: dict[str, bytes]) -> Publication:
    """The run's checkpoint, its records and its card.

    Raises ValueError if the run has no checkpoint of its own, or if its figures are of other
    weights; for a file that leads out of the run's folder, code that is not hf_apt's own, and a
    path of this machine that stays in a file.
    """
    _require_own_weights(run)
    paths = sorted(path for path in run.path("checkpoint").rglob("*") if not path.is_dir())
    sent, left_out = _allowed(paths, run.path("checkpoint"), CHECKPOINT_FILES)
    files = {path.name: _inside(path, run.folder) for path in sent}
    _require_own_code(sent)
    for path in sent:
        if path.suffix == ".json":
            require_no_local_path(str(path), path.read_bytes(), run.folder)
    return Publication("model", files | _records(run) | card, left_out)


def card_publication(run: Run, card: dict[str, bytes]) -> Publication:
    """The run's records and its card, for a repository that holds its checkpoint already.

    Raises ValueError as `checkpoint_publication` does.
    """
    weights = _require_own_weights(run)
    return Publication("model", _records(run) | card, beside_weights=weights)


def metric_names() -> list[str]:
    """The metrics that can be published."""
    return sorted(path.stem for path in resource("metrics").glob("*/*.py") if _is_metric(path))


def metric_publication(name: str) -> Publication:
    """A metric's folder as a Space. Raises ValueError for an unknown name."""
    if name not in metric_names():
        raise ValueError(f"there is no metric {name!r}: there are {', '.join(metric_names())}.")
    folder = resource(f"metrics/{name}")
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    sent, left_out = _allowed(paths, folder, (f"{name}.py", *METRIC_FILES))
    return Publication("space", {path.name: _inside(path, folder) for path in sent}, left_out)


def require_no_secret(publication: Publication, tokens: Iterable[str | None]) -> None:
    """Raise ValueError if a file holds one of `tokens`, or what looks like a secret."""
    in_use = [token for token in tokens if token]
    for name, content in publication.files.items():
        if isinstance(content, bytes):
            kinds = secrets_in(content, in_use)
        elif content.stat().st_size == 0:
            continue
        else:
            with (
                content.open("rb") as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text,
            ):
                kinds = secrets_in(text, in_use)
        if kinds:
            where = name if isinstance(content, bytes) else content
            raise ValueError(
                f"{where} holds what looks like {' and '.join(kinds)}: nothing was sent. Take it "
                "out of the file and, if it is a real one, revoke it."
            )


def _require_own_code(paths: list[Path]) -> None:
    """Raise ValueError for code that is not, byte for byte, the package's own."""
    names = {path.stem for path in paths if path.suffix == ".py"}
    for path in paths:
        if path.suffix == ".py":
            ours = resource(f"models/bert6/{path.name}")
            if path.read_bytes() != ours.read_bytes():
                raise ValueError(
                    f"{path} is not hf_apt's own code: only that is published. Put a copy of "
                    f"{ours} in its place."
                )
        elif path.name in ("config.json", "tokenizer_config.json"):
            for code in _loaded_code(path):
                if code.partition(".")[0] not in names:
                    raise ValueError(
                        f"{path} loads code that is not published with it ({code}): take it out "
                        "of its auto_map."
                    )


def _loaded_code(path: Path) -> list[str]:
    """The classes that a configuration says to load from Python code, as `module.Class`."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path} is no JSON: nothing was sent.") from None
    auto_map = content.get("auto_map", {}) if isinstance(content, dict) else {}
    values = auto_map.values() if isinstance(auto_map, dict) else [auto_map]
    classes = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [str(each) for each in classes if each is not None]


def _records(run: Run) -> dict[str, Path | bytes]:
    """The run's records, without the folders of somebody's disk."""
    summary = run.read_json("summary.json")
    tasks = own_tasks(run.finetuned(), summary)
    others = [
        run.read_json(name)
        for name in ("config.json", "environment.json")
        if run.path(name).exists()
    ]
    paths = recorded_paths(summary, tasks, *others)
    records: dict[str, Path | bytes] = {}
    for name in (*RECORD_FILES, *map(run.finetuned_name, tasks)):
        if run.path(name).exists():
            path = _inside(run.path(name), run.folder)
            text = without_paths(path.read_bytes(), paths)
            require_no_local_path(str(path), text, run.folder)
            records[f"run/{name}"] = text
    return records


def _require_own_weights(run: Run) -> str:
    """The fingerprint of the run's checkpoint, which is the one that was measured."""
    summary = run.read_json("summary.json")
    path = run.path("checkpoint/model.safetensors")
    if not path.exists():
        raise ValueError(
            f"{run.folder} holds no checkpoint of its own: only what `hf-apt run` made is "
            "published."
        )
    weights = file_fingerprint(path)
    if weights != summary["model"]["weights"]:
        raise ValueError(
            f"the figures of {run.folder} are of other weights than those in its checkpoint: "
            "measure it again."
        )
    return weights


def _allowed(
    paths: list[Path], folder: Path, names: tuple[str, ...]
) -> tuple[list[Path], tuple[Path, ...]]:
    """The files directly in `folder` whose names are allowed, and all the others."""
    sent = [
        path
        for path in paths
        if path.parent == folder and any(fnmatch(path.name, name) for name in names)
    ]
    return sent, tuple(path for path in paths if path not in sent and path.name != MARKER)


def _inside(path: Path, folder: Path) -> Path:
    if not (path.is_file() and path.resolve().is_relative_to(folder.resolve())):
        raise ValueError(f"{path} leads out of {folder}, or nowhere: nothing was sent.")
    return path


def _is_metric(path: Path) -> bool:
    return path.stem == path.parent.name
