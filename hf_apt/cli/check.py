"""`hf-apt check`: its options."""

# Without postponed annotations: typer reads them.

from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from hf_apt.cli.every_command.present import require_present
from hf_apt.cli.failures import starts_anew


def check_command(
    model: Annotated[
        str, Argument(help="A checkpoint of a language model: folder, Hub id or shipped name.")
    ],
    tokenizer: Annotated[
        str | None, Option(help="Tokenizer of the model.", show_default="the checkpoint's own")
    ] = None,
    text: Annotated[
        Path | None,
        Option(help="A file of text of the model's kind.", show_default="two English sentences"),
    ] = None,
) -> None:
    """Test whether accuracy by depth would mean what it says; exit code 1 where a check fails."""
    starts_anew()
    require_present(checkpoints=(model, tokenizer))
    from hf_apt.cli.tables import checks
    from hf_apt.cli.tables.show import show
    from hf_apt.data.tokenizer import load_tokenizer
    from hf_apt.depths.checks.self_test import check
    from hf_apt.records.checkpoints import pinned
    from hf_apt.runs.measured_checkpoint import load_measured
    from hf_apt.runs.option_checks import require_checkpoint

    words = None if text is None else _text(text)
    name = pinned(model)
    require_checkpoint(name)
    report = check(load_measured(name), load_tokenizer(tokenizer or name, needs_mask=False), words)
    show(report, (checks,))
    if not report.passed:
        raise Exit(1)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as text in UTF-8: {error}.") from None
