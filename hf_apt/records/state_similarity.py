"""How alike the depths of the measured model are, `similarity.npz` in a run's folder."""

from __future__ import annotations

import numpy as np

from hf_apt.reading import read_arrays
from hf_apt.records.run import Run
from hf_apt.stats.measures.measure import stored_arrays
from hf_apt.stats.similarity.depth_similarity import DepthSimilarity

_NAME = "similarity.npz"


def write_state_similarity(run: Run, similarity: DepthSimilarity | None) -> None:
    """Write the similarity of the depths that were measured, and take away one from before.

    None stands for a model of which there is none.
    """
    if similarity is None:
        run.path(_NAME).unlink(missing_ok=True)
        return
    errors_DE = similarity.errors_DE
    run.write_arrays(
        _NAME,
        cka_DE=similarity.cka_DE,
        errors_DE=np.full(similarity.cka_DE.shape, np.nan) if errors_DE is None else errors_DE,
        num=np.array(similarity.num),
    )


def read_state_similarity(run: Run, num_depths: int) -> DepthSimilarity | None:
    """The debiased CKA between the depths that were measured; None where it was not kept.

    Raises ValueError, with the file's name, if it cannot be read, holds anything else, or is of
    another number of depths than `num_depths`.
    """
    path = run.path(_NAME)
    if not path.exists():
        return None
    arrays = read_arrays(path)
    try:
        cka_DE, errors_DE, num = stored_arrays(
            arrays, cka_DE=("float64", 2), errors_DE=("float64", 2), num=("int64", 0)
        )
    except ValueError as error:
        raise ValueError(
            f"{path} holds no similarity ({error}): delete it to go on without."
        ) from None
    shape = (num_depths, num_depths)
    if cka_DE.shape != shape or errors_DE.shape != shape or (np.abs(cka_DE) > 1).any():
        raise ValueError(
            f"{path} is not the similarity of the {num_depths} depths of this run: delete it to go "
            "on without."
        )
    has_errors = not np.isnan(errors_DE).all()
    return DepthSimilarity(cka_DE, int(num), "tokens", True, errors_DE if has_errors else None)
