"""Scripts that import the modules beside them, as a program that runs one does."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def script_modules(folder: Path, *names: str) -> Iterator[list[ModuleType]]:
    """The modules of those names in the folder, which are forgotten afterwards with all beside."""
    sys.path.insert(0, str(folder))
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(folder))
        for path in folder.glob("*.py"):
            sys.modules.pop(path.stem, None)
