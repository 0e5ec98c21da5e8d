"""What a user does with a Hub, by the real clients, in a process that reads HF_ENDPOINT at import.

Pre-trains on a data set of the Hub, publishes, loads, evaluates, measures and pushes with the
Trainer; prints what came of it as JSON. Between the steps it asks for /api/mark/<step>, so that the
server's list of requests can be told apart.
"""

import contextlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

import torch

from hf_apt.cli import main

FOLDER = Path(sys.argv[1])
RUN, MODEL, TEXTS, METRIC = str(FOLDER / "run"), "owner/bert-6-tiny", "owner/texts", "owner/apt"
TINY = (
    "--steps=5 --batch-size=8 --hidden-size=16 --num-heads=2 --num-blocks=2 --heads=linear "
    "--head-steps=2 --measure-sequences=16 --sequence-length=32 --vocab-size=100"
).split()
IDS = torch.arange(5, 29).reshape(2, 12)


def mark(step: str) -> None:
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"{os.environ['HF_ENDPOINT']}/api/mark/{step}")


def hf_apt(*arguments: str) -> int:
    sys.argv = ["hf-apt", *arguments]
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


found: dict[str, object] = {}

mark("run")
found["run"] = hf_apt("run", TEXTS, "--max-documents=200", *TINY, "-o", RUN)
mark("publish")
found["publish"] = [
    hf_apt("publish", "checkpoint", RUN, "--repo", MODEL, "--license", "apache-2.0"),
    hf_apt("publish", "metric", "apt", "--repo", METRIC, "--public"),
]

from transformers import AutoModelForMaskedLM  # noqa: E402

mark("load")
model = AutoModelForMaskedLM.from_pretrained(MODEL).eval()
found["class"] = f"{type(model).__module__}.{type(model).__name__}"
logits = model(IDS).logits
own = AutoModelForMaskedLM.from_pretrained(f"{RUN}/checkpoint").eval()
found["same as the run's"] = torch.equal(logits, own(IDS).logits)
mark("again")
again = AutoModelForMaskedLM.from_pretrained(MODEL).eval()
found["same again"] = torch.equal(logits, again(IDS).logits)

mark("card")
from huggingface_hub import HfApi, ModelCard, hf_hub_download  # noqa: E402

card = Path(hf_hub_download(MODEL, "README.md")).read_text()
names: dict = {}
exec(re.findall(r"```python\n(.*?)```", card, re.S)[0], names)
found["card's first way"] = torch.equal(logits, names["model"].eval()(IDS).logits)
found["card's tokens"] = names["tokenizer"].convert_ids_to_tokens([0, 4])
found["card's results"] = [result.metric_config for result in ModelCard(card).data.eval_results]

mark("pin")
revision = HfApi().model_info(MODEL).sha
with torch.no_grad():
    model.cls.predictions.bias += 1
model.push_to_hub(MODEL)
latest = AutoModelForMaskedLM.from_pretrained(MODEL).eval()
pinned = AutoModelForMaskedLM.from_pretrained(MODEL, revision=revision).eval()
found["latest"] = torch.allclose(logits + 1, latest(IDS).logits, atol=1e-5)
found["pinned"] = torch.equal(logits, pinned(IDS).logits)

mark("evaluate")
import evaluate  # noqa: E402

pairs = {"references": [5, 5, 7, 9], "predictions": [5, 6, 7, 8]}
sha = HfApi().space_info(METRIC).sha
found["metric"] = [
    evaluate.load(METRIC).compute(**pairs)["mean_apt"],
    evaluate.load(METRIC, revision=sha).compute(**pairs)["mean_apt"],
]

mark("data-set")
from hf_apt.data.corpora import open_corpus  # noqa: E402
from hf_apt.data.corpus_source import CorpusSource  # noqa: E402

corpus = open_corpus(CorpusSource(name=TEXTS))
found["documents"] = sorted([*corpus.train, *corpus.validation])

mark("measure")
found["measure"] = hf_apt(
    *("measure", MODEL, TEXTS, "--sequence-length=32", "-o", str(FOLDER / "measured"))
)

mark("trainer")
from transformers import Trainer, TrainingArguments  # noqa: E402

arguments = TrainingArguments(
    str(FOLDER / "trained"),
    push_to_hub=True,
    hub_model_id="owner/trained",
    hub_private_repo=True,
    max_steps=2,
    per_device_train_batch_size=4,
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
row = {"input_ids": IDS[0].tolist(), "labels": IDS[1].tolist()}
trainer = Trainer(model.train(), arguments, train_dataset=[row] * 8)
trainer.train()
trainer.push_to_hub()
trained = AutoModelForMaskedLM.from_pretrained("owner/trained").eval()
found["trained"] = torch.equal(model.eval()(IDS).logits, trained(IDS).logits)
found["trained is new"] = not torch.equal(latest(IDS).logits, trained(IDS).logits)

mark("no-token")
del os.environ["HF_TOKEN"]
found["without a token"] = hf_apt("measure", MODEL, TEXTS, "-o", str(FOLDER / "refused"))

torch.save(logits, FOLDER / "logits.pt")
(FOLDER / "found.json").write_text(json.dumps(found))
