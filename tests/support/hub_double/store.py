"""What a Hub holds: repositories with commits, and how it names their files."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

LARGE = (".safetensors", ".parquet", ".png", ".bin")

Files = dict[str, bytes]


@dataclass
class Repo:
    """One repository: a list of commits, each with all of its files."""

    kind: str
    id: str
    private: bool
    sdk: str | None
    commits: list[tuple[str, Files]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    """Commits by the names of tags."""
    branches: dict[str, str] = field(default_factory=dict)
    """Commits by the names of branches other than main."""

    def commit(self, files: Files) -> str:
        digest = hashlib.sha1(f"{self.kind}/{self.id}/{len(self.commits)}".encode()).hexdigest()
        self.commits.append((digest, files))
        return digest

    @property
    def files(self) -> Files:
        return self.commits[-1][1]

    def at(self, revision: str) -> tuple[str, Files] | None:
        if revision in ("main", "HEAD"):
            return self.commits[-1]
        revision = {**self.tags, **self.branches}.get(revision, revision)
        return next((commit for commit in self.commits if commit[0] == revision), None)


def is_large(path: str) -> bool:
    return path.endswith(LARGE)


def oid(path: str, content: bytes) -> str:
    if is_large(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def entry(path: str, content: bytes) -> dict[str, Any]:
    found = {"type": "file", "path": path, "size": len(content), "oid": oid(path, content)}
    if is_large(path):
        found["lfs"] = {"oid": found["oid"], "size": len(content), "pointerSize": 130}
    return found
