"""The rows of a vocabulary in a run's folder, `token_rows.npz`: written with its measurement."""

from __future__ import annotations

from hf_apt.reading import read_arrays
from hf_apt.records.run import Run
from hf_apt.stats.token_rows.token_rows import TokenRows

_NAME = "token_rows.npz"


def write_token_rows(run: Run, rows: TokenRows | None) -> None:
    """Write the rows of the model that was measured, and take away those of one before it.

    None stands for a model of which there are none.
    """
    if rows is None:
        run.path(_NAME).unlink(missing_ok=True)
    else:
        run.write_arrays(_NAME, **rows.arrays())


def read_token_rows(run: Run, vocab_size: int) -> TokenRows | None:
    """The rows of the model that was measured; None where they were not kept.

    Raises ValueError, with the file's name, if it cannot be read, holds anything else, or is of
    another number of token ids than `vocab_size`.
    """
    path = run.path(_NAME)
    if not path.exists():
        return None
    arrays = read_arrays(path)
    remedy = "measure again, or delete it to go on without"
    try:
        rows = TokenRows.from_arrays(arrays)
    except ValueError as error:
        raise ValueError(f"{path} is not of a model's rows: {error}; {remedy}.") from None
    if rows.vocab_size != vocab_size:
        raise ValueError(
            f"{path} is of {rows.vocab_size} token ids, and the counts are of {vocab_size}: "
            f"{remedy}."
        )
    return rows
