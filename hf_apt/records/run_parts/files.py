"""A run's folder, and how its files are read and written: whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hf_apt.atomic import writing
from hf_apt.reading import read_json


@dataclass(frozen=True, init=False)
class RunFiles:
    """A run's folder, and the kinds of files in it, whatever they mean."""

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
