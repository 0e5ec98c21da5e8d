"""`hf-apt acquisition`: its options."""

# Without postponed annotations: typer reads them.

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from hf_apt.cli.failures import writes_into
from hf_apt.ownership import require_new_file


def acquisition_command(
    sources: Annotated[
        list[Path],
        Argument(
            help="The output_dir of a training with AptCallback, or its <data>-step-<step>.npz, "
            "or folders that `measure` wrote into, one for each checkpoint."
        ),
    ],
    data: Annotated[str, Option(help="Name of the data that the callback measured.")] = "eval",
    readout: Annotated[str, Option(help="Readout of `measure`, such as own_head.")] = "own_head",
    step: Annotated[
        list[int] | None,
        Option(
            help="Step of each folder, in the order of the folders.",
            show_default="the last number in its name",
        ),
    ] = None,
    min_support: Annotated[
        int, Option(min=1, help="Leave out tokens that were asked fewer times.")
    ] = 20,
    tokenizer: Annotated[
        str | None, Option(help="A Hub id or folder, to show words of a callback's files.")
    ] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", help="A folder for acquisition.json and acquisition.html."),
    ] = None,
) -> None:
    """When each token is learnt, at every block, and which tokens are forgotten."""
    from typer import echo

    from hf_apt.cli.every_command.output_format import is_json
    from hf_apt.cli.tables import text_tables
    from hf_apt.cli.tables.show import show, show_paths
    from hf_apt.records.command import typed_command
    from hf_apt.runs.acquisition import acquisition

    kinds = ("json", "html") if output is not None else ()
    paths = {kind: Path(output or "") / f"acquisition.{kind}" for kind in kinds}
    for path in paths.values():
        writes_into(path.parent)
        require_new_file(path)
    learnt = acquisition(
        sources,
        data=data,
        readout=readout,
        steps=step or None,
        min_support=min_support,
        tokenizer=tokenizer,
    )
    learnt = replace(learnt, command=typed_command())
    echo(textwrap.fill(learnt.sentence, 80) + "\n", err=is_json())
    show(learnt, (text_tables,))
    if paths:
        show_paths(record=learnt.save(paths["json"]), page=learnt.save(paths["html"]))
