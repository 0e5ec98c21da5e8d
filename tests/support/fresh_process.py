"""Code for processes of their own, in which nothing is imported yet, and what they print."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

CLASSES_CHOSEN = """
import json, sys
import numpy as np, torch
from transformers import (
    AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining,
    AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer,
)
checkpoint, ids = sys.argv[1], torch.from_numpy(np.load(sys.argv[2]))
config = AutoConfig.from_pretrained(checkpoint)
model = AutoModelForMaskedLM.from_pretrained(checkpoint)
autos = (
    AutoModel, AutoModelForMaskedLM, AutoModelForPreTraining,
    AutoModelForSequenceClassification, AutoModelForTokenClassification,
)
chosen = [AutoConfig.for_model(config.model_type), config, model]
chosen += [auto.from_config(config) for auto in autos]
tokenizer = AutoTokenizer.from_pretrained(checkpoint)
print(json.dumps({
    "classes": [f"{type(found).__module__}.{type(found).__name__}" for found in chosen],
    "tokenizer": [type(tokenizer).__name__, tokenizer("w3 w5")["input_ids"]],
    "logits": model(ids).logits.tolist(),
}))
"""
"""What follows `import hf_apt`, whichever came first: the class each Auto class chooses."""

NO_HF_APT = """
import sys

class NoHfApt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "hf_apt":
            raise ImportError(name)

sys.meta_path.insert(0, NoHfApt())
"""
"""Makes hf_apt unknown to a process."""


def answer(code: str, checkpoint: Path, ids: torch.Tensor) -> dict[str, Any]:
    """What a fresh process prints that runs `code` where nobody can answer a prompt."""
    np.save(checkpoint.parent / "ids.npy", ids.numpy())
    done = subprocess.run(
        [sys.executable, "-c", code, checkpoint, checkpoint.parent / "ids.npy"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=checkpoint.parent,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
