"""`hf-apt diff`: its options."""

# Without postponed annotations: typer reads them.

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from hf_apt.cli.failures import require_folder_possible, starts_anew, writes_into
from hf_apt.cli.shared_options import TEXT_HELP, Paragraphs
from hf_apt.data.sequences import Layout
from hf_apt.ownership import require_new_file


def diff_command(
    run_a: Annotated[
        str,
        Argument(help="A folder that `measure` or `run` wrote into; with --text a checkpoint."),
    ],
    run_b: Annotated[str, Argument(help="A second run, of the same text, tokenizer and masks.")],
    readout: Annotated[str, Option(help="Readout that is compared.")] = "own_head",
    against: Annotated[
        str | None,
        Option(
            help="The head that is asked in the second run, such as jacobian; give one run twice "
            "to compare two heads of it.",
            show_default="as in the first",
        ),
    ] = None,
    rate: Annotated[
        float, Option(help="Share of the tokens gained and lost that may be chance.")
    ] = 0.05,
    tokens: Annotated[
        Path | None,
        Option(help="A file with a token a line, such as tokens that were added: told apart."),
    ] = None,
    text: Annotated[
        str | None,
        Option(
            help="Measure two checkpoints (folders, Hub ids or shipped names) on this text first, "
            f"which is {TEXT_HELP[0].lower()}{TEXT_HELP[1:]}",
            show_default="compare two runs",
            rich_help_panel="Text",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        Option(
            help="The tokenizer that reads the text for both.",
            show_default="their own",
            rich_help_panel="Text",
        ),
    ] = None,
    sequence_length: Annotated[
        int, Option(min=8, help="Tokens in a sequence of the text.", rich_help_panel="Text")
    ] = 128,
    layout: Annotated[
        Layout | None,
        Option(
            help="How documents become sequences: the first tokens of each, or all, packed.",
            show_default="first where most documents are shorter than a sequence, else packed",
            rich_help_panel="Text",
        ),
    ] = None,
    paragraphs: Paragraphs = False,
    keep: Annotated[
        Path | None,
        Option(
            help="A folder that keeps both measurements; they are not made again there.",
            show_default="they are deleted",
            rich_help_panel="Text",
        ),
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder for diff.json and diff.html.")
    ] = None,
) -> None:
    """Whether one checkpoint is better than another, at every block, and at which tokens."""
    from typer import echo

    from hf_apt.cli.every_command.output_format import is_json
    from hf_apt.cli.tables import text_tables
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.command import typed_command
    from hf_apt.runs.diff import diff

    kinds = ("json", "html") if output is not None else ()
    paths = {kind: Path(output or "") / f"diff.{kind}" for kind in kinds}
    for path in paths.values():
        writes_into(path.parent)
        require_new_file(path)
    if keep is not None:
        require_folder_possible(keep)
    difference = diff(
        run_a,
        run_b,
        readout=readout,
        against=against,
        rate=rate,
        tokens=None if tokens is None else _words(tokens),
        text=text,
        options=_options(text, tokenizer, sequence_length, layout, paragraphs, keep),
        folder=keep,
    )
    difference = replace(difference, command=typed_command())
    echo(textwrap.fill(difference.sentence, 80) + "\n", err=is_json())
    show(difference, (text_tables,))
    if paths:
        show_paths(record=difference.save(paths["json"]), page=difference.save(paths["html"]))


def _options(
    text: str | None,
    tokenizer: str | None,
    sequence_length: int,
    layout: Layout | None,
    paragraphs: bool,
    keep: Path | None,
) -> Any:
    """How the text is read; None without one.

    Raises ValueError for an option of the text without a text.
    """
    given = (tokenizer, sequence_length, layout, paragraphs)
    if text is None:
        if given != (None, 128, None, False) or keep is not None:
            raise ValueError("options of the text come without a text: name it by --text.")
        return None
    if keep is None:
        starts_anew()
    from hf_apt.runs.checkpoints.on_text import TextOptions

    return TextOptions(
        tokenizer=tokenizer, sequence_length=sequence_length, layout=layout, paragraphs=paragraphs
    )


def _words(path: Path) -> list[str]:
    """The tokens of a file; empty lines are left out."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as UTF-8.") from None
