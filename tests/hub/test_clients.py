"""The whole way over real HTTP, by the real clients: from a data set of the Hub to a loaded model.

Two processes (tests/support/workers) take part: a user who trains, publishes and loads, and a
stranger who has no hf_apt. What they found, and what the server was asked for, is looked at here.
"""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hub_double import TOKEN, HubDouble

pytestmark = pytest.mark.slow


WORKERS = Path(__file__).parents[1] / "support/workers"
MODEL = "owner/bert-6-tiny"


@dataclass
class RoundTrip:
    hub: HubDouble
    folder: Path
    documents: list[str]
    user: dict[str, Any]
    stranger: dict[str, Any]

    def requests(self, step: str) -> list[str]:
        """What the server was asked for between that mark and the next."""
        parts, name = {}, ""
        for request in self.hub.requests:
            if "/api/mark/" in request:
                name = request.rpartition("/")[2]
            else:
                parts.setdefault(name, []).append(request)
        return parts[step]


@pytest.fixture(scope="module")
def trip(tmp_path_factory):
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 60, (400, 20))
    documents = [" ".join(f"w{number}" for number in row) for row in rows]
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": documents}), parquet)
    folder = tmp_path_factory.mktemp("hub")
    with HubDouble() as hub:
        files = {
            "README.md": b"---\nlicense: mit\n---\n",
            "data/train-0.parquet": parquet.getvalue(),
        }
        hub.add("dataset", "owner/texts", files, private=True)
        run_worker(hub, folder, "hub_user.py", folder)
        first = hub.repo(MODEL).commits[1][0]
        run_worker(hub, folder, "hub_stranger.py", folder, MODEL, first)
        user, stranger = (
            json.loads((folder / name).read_text()) for name in ("found.json", "stranger.json")
        )
        yield RoundTrip(hub, folder, documents, user, stranger)


def run_worker(hub: HubDouble, home: Path, script: str, *arguments: object) -> None:
    kept = {key: os.environ[key] for key in os.environ if not key.startswith(("HF_", "TRANSF"))}
    ours = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home / "hf-home" / script),
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    done = subprocess.run(
        [sys.executable, WORKERS / script, *map(str, arguments)],
        env=kept | ours,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_run_reads_a_data_set_of_the_hub(trip):
    assert trip.user["run"] == 0
    requests = trip.requests("run")
    assert "GET /datasets/owner/texts/resolve/" in " ".join(requests)
    assert trip.user["documents"] == sorted(trip.documents)
    summary = json.loads((trip.folder / "run" / "summary.json").read_text())
    assert summary["corpus"]["name"] == "owner/texts"
    assert summary["corpus"]["num_train_sequences"] > 50


def test_what_is_published_is_what_the_run_holds(trip):
    assert trip.user["publish"] == [0, 0]
    repo = trip.hub.repo(MODEL)
    assert repo.private
    _, files = repo.commits[1]
    for path in (trip.folder / "run" / "checkpoint").glob("[!.]*"):
        assert files[path.name] == path.read_bytes()
    record = json.loads((trip.folder / "run" / "summary.json").read_text())
    record["command"] = record["command"].replace(str(trip.folder / "run"), "run")
    assert json.loads(files["run/summary.json"]) == record
    assert b"owner/texts" in files["README.md"]
    assert not [name for name in files if name.startswith(".eval_results")]
    space = trip.hub.repo("owner/apt", "space")
    assert not space.private
    assert space.sdk == "static"
    assert {"apt.py", "README.md", "requirements.txt"} <= set(space.files)


def test_a_checkpoint_loads_by_its_name_alone(trip):
    assert trip.user["class"] == "hf_apt.models.bert6.modeling_bert6.Bert6ForMaskedLM"
    assert trip.user["same as the run's"]
    weights = [request for request in trip.requests("load") if "model.safetensors" in request]
    assert [request.partition(" ")[0] for request in weights] == ["HEAD", "GET"]


def test_what_is_in_the_cache_is_not_fetched_again(trip):
    assert trip.user["same again"]
    assert not [request for request in trip.requests("again") if "/resolve/" in request]


def test_a_revision_stays_what_it_was(trip):
    assert trip.user["pinned"]
    assert trip.user["latest"]
    assert len(trip.hub.repo(MODEL).commits) == 3
    fetched = [request for request in trip.requests("pin") if request.startswith("GET /owner")]
    assert len(fetched) == 1  # the new weights; the old ones are in the cache


def test_the_three_ways_of_the_card_give_the_same_model(trip):
    assert trip.user["card's first way"]
    assert trip.user["card's tokens"] == ["[PAD]", "[MASK]"]
    assert trip.stranger["remote code"] == {
        "class": ["Bert6ForMaskedLM", "transformers_modules"],
        "same": True,
        "tokens": ["[PAD]", "[MASK]"],
    }
    assert trip.stranger["plain"] == {
        "class": ["BertForMaskedLM", "transformers"],
        "same": True,
        "tokens": ["[PAD]", "[MASK]"],
    }


def test_code_of_a_repository_is_not_run_unasked(trip):
    assert "trust_remote_code=True" in trip.stranger["not trusted"]


def test_the_clients_read_the_cards_results(trip):
    configs = trip.user["card's results"]
    assert set(configs) == {"depth=0", "depth=1", "depth=2"}
    assert len(configs) == 3 * 3 * 2  # depths, readouts, metrics


def test_a_metric_loads_by_its_name_and_by_its_revision(trip):
    assert trip.user["metric"] == [0.5, 0.5]  # (1/2 + 1 + 0) / 3
    sha = trip.hub.repo("owner/apt", "space").commits[-1][0]
    assert f"GET /spaces/owner/apt/resolve/{sha}/apt.py" in trip.requests("evaluate")


def test_a_published_checkpoint_is_measured_by_its_name(trip):
    assert trip.user["measure"] == 0
    summary = json.loads((trip.folder / "measured" / "summary.json").read_text())
    assert summary["model"]["name"] == "BERT-2"  # of two blocks
    assert len(summary["readouts"]["own_head"]) == 3
    assert summary["readouts"]["own_head"][2]["mean_apt"]["pooled"]["num"] > 10


def test_the_trainer_pushes_what_it_trained(trip):
    assert trip.user["trained"]
    assert trip.user["trained is new"]
    repo = trip.hub.repo("owner/trained")
    assert repo.private
    assert {"model.safetensors", "modeling_bert6.py", "README.md"} <= set(repo.files)


def test_what_is_private_needs_a_token(trip):
    assert trip.user["without a token"] == 2
    assert not (trip.folder / "refused" / "counts").exists()
