"""Reading files whose every refusal names the file, and what an error says, in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import numpy as np


def read_array(path: Path | str) -> np.ndarray:
    """The array of a `.npy` file.

    Raises ValueError, with the file's name, if it is missing, cut short or no such file.
    """
    array = _loaded(Path(path))
    if isinstance(array, dict):
        raise ValueError(f"{path} holds several arrays, and a .npy file of one is wanted.")
    return array


def read_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """All arrays of a `.npz` file by their names.

    Raises ValueError, with the file's name, if it is missing, cut short or no such file.
    """
    arrays = _loaded(Path(path))
    if not isinstance(arrays, dict):
        raise ValueError(f"{path} holds one array, and a .npz file is wanted.")
    return arrays


def read_json(path: Path | str) -> Any:
    """The content of a JSON file, in which every number is finite.

    Raises ValueError, with the file's name, if it is missing or not valid JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON: {_reason(error)}.") from None


def first_line(error: BaseException) -> str:
    r"""What `error` says, in one line; its type if it says nothing.

    >>> first_line(ValueError("no model\nof that name")), first_line(KeyError())
    ('no model', 'KeyError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _loaded(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {name: np.asarray(loaded[name]) for name in loaded.files}
    except Exception as error:  # changed bytes raise what they happen to hit
        raise ValueError(
            f"{path} cannot be read ({_reason(error)}): it is missing, cut short or changed. "
            "Restore it, or delete it and make it again."
        ) from None


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().rstrip(".") or type(error).__name__


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"it holds the number {name}")


_NETWORK = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")


def is_of_the_network(error: BaseException) -> bool:
    """Whether an error is of a library by which the Hub is asked: it was not reached in time.

    huggingface_hub lets some of them through, which are no OSError.
    """
    return type(error).__module__.partition(".")[0] in _NETWORK
