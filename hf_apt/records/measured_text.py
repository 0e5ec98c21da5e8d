"""Records of text that belong to a measurement: read as written, and beside its counts, or refused.

They hold a digest of their own content and the fingerprint of the counts that were measured with
them (`hf_apt.records.fingerprints`), so that a changed file and one of another measurement are told
by name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from hf_apt.records.readout_fingerprints import COUNTS
from hf_apt.records.run import Run

REMEDY = "restore it, or delete it to go on without"


def write_measured_text(
    run: Run, name: str, schema: str, content: Mapping[str, Any] | None, counts: str
) -> None:
    """Write `content` as the run's file `name`, beside the fingerprint of `counts`.

    What a measurement before left is taken away; None stands for nothing to write.
    """
    run.path(name).unlink(missing_ok=True)
    if content is not None:
        head = {"schema": schema, "counts": counts, "digest": _digest(content)}
        run.write_json(name, {**head, **content})


def read_measured_text(
    run: Run, name: str, schema: str, keys: Collection[str], what: str
) -> dict[str, Any] | None:
    """The `keys` of the run's file `name`; None where there is no such file.

    `what` it holds is said where it was changed. Raises ValueError, with the file's name, if it
    cannot be read, is of another form, was changed, or is of another measurement than the counts.
    """
    path = run.path(name)
    if not path.exists():
        return None
    record = run.read_json(name, "schema", "counts", "digest", *keys)
    if record["schema"] != schema:
        raise ValueError(f"{path} is a record of the form {record['schema']}: {REMEDY}.")
    content = {key: record[key] for key in keys}
    if _digest(content) != record["digest"]:
        raise ValueError(f"{path} holds other {what} than were written: {REMEDY}.")
    prints = "measures/own_head.json"
    if run.path(prints).exists() and run.read_json(prints).get(COUNTS) != record["counts"]:
        raise ValueError(f"{path} is of another measurement than the counts beside it: {REMEDY}.")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
