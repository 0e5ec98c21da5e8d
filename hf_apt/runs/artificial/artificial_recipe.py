"""The run of an artificial corpus: the demo's sizes, a document a sequence."""

from __future__ import annotations

from dataclasses import fields, replace

from hf_apt.data.artificial.artificial_corpus import ArtificialCorpus
from hf_apt.data.artificial.artificial_language import ArtificialLanguage
from hf_apt.data.corpus_source import CorpusSource
from hf_apt.runs.recipes import RecipeName, RunConfig, demo_recipe


def artificial_recipe(
    language: ArtificialLanguage,
    source: CorpusSource | None = None,
    *,
    recipe: RecipeName = "auto",
    task: str | None = None,
) -> RunConfig:
    """A run on documents of an artificial language, by the recipe `demo`.

    Args:
        language: the language.
        source: what was said of the text: `max_documents` of it, and nothing else, counts here.
        recipe: `auto` or `demo`.
        task: `none` or None: of no task a word is known.

    Returns:
        A configuration for `run_all`.

    Raises:
        ValueError: for another recipe, a task, and settings of texts that are read.
    """
    corpus = ArtificialCorpus(language=language)
    if recipe not in ("auto", "demo"):
        raise ValueError(
            f"the recipe {recipe} is not for {corpus.name!r}: artificial corpora have that of demo."
        )
    if task not in (None, "none"):
        raise ValueError(
            f"{corpus.name} has no word of the task {task}: pre-train on text with --blocks-of, "
            "and fine-tune that."
        )
    source = source or CorpusSource()
    ignored = [
        each.name
        for each in fields(source)
        if each.name not in ("name", "seed", "max_documents")
        and getattr(source, each.name) != each.default
    ]
    if ignored:
        raise ValueError(
            f"{corpus.name} is made, not read: {', '.join(ignored)} says nothing about it; leave "
            "it out."
        )
    if source.max_documents is not None:
        corpus = replace(corpus, num_documents=source.max_documents)
    return replace(demo_recipe(task=None), corpus=corpus)
