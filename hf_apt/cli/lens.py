"""`hf-apt lens`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import starts_anew


def lens_command(
    text: Annotated[
        str, Argument(help="A text, with [MASK] in place of each token that is asked for.")
    ],
    model: Annotated[
        str, Option(help="A masked-LM checkpoint: folder, Hub id or shipped name.")
    ] = "bert6-narrow-wikipedia",
    tokenizer: Annotated[
        str | None, Option(help="Tokenizer of the model.", show_default="the checkpoint's own")
    ] = None,
    true: Annotated[
        list[str] | None, Option(help="The true token of a [MASK]; give one for each, in order.")
    ] = None,
    mask: Annotated[
        str | None, Option(help="A word of the text to be masked, in place of [MASK].")
    ] = None,
    each: Annotated[bool, Option("--each", help="Mask each token in turn.")] = False,
    top: Annotated[int, Option(min=1, help="Number of answers for each depth.")] = 5,
    lens: Annotated[
        list[str] | None,
        Option(
            help="How depths are read: own_head, or the file of a lens that was fitted to the "
            "model; may be repeated.",
            show_default="own_head",
        ),
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A file for the page (.html).")
    ] = None,
) -> None:
    """What a model would answer at every depth where a token of a text is masked."""
    starts_anew()
    require_present(checkpoints=(model,))
    from hf_apt.cli.tables import lens_answers
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.report.lens_answers import require_page
    from hf_apt.runs.sentence_lens import OWN_HEAD
    from hf_apt.runs.sentence_lens import lens as answers_of

    if output is not None:
        require_page(output)
    answers = answers_of(
        text,
        model,
        tokenizer,
        true=true or (),
        mask=mask,
        each=each,
        top=top,
        lenses=lens or (OWN_HEAD,),
    )
    show(answers, (lens_answers,))
    if output is not None:
        show_paths(page=answers.save(output))
