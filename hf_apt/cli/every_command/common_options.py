"""The options `--config` and `--format`, added to a command's own."""

# Without postponed annotations: typer reads them.

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from hf_apt.cli.every_command.options_file import Kind, options_in, write_options
from hf_apt.cli.every_command.output_format import OutputFormat, choose_format
from hf_apt.cli.failures import output_folder
from hf_apt.training.interruption import Stopped

RECORDED = ("run", "pretrain", "measure")
"""Commands whose folder keeps what they were given: `run.yaml` and so on."""

KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY

_PANEL = "Every command"


def _take_options(context: typer.Context, path: Path | None) -> Path | None:
    if path is not None:
        parameters: dict[str, Kind] = {
            str(each.name): _kind(each)
            for each in context.command.params
            if each.name not in ("help", "config")
        }
        context.default_map = options_in(path, str(context.info_name), parameters)
    return path


def _kind(parameter: Any) -> Kind:
    if getattr(parameter, "multiple", False) or parameter.nargs == -1:
        return "a list"
    return "true or false" if getattr(parameter, "is_flag", False) else "one value"


def _take_format(name: OutputFormat) -> OutputFormat:
    choose_format(name)
    return name


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        is_eager=True,
        callback=_take_options,
        metavar="FILE",
        rich_help_panel=_PANEL,
        help="A YAML file of options, `steps: 1000` a line; options that are typed come first. "
        "`run`, `pretrain` and `measure` leave theirs in their folder.",
    ),
]
Format = Annotated[
    OutputFormat,
    typer.Option(
        "--format",
        callback=_take_format,
        rich_help_panel=_PANEL,
        help="What is printed: tables, or one JSON object.",
    ),
]


def with_common_options(name: str, command: Callable[..., Any]) -> Callable[..., Any]:
    """The command `name` with `--config` and `--format` after its own options."""
    own = inspect.signature(command)
    kinds = {"context": typer.Context, "config": Config, "format": Format}
    defaults = {"context": inspect.Parameter.empty, "config": None, "format": "table"}
    added = [
        inspect.Parameter(each, KEYWORD_ONLY, default=defaults[each], annotation=kind)
        for each, kind in kinds.items()
    ]

    def called(context: typer.Context, config: Any, format: Any, **values: Any) -> Any:
        try:
            result = command(**values)
        except (KeyboardInterrupt, Stopped):
            _record(name, context)
            raise
        _record(name, context)
        return result

    called.__doc__ = command.__doc__
    named = [each.replace(kind=KEYWORD_ONLY) for each in own.parameters.values()]
    called.__signature__ = own.replace(parameters=[*named, *added])  # pyright: ignore
    called.__annotations__ = {each: one.annotation for each, one in own.parameters.items()} | kinds
    return called


def _record(name: str, context: typer.Context) -> None:
    folder = output_folder() if os.environ.get("RANK", "0") == "0" else None
    if name in RECORDED and folder is not None and (folder / "config.json").exists():
        write_options(folder / f"{name}.yaml", name, context)
