"""What users hand over (lists, arrays, tensors) as NumPy arrays, or one sentence on what is wrong.

Torch is not imported: a tensor is recognised by its methods.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Integer


def whole_numbers(name: str, values: Any, *, example: str) -> Integer[np.ndarray, "*shape"]:
    """`values` as an integer array of the same shape, any integer type.

    Raises ValueError for rows of unequal length, and names the first value that is no integer,
    with `example`, the code that gives what is meant.
    """
    array = array_of(name, values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        wrong = _first_that_is_no(int, array)
        raise ValueError(f"{name} hold {wrong!r}: give integers, for instance {example}.")
    return array


def shares(
    name: str, values: Any, *, example: str, nan: bool = False
) -> Float[np.ndarray, " values"]:
    """`values` as a flat float64 array of numbers in [0, 1], or NaN where `nan` allows it.

    Raises ValueError for rows of unequal length, and names the first value that is no share.
    """
    array = array_of(name, values).ravel()
    if array.size and array.dtype.kind not in "biuf":
        raise ValueError(f"{name} hold {_first_that_is_no(float, array)!r}: give {example}.")
    array = array.astype(np.float64)
    fits = (array >= 0) & (array <= 1) | (np.isnan(array) if nan else False)
    if not fits.all():
        raise ValueError(f"{name} hold {array[~fits][0]}, which is outside 0 to 1: give {example}.")
    return array


def number_rows(
    name: str, values: Any, *, example: str, what: str = "rows of numbers", one_row: bool = False
) -> Float[np.ndarray, "n numbers"]:
    """`values` as a float64 table of finite numbers; with `one_row` a flat list is one row.

    Raises ValueError for what is no such table, with `what` it is not and `example`, what is to be
    given, and names the first number that is not finite.
    """
    array_NX = array_of(name, values)
    if one_row and array_NX.ndim == 1 and len(array_NX):
        array_NX = array_NX[None]
    if array_NX.dtype.kind not in "iuf" or array_NX.ndim != 2 or not array_NX.shape[1]:
        raise ValueError(
            f"{name} of shape {array_NX.shape} and type {array_NX.dtype} are no {what}: give "
            f"{example}."
        )
    array_NX = array_NX.astype(np.float64)
    if not np.isfinite(array_NX).all():
        raise ValueError(
            f"{name} hold {array_NX[~np.isfinite(array_NX)][0]}: give numbers that are finite."
        )
    return array_NX


def refuse_other_shape(name: str, array: np.ndarray, other_name: str, other: np.ndarray) -> None:
    """Raises ValueError where the shapes differ."""
    if array.shape != other.shape:
        raise ValueError(
            f"{name} of shape {array.shape} came with {other_name} of shape {other.shape}: "
            f"give one of each for every position, in the same order."
        )


def array_of(name: str, values: Any) -> np.ndarray:
    """`values` as one NumPy array; tensors are brought to the CPU.

    Raises ValueError for None, for a masked array that hides a value, and for rows of unequal
    length.
    """
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} are a masked array, and hidden values would be counted: give those that are "
            f"to count alone, {name}.compressed()."
        )
    if values is None:
        raise ValueError(f"{name} are missing: give them with the others.")
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # which NumPy does not know
            values = values.float()
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{name} are rows of unequal length: flatten them, "
            f"for instance [value for row in {name} for value in row]."
        ) from None


def _first_that_is_no(wanted: type, array: np.ndarray) -> Any:
    """The first value of another type; in an array of one type, such as floats, its first value."""
    if array.dtype != object:
        return array.flat[0].item()
    return next((value for value in array.flat if type(value) is not wanted), array.flat[0])
