"""`hf-apt diff`: its options."""

# Without postponed annotations: typer reads them.

import textwrap
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.cli.failures import writes_into
from hf_apt.ownership import require_new_file


def diff_command(
    run_a: Annotated[Path, Argument(help="A folder that `measure` or `run` wrote into.")],
    run_b: Annotated[Path, Argument(help="Another one, of the same text, tokenizer and masks.")],
    readout: Annotated[str, Option(help="The head that is asked.")] = "own_head",
    rate: Annotated[
        float, Option(help="Share of the tokens gained and lost that may be chance.")
    ] = 0.05,
    tokens: Annotated[
        Path | None,
        Option(help="A file with a token a line, such as tokens that were added: told apart."),
    ] = None,
    output: Annotated[
        Path | None, Option("--output", "-o", help="A folder for diff.json and diff.html.")
    ] = None,
) -> None:
    """Whether one checkpoint is better than another, at every block, and at which tokens."""
    from typer import echo

    from hf_apt.cli.tables import text_tables
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.runs.diff import diff

    kinds = ("json", "html") if output is not None else ()
    paths = {kind: Path(output or "") / f"diff.{kind}" for kind in kinds}
    for path in paths.values():
        writes_into(path.parent)
        require_new_file(path)
    difference = diff(
        run_a, run_b, readout=readout, rate=rate, tokens=None if tokens is None else _words(tokens)
    )
    echo(textwrap.fill(difference.sentence, 80) + "\n")
    show(difference, (text_tables,))
    if paths:
        show_paths(record=difference.save(paths["json"]), page=difference.save(paths["html"]))


def _words(path: Path) -> list[str]:
    """The tokens of a file; empty lines are left out."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8: save it as UTF-8.") from None
