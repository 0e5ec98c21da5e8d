"""Publishing: the one module that writes to the Hub. Repeating a call finishes what is missing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from json import JSONDecodeError
from types import TracebackType
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_session, get_token
from huggingface_hub import errors as hub_errors
from huggingface_hub.utils import validate_repo_id

from hf_apt.hub.publication import Publication, require_no_secret

_WAITS = (1.0, 3.0)
"""Seconds to wait before each repetition of a request that failed for a passing reason."""
LONGEST_WAIT = 60.0
"""Seconds that `Retry-After` may ask for; beyond, the user is told instead."""
SILENCE_LIMIT = 60.0
"""Seconds without a byte after which a request is given up: `HF_HUB_DOWNLOAD_TIMEOUT`, if set."""
_PASSING = (408, 409, 412, 429, 500, 502, 503, 504)
_HTTP_ERROR = hub_errors.HTTPError  # pyright: ignore[reportPrivateImportUsage]
"""The root of the errors of whichever HTTP library huggingface_hub uses."""
_OF_ODD_ANSWERS = (
    *(KeyError, TypeError, IndexError, AttributeError, RecursionError),
    *(JSONDecodeError, UnicodeDecodeError),
)
"""What comes of an answer of another form than the Hub's, where one of `_CLIENTS` reads it."""
_CLIENTS = ("huggingface_hub", _HTTP_ERROR.__module__.partition(".")[0])
_DECODERS = ("json", "codecs", "encodings")
"""Modules of Python in which an answer is read for one of `_CLIENTS`."""
_CONTINUE = "The same command goes on from here."

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Published:
    """What a publication left on the Hub."""

    url: str
    """Address of the repository's page."""

    revision: str
    """The commit that holds the files: `revision=` pins it."""

    is_new: bool
    """Whether there was anything to send; if not, the commit is an older one."""

    is_private: bool
    """Whether the repository is private."""


def client() -> HfApi:
    """The Hub that `HF_ENDPOINT` names (huggingface.co otherwise), with the user's token."""
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="hf_apt")


def repo_of(api: HfApi, name: str) -> str:
    """`<user>/<name>` for the user whose token it is."""
    with _saying(api, name, "nothing was sent"):
        _require_token(api)
        return f"{_user_name(_again(api.whoami))}/{name}"


def require_repo_name(repo: str, name: str | None = None) -> None:
    """Raise ValueError unless `repo` is owner/name (and the name is `name`, where given)."""
    sentence = f"{repo!r} is no repository: give it as OWNER/NAME."
    owner, slash, _ = repo.partition("/")
    try:
        validate_repo_id(repo)
        validate_repo_id(owner)
    except ValueError as error:
        raise ValueError(sentence) from error
    if not slash:
        raise ValueError(sentence)
    if name is not None and repo.partition("/")[2] != name:
        raise ValueError(
            f"evaluate looks for {name}.py in a Space called {name}: "
            f"give {repo.partition('/')[0]}/{name}."
        )


def publish(api: HfApi, repo: str, publication: Publication, *, public: bool = False) -> Published:
    """Send `publication` to the repository `repo`, which is made if it is not there, in one commit.

    A new repository is private. It is opened only for `public`, after all files are in it; to one
    that is public already nothing is sent without `public`. Files that are there already are not
    sent again; if all are, there is no commit.

    Raises ValueError, with what was and was not sent, for a missing or refused token, a name that
    is not OWNER/NAME, a repository that lacks the weights the card is of, a secret in a file, and
    a connection that breaks more than twice.
    """
    require_repo_name(repo)
    require_no_secret(publication, [token_in_use(api)])
    kind = publication.repo_type
    with _saying(api, repo, "nothing was sent"):
        _require_token(api)
        if publication.beside_weights is None:
            sdk = "static" if kind == "space" else None
            _again(
                lambda: api.create_repo(
                    repo, repo_type=kind, private=True, exist_ok=True, space_sdk=sdk
                )
            )
        before = _again(lambda: api.repo_info(repo, repo_type=kind))
        if publication.beside_weights is not None:
            _require_weights(api, repo, publication.beside_weights)
    if not before.private and not public:
        raise ValueError(f"{repo} is there and public: add --public to send to it.")
    with _saying(api, repo, f"{repo} is there, without what was to be sent now"):
        commit = _again(lambda: _commit(api, repo, publication))
    if before.private and public:
        with _saying(api, repo, f"all files are in {repo}, which is still private"):
            _again(lambda: api.update_repo_settings(repo, repo_type=kind, private=False))
    return Published(
        url=f"{api.endpoint}/{'spaces/' if kind == 'space' else ''}{repo}",
        revision=commit.oid,
        is_new=commit.oid != before.sha,
        is_private=not public,
    )


def token_in_use(api: HfApi) -> str | None:
    """The token that requests carry, if any."""
    return api.token if isinstance(api.token, str) else get_token()


def _user_name(answer: Any) -> str:
    """The name that the Hub gave of the token's user. Raises _OddAnswerError if it gave none."""
    name = answer.get("name") if isinstance(answer, dict) else None
    if not isinstance(name, str):
        raise _OddAnswerError("it names no user")
    return name


def _commit(api: HfApi, repo: str, publication: Publication) -> Any:
    operations = [
        CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
        for name, content in publication.files.items()
    ]
    return api.create_commit(
        repo, operations, commit_message="Published by hf_apt", repo_type=publication.repo_type
    )


def _require_token(api: HfApi) -> None:
    if not token_in_use(api):
        raise ValueError(
            "there is no token of the Hub: log in with `hf auth login`, or set HF_TOKEN to one "
            "with write access"
        )


def _require_weights(api: HfApi, repo: str, weights: str) -> None:
    files = _again(lambda: api.get_paths_info(repo, ["model.safetensors"]))
    if not files:
        raise ValueError(f"{repo} holds no checkpoint yet: `hf-apt publish checkpoint` sends one")
    large = getattr(files[0], "lfs", None)
    if large is None or not large.sha256.startswith(weights):
        raise ValueError(f"{repo} holds other weights than those that this run measured")


def _again(call: Callable[[], Answer]) -> Answer:
    """What `call` returns, repeated after errors that pass.

    A call that failed may have had its effect: every call here can be repeated without harm.
    """
    for wait in _WAITS:
        try:
            with _time_limit():
                return call()
        except _HTTP_ERROR as error:
            asked = _asked_wait(error)
            if not _passes(error) or (asked is not None and asked > LONGEST_WAIT):
                raise
        time.sleep(wait if asked is None else asked)
    with _time_limit():
        return call()


def _asked_wait(error: BaseException) -> float | None:
    """Seconds that the answer's `Retry-After` asks for, given as such or as a date, if it does."""
    value = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


@contextmanager
def _time_limit() -> Iterator[None]:
    """Within the block, a request of huggingface_hub is given up after so long a silence.

    The session is the one that the program uses, and gets its own limits back; one that has a limit
    for reading keeps it. A session that huggingface_hub replaces within the block has none.
    """
    session = get_session()
    limits = session.timeout
    if limits.read is None:
        session.timeout = _silence_limit()
    try:
        yield
    finally:
        session.timeout = limits


def _silence_limit() -> float:
    if os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT"):
        return constants.HF_HUB_DOWNLOAD_TIMEOUT
    return SILENCE_LIMIT


class _OddAnswerError(Exception):
    """An answer of another form than the Hub's."""


@contextmanager
def _saying(api: HfApi, repo: str, state: str) -> Iterator[None]:
    """Within the block, an error of the Hub or the way there is a sentence, followed by `state`."""
    try:
        yield
    except (_OddAnswerError, *_OF_ODD_ANSWERS) as error:
        if not (isinstance(error, _OddAnswerError) or _is_of_clients(error.__traceback__)):
            raise
        raise ValueError(
            f"{api.endpoint} gave an answer that is none of the Hub's ({type(error).__name__}: "
            f"{error}); {state}. Look whether HF_ENDPOINT is right."
        ) from error
    except (ConnectionError, RuntimeError, ValueError, _HTTP_ERROR) as error:
        if isinstance(error, RuntimeError) and not _is_of_clients(error.__traceback__):
            raise
        # An upload that breaks off is a RuntimeError about its file, with the reason as its cause.
        cause = error
        while isinstance(cause, RuntimeError) and cause.__cause__ is not None:
            cause = cause.__cause__
        ends = f"; {state}." + (f" {_CONTINUE}" if _passes(cause) else "")
        raise ValueError(_reason(cause, api, repo) + ends) from error


def _is_of_clients(traceback: TracebackType | None) -> bool:
    """Whether an error was raised in huggingface_hub or its HTTP library, not in code of ours."""
    raised_in = ""
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "").partition(".")[0]
        if module not in _DECODERS:
            raised_in = module
        traceback = traceback.tb_next
    return raised_in in _CLIENTS


def _reason(error: BaseException, api: HfApi, repo: str) -> str:
    status = _status(error)
    if isinstance(error, hub_errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set, which forbids reaching the Hub"
    if isinstance(error, hub_errors.RepositoryNotFoundError) or status == 404:
        return f"there is no {repo} that this token may see ({status})"
    if status == 401:
        return "the Hub does not know this token (401): log in again with `hf auth login`"
    if status == 403:
        return f"this token may not write to {repo} (403)"
    asked = _asked_wait(error)
    if status is not None and asked is not None and asked > LONGEST_WAIT:
        return f"the Hub answered {status} and asks to wait {asked:.0f} seconds"
    if status in (409, 412):
        return f"somebody else writes to {repo} at the same time ({status})"
    if status is not None:
        said = getattr(error, "server_message", None)
        return f"the Hub answered {status}" + (f", {said}" if said else "")
    if isinstance(error, _HTTP_ERROR):
        return f"the connection to {api.endpoint} failed ({error})"
    return str(error).rstrip(".")


def _passes(error: BaseException) -> bool:
    """Whether an error may be gone the next time: no connection, or a fault of the Hub."""
    return isinstance(error, _HTTP_ERROR) and _status(error) in (None, *_PASSING)


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)
