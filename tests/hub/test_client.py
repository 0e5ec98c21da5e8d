"""Laws of publishing: all of it or nothing, nothing twice, and a sentence for what went wrong."""

import re
import socket

import pytest
from finished import CHECKPOINT, WEIGHTS
from hub_double import READER_TOKEN, TOKEN
from huggingface_hub import HfApi, close_session, get_session

from hf_apt.hub import client as our_hub
from hf_apt.hub.publication import Publication, card_publication
from hf_apt.hub.publication import checkpoint_publication as parcel_of

REPO = "owner/bert-6"
CARD = {"README.md": b"---\nlicense: mit\n---\n# Card\n", "figures/confusion.png": b"png" * 999}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def api(hub):
    return HfApi(endpoint=hub.url, token=TOKEN)


@pytest.fixture
def publication(finished_run):
    return parcel_of(finished_run, CARD)


def contents(publication: Publication) -> dict[str, bytes]:
    return {
        name: content if isinstance(content, bytes) else content.read_bytes()
        for name, content in publication.files.items()
    }


def nothing_of(hub, repo: str = REPO) -> bool:
    """Whether the repository, if it is there, holds nothing but what it was made with."""
    return all(set(held.files) <= {".gitattributes"} for held in hub.repos.values())


def refusal(api, publication, repo: str = REPO, **options) -> str:
    with pytest.raises(ValueError, match=r"\w") as caught:
        our_hub.publish(api, repo, publication, **options)
    return str(caught.value)


# What is sent.


def test_the_first_time_all_of_it_is_sent_in_one_commit_to_a_private_repository(
    hub, api, publication
):
    done = our_hub.publish(api, REPO, publication)
    repo = hub.repo(REPO)
    assert repo.private
    assert len(repo.commits) == 2  # the empty one of its making, and ours
    assert repo.files == contents(publication) | {".gitattributes": b""}
    assert done.is_new
    assert done.is_private
    assert (done.url, done.revision) == (f"{hub.url}/{REPO}", repo.commits[-1][0])


def test_a_repetition_sends_nothing(hub, api, publication):
    first = our_hub.publish(api, REPO, publication)
    seen = len(hub.requests)
    again = our_hub.publish(api, REPO, publication)
    assert not again.is_new
    assert again.revision == first.revision
    assert not [r for r in hub.requests[seen:] if r.startswith("PUT") or "/commit/" in r]


def test_only_what_changed_is_sent(hub, api, publication, finished_run):
    our_hub.publish(api, REPO, publication)
    seen = len(hub.requests)
    done = our_hub.publish(api, REPO, parcel_of(finished_run, CARD | {"README.md": b"# New\n"}))
    assert done.is_new
    assert hub.repo(REPO).files["README.md"] == b"# New\n"
    assert hub.repo(REPO).files["model.safetensors"] == WEIGHTS
    assert not [request for request in hub.requests[seen:] if request.startswith("PUT")]


def test_what_others_put_into_the_repository_stays(hub, api, publication):
    hub.add("model", REPO, {"theirs.txt": b"theirs"}, private=True)
    our_hub.publish(api, REPO, publication)
    assert hub.repo(REPO).files["theirs.txt"] == b"theirs"
    assert hub.repo(REPO).files["model.safetensors"] == WEIGHTS


def test_a_metric_becomes_a_static_space(hub, api):
    metric = Publication("space", {"apt.py": b"code\n", "README.md": b"---\nsdk: static\n---\n"})
    done = our_hub.publish(api, "owner/apt", metric)
    space = hub.repo("owner/apt", "space")
    assert (space.sdk, space.private) == ("static", True)
    assert done.url == f"{hub.url}/spaces/owner/apt"
    assert our_hub.repo_of(api, "apt") == "owner/apt"


# Who may see it.


def test_a_repository_is_opened_after_all_is_in_it(hub, api, publication):
    done = our_hub.publish(api, REPO, publication, public=True)
    assert not hub.repo(REPO).private
    assert not done.is_private
    commit, opened = (hub.asked(pattern) for pattern in ("POST .*/commit/", "PUT .*/settings"))
    assert hub.requests.index(commit[0]) < hub.requests.index(opened[0])


def test_nothing_goes_to_a_public_repository_unasked(hub, api, publication):
    hub.add("model", REPO, {})
    sentence = refusal(api, publication)
    assert sentence == f"{REPO} is there and public: add --public to send to it."
    assert hub.repo(REPO).files == {}
    assert our_hub.publish(api, REPO, publication, public=True).is_new


def test_a_repository_that_could_not_be_opened_says_so(hub, api, publication):
    hub.fail("PUT .*/settings", 500, times=9)
    sentence = refusal(api, publication, public=True)
    assert "answered 500" in sentence
    assert f"all files are in {REPO}, which is still private" in sentence
    hub.heal()
    assert not our_hub.publish(api, REPO, publication, public=True).is_new
    assert not hub.repo(REPO).private


# A card alone.


def test_a_card_is_renewed_beside_its_own_weights(hub, api, publication, finished_run):
    our_hub.publish(api, REPO, publication)
    card = card_publication(finished_run, CARD | {"README.md": b"# Another\n"})
    assert "model.safetensors" not in card.files
    our_hub.publish(api, REPO, card)
    assert hub.repo(REPO).files["README.md"] == b"# Another\n"
    assert set(hub.repo(REPO).files) == {*contents(publication), ".gitattributes"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (None, f"there is no {REPO} that this token may see (404); nothing was sent."),
        ({}, f"{REPO} holds no checkpoint yet: `hf-apt publish checkpoint` sends one; nothing"),
        ({"model.safetensors": b"other"}, f"{REPO} holds other weights than those that this run"),
    ],
)
def test_a_card_goes_nowhere_else(hub, api, finished_run, files, said):
    if files is not None:
        hub.add("model", REPO, files, private=True)
    assert refusal(api, card_publication(finished_run, CARD)).startswith(said)
    assert not hub.asked("POST .*/repos/create")
    assert not hub.asked("POST .*/commit/")


# What goes wrong.


@pytest.mark.parametrize(
    ("token", "repo", "said"),
    [
        ("hf_wrong", REPO, "the Hub does not know this token (401)"),
        (READER_TOKEN, REPO, f"this token may not write to {REPO} (403)"),
        (TOKEN, "others/bert-6", "this token may not write to others/bert-6 (403)"),
    ],
)
def test_a_refused_token_is_a_sentence(hub, publication, token, repo, said):
    sentence = refusal(HfApi(endpoint=hub.url, token=token), publication, repo)
    assert sentence.startswith(said)
    assert sentence.endswith("; nothing was sent.")
    assert token not in sentence
    assert not hub.repos


def test_without_a_token_nobody_is_asked(hub, publication, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    sentence = refusal(HfApi(endpoint=hub.url), publication)
    assert "`hf auth login`" in sentence
    assert "HF_TOKEN" in sentence
    assert not [request for request in hub.requests if "repos" in request]


def test_a_hub_that_is_not_there_is_a_sentence(hub, publication):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    sentence = refusal(HfApi(endpoint=nowhere, token=TOKEN), publication)
    assert sentence.startswith(f"the connection to {nowhere} failed")
    assert sentence.endswith("; nothing was sent. The same command goes on from here.")


def test_offline_mode_is_named(hub, api, publication, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refusal(api, publication)


STEPS = (
    "POST /api/repos/create",
    "GET /api/models/",
    "POST /api/validate-yaml",
    "POST .*/preupload/",
    "POST .*/objects/batch",
    "PUT /large/",
    "POST .*/commit/",
)


@pytest.mark.parametrize("status", [503, 429, None])
@pytest.mark.parametrize("step", STEPS)
def test_what_fails_twice_and_then_works_is_published(hub, api, publication, step, status):
    if status is None and step.startswith("GET"):
        status = 502
    hub.fail(step, status, times=2)
    our_hub.publish(api, REPO, publication)
    assert hub.repo(REPO).files == contents(publication) | {".gitattributes": b""}
    assert len(hub.repo(REPO).commits) == 2


@pytest.mark.parametrize("step", STEPS)
def test_what_fails_for_good_leaves_nothing_half_published(hub, api, publication, step):
    hub.fail(step, 503, times=99)
    sentence = refusal(api, publication)
    assert sentence.startswith("the Hub answered 503")
    assert sentence.endswith(
        (
            "; nothing was sent. "
            if step in STEPS[:2]
            else f"; {REPO} is there, without what was to be sent now. "
        )
        + "The same command goes on from here."
    )
    assert nothing_of(hub)
    hub.heal()
    our_hub.publish(api, REPO, publication)
    assert hub.repo(REPO).files == contents(publication) | {".gitattributes": b""}


def test_an_interrupted_upload_goes_on_where_it_stopped(hub, api, publication):
    """The figure gets through, the weights break off in the middle, again and again."""
    weights = next(name for name in hub_names(publication) if name[1] == "model.safetensors")[0]
    hub.fail(f"PUT /large/{weights}", times=99)
    sentence = refusal(api, publication)
    assert f"{REPO} is there, without what was to be sent now" in sentence
    assert "The same command goes on from here." in sentence
    assert nothing_of(hub)
    assert len(hub.large) == 1
    hub.heal()
    seen = len(hub.requests)
    our_hub.publish(api, REPO, publication)
    assert [r for r in hub.requests[seen:] if r.startswith("PUT")] == [f"PUT /large/{weights}"]
    assert hub.repo(REPO).files["model.safetensors"] == WEIGHTS


def hub_names(publication: Publication) -> list[tuple[str, str]]:
    from hub_double.store import is_large, oid

    return [
        (oid(name, data), name) for name, data in contents(publication).items() if is_large(name)
    ]


def test_a_commit_whose_answer_was_lost_is_not_made_twice(hub, api, publication):
    hub.fail("POST .*/commit/", late=True)
    our_hub.publish(api, REPO, publication)
    assert len(hub.repo(REPO).commits) == 2
    assert len(hub.asked("POST .*/commit/")) == 1


def test_metadata_that_the_hub_refuses_is_a_sentence(hub, api, publication):
    hub.fail("POST /api/validate-yaml", 400)
    sentence = refusal(api, publication)
    assert sentence.startswith("Invalid metadata in README.md")
    assert sentence.endswith("without what was to be sent now.")
    assert nothing_of(hub)


@pytest.mark.parametrize("repo", ["bert-6", "", "a/b/c", "owner/", "/name", "owner/na me"])
def test_a_repository_is_an_owner_and_a_name(hub, api, publication, repo):
    assert refusal(api, publication, repo) == f"{repo!r} is no repository: give it as OWNER/NAME."
    assert not hub.requests


@pytest.mark.parametrize(
    "repo", ["../x", "a/..", "./..", "./x", "a/.", "a--b/c", "-a/b", "a/b.git"]
)
def test_a_repository_is_no_path(hub, api, publication, repo):
    assert "give it as OWNER/NAME." in refusal(api, publication, repo)
    assert not hub.requests


@pytest.mark.parametrize("status", [409, 412])
def test_somebody_else_who_commits_is_waited_for(hub, api, publication, status):
    hub.fail("POST .*/commit/", status, times=2)
    our_hub.publish(api, REPO, publication)
    hub.fail("POST .*/commit/", status, times=99)
    other = Publication("model", publication.files | {"README.md": b"# New\n"})
    sentence = refusal(api, other)
    assert f"somebody else writes to {REPO} at the same time ({status})" in sentence
    assert sentence.endswith("The same command goes on from here.")


@pytest.mark.parametrize(
    ("asked", "low", "high"), [("20", 20, 20), ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0), ("x", 1, 3)]
)
def test_the_wait_that_the_hub_asks_for_is_kept(
    hub, api, publication, monkeypatch, asked, low, high
):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    hub.fail("GET /api/models/", 429, headers={"Retry-After": asked}, times=1)
    hub.fail("POST /api/repos/create", 503, headers={"Retry-After": asked}, times=1)
    our_hub.publish(api, REPO, publication)
    assert waits
    assert all(low <= wait <= high for wait in waits)


def test_a_wait_that_is_too_long_is_told(hub, api, publication):
    hub.fail("POST /api/repos/create", 429, headers={"Retry-After": "3600"}, times=99)
    sentence = refusal(api, publication)
    assert sentence.startswith("the Hub answered 429 and asks to wait 3600 seconds")
    assert sentence.endswith("The same command goes on from here.")
    assert len(hub.asked("POST /api/repos/create")) == 1


@pytest.mark.parametrize("step", ["POST /api/repos/create", "POST .*/commit/"])
def test_a_hub_that_never_answers_is_given_up(hub, api, publication, monkeypatch, step):
    monkeypatch.setattr(our_hub, "SILENCE_LIMIT", 0.2)
    hub.fail(step, silence=2, times=99)
    sentence = refusal(api, publication)
    assert f"the connection to {hub.url} failed" in sentence
    assert sentence.endswith("The same command goes on from here.")


@pytest.mark.parametrize("content", [b"{}", b"[]", b"null", b"3", b"no json", b"\xff"])
@pytest.mark.parametrize("step", ["POST /api/repos/create", "GET /api/models/", "POST .*/commit/"])
def test_an_answer_of_another_form_is_a_sentence(hub, api, publication, step, content):
    hub.fail(step, content=content, times=99)
    sentence = refusal(api, publication)
    assert len(sentence.splitlines()) == 1
    assert sentence.startswith(f"{hub.url} gave an answer that is none of the Hub's")
    assert "nothing was sent" in sentence or f"{REPO} is there, without" in sentence
    assert nothing_of(hub)


def test_an_answer_that_names_no_user_is_a_sentence(hub, api):
    hub.fail("GET /api/whoami-v2", content=b"[]", times=99)
    with pytest.raises(ValueError, match="none of the Hub's .*names no user.*; nothing was sent"):
        our_hub.repo_of(api, "apt")


@pytest.mark.parametrize("kind", [TypeError, KeyError, AttributeError, RuntimeError])
def test_a_mistake_of_our_own_is_no_answer_of_the_hub(hub, api, publication, monkeypatch, kind):
    mistake = kind("ours")

    def mistaken(*_):
        raise mistake

    monkeypatch.setattr(our_hub, "_commit", mistaken)
    with pytest.raises(kind) as caught:
        our_hub.publish(api, REPO, publication)
    assert caught.value is mistake


# The session of the program around.


@pytest.fixture
def users_sessions(monkeypatch):
    """The sessions that a factory of the user's made, the later ones last."""
    from huggingface_hub.utils import _http

    made = []

    def factory():
        made.append(_http.default_client_factory())
        made[-1].headers["X-Mine"] = "mine"
        return made[-1]

    monkeypatch.setattr(_http, "_GLOBAL_CLIENT_FACTORY", factory)
    close_session()
    yield made
    close_session()


def test_the_session_of_the_program_is_used_and_given_back(hub, api, publication, users_sessions):
    session = get_session()
    our_hub.publish(api, REPO, publication)
    assert get_session() is session
    assert users_sessions == [session]
    assert session.timeout.read is None
    close_session()
    assert get_session().headers["X-Mine"] == "mine"


@pytest.mark.parametrize(
    ("variable", "own", "limit"), [(None, None, 60.0), ("7", None, 7.0), ("7", 5.0, 5.0)]
)
def test_silence_is_limited_as_the_user_says(
    api, users_sessions, monkeypatch, variable, own, limit
):
    if variable is not None:
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", variable)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", int(variable))
    get_session().timeout = own
    seen = []

    def whoami():
        seen.append(get_session().timeout.read)
        return {"name": "owner"}

    monkeypatch.setattr(api, "whoami", whoami)
    assert our_hub.repo_of(api, "apt") == "owner/apt"
    assert seen == [limit]
    assert get_session().timeout.read == own


def test_a_secret_goes_nowhere(hub, api, publication):
    leaking = Publication("model", publication.files | {"README.md": f"token {TOKEN}".encode()})
    assert "README.md holds what looks like a token" in refusal(api, leaking)
    assert not hub.requests


# What comes back.


def test_downloads_resume_are_cached_and_keep_their_revision(
    hub, api, publication, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 4096)
    first = our_hub.publish(api, REPO, publication).revision

    def fetch(**options) -> bytes:
        path = api.hf_hub_download(REPO, "model.safetensors", cache_dir=tmp_path, **options)
        with open(path, "rb") as file:
            return file.read()

    hub.fail("GET .*/model.safetensors")  # half of it, then the connection breaks
    assert fetch() == WEIGHTS
    (requested,) = hub.ranges
    start = int(re.fullmatch(r"model.safetensors bytes=(\d+)-", requested)[1])
    assert 0 < start <= len(WEIGHTS) // 2
    seen = len(hub.requests)
    assert fetch() == WEIGHTS
    assert hub.requests[seen:] == [f"HEAD /{REPO}/resolve/main/model.safetensors"]
    hub.repo(REPO).commit(hub.repo(REPO).files | {"model.safetensors": b"other"})
    assert fetch() == b"other"
    seen = len(hub.requests)
    assert fetch(revision=first) == WEIGHTS
    assert hub.requests[seen:] == []


def test_all_files_come_back_as_they_were_sent(hub, api, publication, tmp_path):
    our_hub.publish(api, REPO, publication)
    folder = api.snapshot_download(REPO, local_dir=tmp_path)
    for name, content in contents(publication).items():
        assert (tmp_path / name).read_bytes() == content, folder
    assert set(CHECKPOINT) <= set(publication.files)
