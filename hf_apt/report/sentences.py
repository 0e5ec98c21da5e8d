"""The run in words: what was measured on what, and the figures worth saying first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hf_apt.records.changed_answers import changed_sentences
from hf_apt.records.summary_record import Summary, asks_next_tokens
from hf_apt.records.training.training_origin import origin_of
from hf_apt.report.formats import (
    NOTHING,
    counted,
    depth_labels,
    duration,
    estimate,
    large,
    needed_decimals,
    number,
    percent,
)
from hf_apt.report.training.methods import listed, short_words
from hf_apt.stats.depth_figures import ClusterFigures, DepthFigures
from hf_apt.stats.labels import READOUT_LABELS

_QUESTION = {
    "own_head": "At every depth the model's own MLM head was then asked what stood there",
    "linear_head": "At every depth a linear head, trained on the frozen trunk, was then asked what"
    " stood there",
    "mlm_head": "At every depth an MLM head, trained on the frozen trunk, was then asked what stood"
    " there",
    "jacobian": "At every depth a Jacobian lens then carried the state to the last one, and the"
    " model's own MLM head was asked what stood there",
    "translator": "At every depth a trained map then carried the state to the last one, and the"
    " model's own MLM head was asked what stood there",
    "untrained": "At every depth the head of a model with fresh weights was then asked what stood"
    " there",
    "bayes": "The exact best answer was then given for each of them",
}


def lead(summary: Summary, readout: str, config: Mapping[str, Any] | None = None) -> list[str]:
    """The opening paragraph, sentence by sentence; what is not known is not said.

    `config` is the run's, which says by which objectives and masking law it was trained.
    """
    sentences = [
        _training(summary, config),
        _measurement(summary, readout),
        *changed_sentences(summary["model"]),
        headline(summary, readout),
    ]
    return [sentence for sentence in sentences if sentence]


def headline(summary: Summary, readout: str) -> str:
    """How mean APT changes from the embeddings to the last block, in one sentence."""
    depths = summary["readouts"][readout]
    first, last = (depths[index]["mean_apt"]["pooled"] for index in (0, -1))
    if len(depths) == 1 or first["value"] is None or last["value"] is None:
        return f"Mean APT is {estimate(last)}."
    verb = "rises" if last["value"] > first["value"] else "goes"
    return (
        f"Mean APT {verb} from {estimate(first)} at the embeddings"
        f" to {estimate(last)} after {depth_labels(summary)[depths[-1]['depth']]}."
    )


def key_figures(summary: Summary, readout: str, shown_threshold: float) -> list[dict[str, str]]:
    """The headline strip: `name`, `value` and a `note` each."""
    depths = summary["readouts"][readout]
    labels = depth_labels(summary)
    last = depths[-1]
    mean = last["mean_apt"]["pooled"]
    figures = [
        {
            "name": f"mean APT after {labels[last['depth']]}",
            "value": number(mean["value"]),
            "note": f"± {number(mean['standard_error'], needed_decimals([mean]))}"
            f" over {number(mean['num'], 0)} tokens",
        }
    ]
    ceiling = summary["readouts"].get("bayes")
    accuracy = last["masked_accuracy"]["pooled"]
    if ceiling and mean["value"] is not None and ceiling[0]["mean_apt"]["pooled"]["value"]:
        best = ceiling[0]["mean_apt"]["pooled"]
        share = mean["value"] / best["value"]
        figures.append(
            {
                "name": "of the exact ceiling",
                "value": percent(share),
                "note": f"ceiling {estimate(best)}",
            }
        )
    else:
        num, is_next = number(accuracy["num"], 0), asks_next_tokens(summary["model"])
        figures.append(
            {
                "name": "next-token accuracy" if is_next else "masked accuracy",
                "value": number(accuracy["value"]),
                "note": f"of {num} positions" if is_next else f"of {num} modified positions",
            }
        )
    return [*figures, _largest_step(depths, labels), _clusters(last, shown_threshold)]


def _largest_step(depths: list[DepthFigures], labels: list[str]) -> dict[str, str]:
    steps = [
        (growth["value"], depth["depth"], growth)
        for depth in depths
        if (growth := depth["growth"]) and growth["value"] is not None
    ]
    if not steps:
        return {"name": "largest step", "value": NOTHING, "note": "only one depth"}
    _, largest, growth = max(steps, key=lambda step: step[0])
    return {
        "name": "largest step of mean APT",
        "value": labels[largest],
        "note": estimate(growth, signed=True),
    }


def _clusters(last: DepthFigures, shown_threshold: float) -> dict[str, str]:
    clusters = cluster_entry(last, shown_threshold, "mutual")
    kept = f"{number(last['confusion']['num_kept'], 0)} of {last['confusion']['num_rows']:,}"
    return {
        "name": "strong-match clusters",
        "value": number(clusters["num_clusters"], 0),
        "note": f"mutual, ≥ {shown_threshold:g}; {kept} tokens kept",
    }


def cluster_entry(depth: DepthFigures, threshold: float, definition: str) -> ClusterFigures:
    """The cluster figures of one depth at one threshold and definition."""
    return next(
        entry
        for entry in depth["clusters"]
        if entry["threshold"] == threshold and entry["definition"] == definition
    )


def _training(summary: Summary, config: Mapping[str, Any] | None) -> str:
    model, training = summary["model"] or {}, summary["training"]
    facts = [
        ("num_blocks", lambda value: f"{value} block{'' if value == 1 else 's'}"),
        ("conv", _convolutions),
        (
            "cls_norms",
            lambda value: (
                f"[CLS] with weights of its own in block{'' if len(value) == 1 else 's'} "
                f"{listed(value)}"
            ),
        ),
        ("hidden_size", lambda value: f"hidden size {value}"),
        ("num_attention_heads", lambda value: f"{value} heads"),
        ("num_parameters", lambda value: f"{large(value)} parameters"),
        ("vocab_size", lambda value: f"a vocabulary of {value:,} tokens"),
    ]
    known = [say(model[key]) for key, say in facts if model.get(key) is not None]
    name = model.get("name") or model.get("model_type") or "A masked language model"
    subject = f"{name} ({', '.join(known)})" if known else str(name)
    corpus = (summary["corpus"] or {}).get("name")
    if not training or training.get("num_steps") is None:
        where = f" on “{corpus}”" if corpus else ""
        return f"{subject} was measured{where} without further training."
    seen = training.get("num_tokens_seen")
    origin = origin_of(training)
    parts = [f"{subject} was trained", *([f"{origin},"] if origin else [])]
    if corpus:
        parts.append(f"on “{corpus}”")
    parts.append(f"for {counted(training['num_steps'], 'steps')}")
    if seen is not None:
        parts.append(f"({large(seen)} tokens)")
    if training.get("seconds") is not None:
        parts.append(f"in {duration(training['seconds'])}")
    if methods := short_words(config):
        parts.append(f"with {methods}")
    return " ".join(parts) + "."


def _convolutions(conv: dict[str, Any]) -> str:
    positions, units = conv["kernel"]
    return (
        f"{conv['num_layers']} convolutions of {positions} positions by {units} units and"
        f" {conv['num_channels']} channels before the first"
    )


def _measurement(summary: Summary, readout: str) -> str:
    first = summary["readouts"][readout][0]
    num, tokens = (first[name]["pooled"]["num"] for name in ("masked_accuracy", "mean_apt"))
    corpus = summary["corpus"] or {}
    layout = corpus.get("sequences")
    if asks_next_tokens(summary["model"]):
        laid = f" (layout “{layout}”)" if layout else ""
        head = (
            "the head of a model with fresh weights"
            if readout == "untrained"
            else ("the model's own head")
        )
        return (
            f"It was asked for {num:,} next tokens of the validation text{laid}, {tokens:,} "
            f"different ones: nothing is masked. At every depth {head} was then asked what comes "
            "next."
        )
    cut = f" (layout “{layout}”)" if layout else ""
    times = (summary["masking"] or {}).get("num_realisations")
    again = f", in {times} draws" if times is not None and times > 1 else ""
    return (
        f"{num:,} positions of the validation text{cut}, {tokens:,} different tokens, were masked,"
        f" replaced or left as they were{again}. {_QUESTION[readout]}."
    )


def readout_label(readout: str) -> str:
    """The readout's name on the page, with a capital."""
    label = READOUT_LABELS[readout]
    return label[0].upper() + label[1:]
