"""A Hub on the loopback, as much of it as the real clients ask for, with faults to switch on.

Repositories with commits, git blobs and large files; tokens, private repositories; and, where a
test asks for it, answers that fail and connections that break.
"""

import re
import threading
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer

from hub_double.handler import READER_TOKEN, TOKEN, USER, Handler
from hub_double.store import Files, Repo

__all__ = ["READER_TOKEN", "TOKEN", "USER", "HubDouble"]


@dataclass
class Fault:
    """The next `times` requests whose method and path match: what they meet."""

    pattern: str
    status: int | None
    """The answer; None breaks the connection."""
    times: int
    late: bool
    """Whether the request has its effect all the same, and only the answer is lost."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the answer, `Retry-After` for one."""
    content: bytes | None = None
    """The answer's body, of status 200 without `status`."""
    silence: float = 0
    """Seconds without an answer; then the connection breaks."""


class HubDouble(ThreadingHTTPServer):
    """The server; `with HubDouble() as hub` runs it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.repos: dict[tuple[str, str], Repo] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()

    def __enter__(self) -> "HubDouble":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that went away is no news."""

    def add(self, kind: str, repo_id: str, files: Files, *, private: bool = False) -> Repo:
        repo = self.repos[kind, repo_id] = Repo(kind, repo_id, private, None)
        repo.commit(files)
        return repo

    def repo(self, repo_id: str, kind: str = "model") -> Repo:
        return self.repos[kind, repo_id]

    def fail(
        self,
        pattern: str,
        status: int | None = None,
        *,
        times: int = 1,
        late: bool = False,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        silence: float = 0,
    ) -> None:
        """Let requests such as "POST .*/commit/" fail: see `Fault`."""
        self.faults.append(Fault(pattern, status, times, late, headers or {}, content, silence))

    def heal(self) -> None:
        """No faults any more."""
        self.faults.clear()

    def asked(self, pattern: str) -> list[str]:
        """The requests so far, as "METHOD path", that match."""
        return [request for request in self.requests if re.match(pattern, request)]

    def fault(self, request: str) -> Fault | None:
        """The fault that this request is to meet; it is used up."""
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times > 0 and re.match(fault.pattern, request):
                    fault.times -= 1
                    return fault
        return None
