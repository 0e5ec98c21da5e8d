"""Options of a command that a file gives, and the file of those that a command was given."""

from __future__ import annotations

from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import typer

Kind = Literal["one value", "a list", "true or false"]
"""What an option takes."""


def options_in(path: Path, command: str, parameters: dict[str, Kind]) -> dict[str, Any]:
    """The options that a YAML file gives to a command, by the name of the parameter.

    `parameters` says what each of the command's parameters takes. Raises ValueError for a file that
    is missing or no mapping of options to values, for an option that the command does not have, and
    for a value of another kind.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"--config {path} cannot be read ({error}): name a YAML file of options; the "
            "configuration of a data set is --dataset-config."
        ) from None
    except yaml.YAMLError as error:
        raise ValueError(f"--config {path} is no YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"--config {path} must be lines such as `steps: 1000`, one an option.")
    options = {name.lstrip("-").replace("-", "_"): value for name, value in content.items()}
    unknown = sorted(set(options) - set(parameters))
    if unknown:
        raise ValueError(
            f"--config {path} has {_spelled(unknown[0])}, which hf-apt {command} does not know: "
            f"`hf-apt {command} --help` lists its options."
        )
    for name, value in options.items():
        if value is not None and _kind(value) != parameters[name]:
            raise ValueError(
                f"--config {path}: {_spelled(name)} must be {parameters[name]}, not {value!r}."
            )
    return {name: _text(value) for name, value in options.items() if value is not None}


def write_options(path: Path, command: str, context: typer.Context) -> None:
    """Write what a command was given, on its line or by a file, so that `--config` takes it."""
    import yaml

    from hf_apt.atomic import writing

    given = {
        _spelled(name).lstrip("-"): _plain(value)
        for name, value in context.params.items()
        if name not in ("config", "format")
        and _source(context, name) in ("COMMANDLINE", "DEFAULT_MAP", "ENVIRONMENT")
    }
    text = yaml.safe_dump(given, sort_keys=False, allow_unicode=True)
    with writing(path) as file:
        file.write(f"# hf-apt {command} --config {path.name}  (hf_apt {version('hf_apt')})\n{text}")


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return "" if source is None else source.name


def _spelled(name: str) -> str:
    return "--" + name.replace("_", "-")


def _kind(value: Any) -> Kind:
    if isinstance(value, (list, dict)):
        return "a list"
    return "true or false" if isinstance(value, bool) else "one value"


def _text(value: Any) -> Any:
    """A value as an argument would give it: what is typed is checked and converted alike."""
    if isinstance(value, list):
        return [_text(each) for each in value]
    return value if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
