"""Does a graph of texts help pre-training? Linked texts drawn together, beside what is simpler.

    python examples/linked_texts.py
    python examples/linked_texts.py --arms graph joined --exchanged 0.5 --num_steps 200

The texts are planted (`hf_apt.data.planted.planar_texts`): what is best is known, by their words
alone, and by their neighbours. `longer` reads as many texts in all as the arms with a loss, and
`joined` has linked texts in one context. What is in `<output_file>` already is not repeated.
"""

import json
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import HfArgumentParser

from hf_apt.atomic import writing
from hf_apt.data.graphs.linked_contexts import linked_contexts
from hf_apt.data.planted.planar_texts import PlanarTexts
from hf_apt.data.tokenizer import SPECIAL_TOKENS, vocabulary_tokenizer
from hf_apt.data.tokens import write_tokens
from hf_apt.data.whole_texts.encoded_texts import EncodedTexts
from hf_apt.models.fresh import new_model
from hf_apt.models.shapes import ModelShape
from hf_apt.stats.estimates import mean_estimate
from hf_apt.stats.graphs.ranking import neighbour_ranks
from hf_apt.stats.graphs.rewiring import rewired
from hf_apt.stats.graphs.votes import graph_votes, local_consistency, nearest_votes, share_right
from hf_apt.training.objectives.graph_pairs import GraphPairs
from hf_apt.training.pretrain_config import PretrainConfig
from hf_apt.training.pretraining import pretrain, pretrainer
from hf_apt.training.representation.depth_states import DepthStates, pooled_states

ARMS: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("plain", "longer", "joined")},
    "graph": {"graph": "links"},
    "contrastive": {"graph": "links", "loss": "contrastive"},
    "rewired": {"graph": "links", "rewire": True},
    "dropout": {"graph": "dropout"},
}


@dataclass
class Arguments:
    """What is compared, and on what."""

    arms: list[str] = field(
        default_factory=lambda: ["plain", "longer", "joined", "graph", "rewired", "dropout"],
        metadata={"help": f"Arms, of {', '.join(ARMS)}.", "choices": [*ARMS]},
    )
    weight: float = field(default=1.0, metadata={"help": "Of the loss; 1/9 is the paper's 0.1."})
    num_steps: int = field(default=2000, metadata={"help": "Steps; `longer` has 2.5 times these."})
    exchanged: float = field(default=0.0, metadata={"help": "Share of links drawn at random."})
    num_seeds: int = field(default=2, metadata={"help": "Planted texts and runs of each arm."})
    output_file: str = field(default="runs/linked.json", metadata={"help": "Record to write."})


def trained(arm: str, texts: PlanarTexts, args: Arguments, folder: Path) -> dict[str, float]:
    """Accuracies and losses of a model pre-trained on `texts` in the way of `arm`."""
    graph = rewired(texts.graph, seed=texts.seed, share=args.exchanged)
    links = pd.DataFrame(graph.links(), columns=["text", "linked"])
    links.to_csv(folder / "links.csv", index=False)
    pd.Series(texts.texts, name="text").to_csv(folder / "texts.csv", index=False)
    objectives = ()
    if ARMS[arm]:
        table = "" if arm == "dropout" else str(folder / "links.csv")
        named = {"links": table, "texts": str(folder / "texts.csv"), "weight": args.weight}
        objectives = (GraphPairs(num_anchors=8, **named, **ARMS[arm]),)
    contexts = texts.texts
    if arm == "joined":
        joined = (linked_contexts(contexts, graph, seed=seed) for seed in range(8))
        contexts = [text for each in joined for text in each]
    fresh = replace(texts, draw=1)
    tokenizer = vocabulary_tokenizer((*SPECIAL_TOKENS, *texts.words))
    length = 2 * texts.num_words + 2
    train, held_out = (
        write_tokens(folder / name, documents, tokenizer, sequence_length=length, layout="first")
        for name, documents in (("train", contexts), ("fresh", fresh.texts))
    )
    config = PretrainConfig(
        num_steps=args.num_steps * (5 if arm == "longer" else 2) // 2,
        batch_size=8 if arm == "joined" else 16,  # as many tokens
        learning_rate=1e-3,
        save_every=args.num_steps * 3,
        seed=texts.seed,
        precision="fp32",
        num_validation_sequences=texts.num_texts,
        objectives=objectives,
    )
    shape = ModelShape(hidden_size=64, num_heads=4, num_blocks=2, initializer_range=0.05)
    model: Any = new_model(shape, train, seed=texts.seed)
    trainer = pretrainer(model, train, held_out, config, folder / "run", tokenizer=tokenizer)
    trainer.args.eval_strategy = "no"
    start = time.process_time()
    figures, seconds = pretrain(trainer), time.process_time() - start
    read = (EncodedTexts(tokenizer, each.texts, length) for each in (texts, fresh))
    seen, asked = (vectors(model.eval(), each) for each in read)
    answers = nearest_votes(seen, texts.topics), nearest_votes(seen, texts.topics, asked=asked)
    return {
        "seen": share_right(answers[0], texts.topics).value,
        "fresh": share_right(answers[1], fresh.topics).value,
        "link_auc": neighbour_ranks(texts.graph, seen).link_auc.value,
        "loss": figures["validation_loss"],
        "seconds": seconds,
        "consistency": local_consistency(graph, texts.topics).value,
        "graph_vote": share_right(graph_votes(graph, texts.topics), texts.topics).value,
        "words_alone": share_right(fresh.best_by_words(), fresh.topics).value,
    }


def vectors(model: Any, texts: EncodedTexts) -> np.ndarray:
    """One vector of unit length for each text: the mean of its last states."""
    batch = texts.batch(range(len(texts)))
    with torch.no_grad():
        states = DepthStates(model)(batch.inputs(model.device))
        pooled = pooled_states(states, batch.present_BT.bool(), "mean")
    return torch.nn.functional.normalize(pooled, dim=-1).numpy()


def main(arguments: list[str] | None = None) -> None:
    """Train every arm with every seed, and print a row for each arm."""
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses(arguments)  # pyright: ignore
    if args.exchanged and (others := {*args.arms} & {"plain", "longer", "dropout"}):
        raise SystemExit(f"{', '.join(sorted(others))} read no links: leave --exchanged out.")
    path = Path(args.output_file)
    runs = json.loads(path.read_text()) if path.exists() else {}
    settings = f"{args.weight:.4g} {args.num_steps}" + f" {args.exchanged}" * bool(args.exchanged)
    for seed in range(args.num_seeds):
        for arm in args.arms:
            key = f"{arm} {settings} {seed}"
            if key not in runs:
                with tempfile.TemporaryDirectory() as folder:
                    runs[key] = trained(arm, PlanarTexts(seed=seed), args, Path(folder))
                with writing(path) as file:
                    json.dump(runs, file, indent=1)
    for arm in args.arms:
        kept = [runs[f"{arm} {settings} {seed}"] for seed in range(args.num_seeds)]
        means = {key: mean_estimate(np.array([run[key] for run in kept])) for key in kept[0]}
        row = (f"{key} {each.value:.3f} ± {each.standard_error:.3f}" for key, each in means.items())
        print(f"{arm:12}", *row, sep="  ")


if __name__ == "__main__":
    main()
