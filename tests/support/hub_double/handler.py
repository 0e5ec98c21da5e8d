"""How a Hub answers: the routes that huggingface_hub, datasets, evaluate and transformers use."""

import base64
import json
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_double.store import Files, Repo, entry, is_large, oid

if TYPE_CHECKING:
    from hub_double import HubDouble

TOKEN, READER_TOKEN, USER = "hf_loopback", "hf_reader", "owner"
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}
RESOLVE = re.compile(r"/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
LFS_BATCH = re.compile(r"/(?:(?:datasets|spaces)/)?[^/]+/[^/]+\.git/info/lfs/objects/batch")
API = re.compile(r"/api/(models|datasets|spaces)/([^/]+/[^/]+)(?:/([^/]*)/?(.*))?")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which would wait 40 ms between headers and content
    server: "HubDouble"

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self.respond()

    do_HEAD = do_POST = do_PUT = do_GET

    def respond(self) -> None:
        path = unquote(urlsplit(self.path).path)
        fault = self.server.fault(f"{self.command} {path}")
        if fault is not None and fault.content is not None:
            return self.odd(fault.content, fault.status or 200, fault.headers)
        threading.Event().wait(fault.silence if fault else 0)  # tests do without sleep
        self.breaks = fault is not None and fault.status is None
        if fault is not None and self.breaks and self.command != "GET" and not fault.late:
            self.rfile.read(int(self.headers.get("Content-Length", 0)) // 2)
            return self.break_off()
        body = self.body()
        if fault is not None and fault.status is not None:
            return self.json({"error": f"fault {fault.status}"}, fault.status, fault.headers)
        for pattern, answer in (
            (RESOLVE, self.resolve),
            (LFS_BATCH, self.lfs_batch),
            (API, self.api),
        ):
            if match := pattern.fullmatch(path):
                return answer(body, *match.groups())
        if self.command == "PUT" and path.startswith("/large/"):
            self.server.large[path.removeprefix("/large/")] = body
            return self.json({})
        if path == "/api/validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if path == "/api/whoami-v2":
            return self.whoami()
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        return self.json({"error": "Not Found"}, 404)

    # Who asks.

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def refuses_token(self, *, writes: bool) -> bool:
        """Whether the token is no good for that; then the answer has been given."""
        if self.token not in (TOKEN, READER_TOKEN) and (self.token or writes):
            message = "Invalid credentials in Authorization header"
            self.json({"error": message}, 401, {"X-Error-Message": message})
            return True
        if writes and self.token == READER_TOKEN:
            self.json({"error": "no write access"}, 403, {"X-Error-Message": "no write access"})
            return True
        return False

    def whoami(self) -> None:
        if not self.refuses_token(writes=self.token == ""):
            self.json({"name": USER, "type": "user", "auth": {"type": "access_token"}})

    # What they ask.

    def create(self, asked: dict[str, Any]) -> None:
        if self.refuses_token(writes=True):
            return
        kind, owner = asked.get("type") or "model", asked.get("organization") or USER
        repo_id = f"{owner}/{asked['name']}"
        if owner != USER:
            return self.json({"error": f"no rights to {owner}"}, 403)
        url = f"{self.server.url}/{repo_id}"
        with self.server.lock:
            if (kind, repo_id) in self.server.repos:
                return self.json({"error": "You already created this repo", "url": url}, 409)
            private = asked.get("private") or asked.get("visibility") == "private"
            repo = self.server.add(kind, repo_id, {".gitattributes": b""}, private=bool(private))
            repo.sdk = asked.get("sdk")
        self.json({"url": url})

    def api(
        self, body: bytes, kinds: str, repo_id: str, action: str | None, detail: str | None
    ) -> None:
        if self.refuses_token(writes=action in ("commit", "preupload", "settings")):
            return
        repo = self.find(KINDS[kinds], repo_id)
        if repo is None:
            return
        if action == "settings":
            repo.private = json.loads(body).get("visibility") == "private"
            return self.json({})
        if action == "refs":
            branches = {"main": repo.commits[-1][0], **repo.branches}
            heads, tags = _refs("heads", branches), _refs("tags", repo.tags)
            return self.json({"branches": heads, "tags": tags, "converts": []})
        revision, _, folder = (detail or "main").partition("/")
        found = repo.at(revision)
        if found is None:
            return self.missing("RevisionNotFound")
        sha, files = found
        answers = {
            None: lambda: self.info(repo, sha, files),
            "revision": lambda: self.info(repo, sha, files),
            "tree": lambda: self.tree(sha, files, folder),
            "paths-info": lambda: self.paths_info(body, files),
            "preupload": lambda: self.preupload(json.loads(body), files),
            "commit": lambda: self.commit(repo, [json.loads(line) for line in body.splitlines()]),
        }
        answers.get(action, lambda: self.json({"error": "Not Found"}, 404))()

    def info(self, repo: Repo, sha: str, files: Files) -> None:
        self.json(
            {
                "id": repo.id,
                "modelId": repo.id,
                "author": repo.id.partition("/")[0],
                "sha": sha,
                "private": repo.private,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "lastModified": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path} for path in files],
            }
        )

    def tree(self, sha: str, files: Files, folder: str) -> None:
        prefix = f"{folder}/" if folder else ""
        inside = {path: files[path] for path in files if path.startswith(prefix)}
        if folder and not inside:
            return self.missing("EntryNotFound", sha)
        deep = parse_qs(urlsplit(self.path).query).get("recursive", [""])[0].lower() == "true"
        entries, folders = [], set()
        for path, content in inside.items():
            *above, _ = path.removeprefix(prefix).split("/")
            folders |= {prefix + "/".join(above[: n + 1]) for n in range(len(above))}
            if deep or not above:
                entries.append(entry(path, content))
        shown = folders if deep else {path for path in folders if "/" not in path[len(prefix) :]}
        trees = [{"type": "directory", "path": p, "size": 0, "oid": "0" * 40} for p in shown]
        self.json(entries + sorted(trees, key=lambda found: found["path"]))

    def paths_info(self, body: bytes, files: Files) -> None:
        is_json = "json" in self.headers.get("Content-Type", "")
        asked = json.loads(body) if is_json else parse_qs(body.decode())
        self.json([entry(path, files[path]) for path in asked["paths"] if path in files])

    def preupload(self, asked: dict[str, Any], files: Files) -> None:
        answers = []
        for path in (file["path"] for file in asked["files"]):
            mode = "lfs" if is_large(path) else "regular"
            there = oid(path, files[path]) if path in files else None
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": there})
        self.json({"files": answers})

    def lfs_batch(self, body: bytes) -> None:
        if self.refuses_token(writes=True):
            return
        objects = []
        for asked in json.loads(body)["objects"]:
            upload = {"upload": {"href": f"{self.server.url}/large/{asked['oid']}"}}
            known = asked["oid"] in self.server.large
            objects.append(asked if known else asked | {"actions": upload})
        self.json({"transfer": "basic", "objects": objects})

    def commit(self, repo: Repo, operations: list[dict[str, Any]]) -> None:
        files = dict(repo.files)
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
            elif operation["key"] == "deletedFile":
                del files[value["path"]]
        with self.server.lock:
            sha = repo.commit(files)
        self.json({"commitOid": sha, "commitUrl": f"{self.server.url}/{repo.id}/commit/{sha}"})

    def resolve(self, _: bytes, kinds: str | None, repo_id: str, revision: str, path: str) -> None:
        if self.refuses_token(writes=False):
            return
        repo = self.find(KINDS[kinds or "models"], repo_id)
        if repo is None:
            return
        found = repo.at(revision)
        if found is None:
            return self.missing("RevisionNotFound")
        sha, files = found
        if path not in files:
            return self.missing("EntryNotFound", sha)
        content, status = files[path], 200
        headers = {"X-Repo-Commit": sha, "ETag": f'"{oid(path, content)}"'}
        headers["Accept-Ranges"] = "bytes"
        if is_large(path):
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(len(content))}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and self.command == "GET":
            self.server.ranges.append(f"{path} {asked[0]}")
            start, end = int(asked[1]), int(asked[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            content, status = content[start : end + 1], 206
        self.send(content, status, headers | {"Content-Type": "application/octet-stream"})

    # How they are answered.

    def find(self, kind: str, repo_id: str) -> Repo | None:
        """The repository, if this token may see it; else the answer has been given."""
        repo = self.server.repos.get((kind, repo_id))
        if repo is None or (repo.private and not self.token):
            return self.missing("RepoNotFound")
        return repo

    def missing(self, code: str, sha: str | None = None) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code}
        self.json({"error": code}, 404, headers | ({"X-Repo-Commit": sha} if sha else {}))

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(content).encode()
        self.send(text, status, {"Content-Type": "application/json"} | (headers or {}))

    def send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if self.breaks else content)
        if self.breaks:
            self.break_off()

    def odd(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.breaks = False
        self.body()
        self.send(content, status, {"Content-Type": "application/json"} | headers)

    def break_off(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _refs(kind: str, commits: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit}
        for name, commit in commits.items()
    ]
