"""`hf-apt anchors`: its options."""

# Without postponed annotations: typer reads them.

from typing import Annotated

from typer import Argument, Option

from hf_apt.analysis.anchors.anchor_config import AnchorConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, TaskOutput

ANCHORS = made_from(
    AnchorConfig,
    *in_panel(
        "Fit",
        "positions",
        "masking_rate",
        "bulk",
        Flag("top_k", min=1),
        "tail_mass",
        Flag("words", "--word"),
        Flag("num_components", "--components", min=0),
        Flag("ridge", min=0),
        Flag("num_twins", "--twins", min=0),
    ),
    *in_panel("Text", Flag("sequence_length", min=3), Flag("batch_size", min=1), "seed"),
)


@with_options(ANCHORS)
def anchors_command(
    config: AnchorConfig,
    *,
    model: Annotated[
        str, Argument(help="A masked-LM or causal checkpoint: folder, Hub id or shipped name.")
    ],
    text: Annotated[str, Option(help=TEXT_HELP)] = "sotu",
    column: Annotated[str, Option(help="The column of the texts, in a table.")] = "text",
    max_texts: Annotated[int, Option(min=2, help="Largest number of texts to read.")] = 1000,
    paragraphs: Paragraphs = False,
    output: TaskOutput = None,
) -> None:
    """Predict the partition function of a model's words by one vector, the anchor, at every depth.

    Beside it stand the mean word vector and the same model with random weights.
    """
    require_present(checkpoints=(model,), text=text)
    from hf_apt.analysis.anchors.anchor_study import anchor_study
    from hf_apt.cli.analysis.studied import loaded_model, place_of, study_into, texts_of
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show

    name, folder = place_of(model, output, "anchors")
    run = study_into(folder)
    texts = texts_of(text, column=column, paragraphs=paragraphs, max_texts=max_texts)
    loaded, tokenizer = loaded_model(name)
    record = anchor_study(name, loaded, tokenizer, texts, config, text_name=text)
    show(record, (study,))
    end_of_study(run, record)
