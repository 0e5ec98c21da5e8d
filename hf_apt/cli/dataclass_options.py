"""Command-line options that are fields of configurations: name, type, default and help are theirs.

The help of an option is the docstring of its field. What the field's None stands for, "; None for
all" in the docstring, is shown as the default instead.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, MISSING, dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from itertools import pairwise
from types import NoneType, SimpleNamespace
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from typer import Option

_ABSENT = re.compile(r"; None for ([^.;]+)")


@dataclass(frozen=True)
class Flag:
    """A field as an option, and what only the command line knows of it."""

    path: str
    """The field, from the configuration that the command is about: `pretrain.num_steps`."""

    flag: str | None = None
    """How the option is spelled; None for the field's own name."""

    _: KW_ONLY

    panel: str | None = None
    """Heading of the options among which the help lists it."""

    min: float | None = None
    """Smallest value that is taken."""

    max: float | None = None
    """Largest value that is taken."""

    default: Any = None
    """Value where none is given, of a field that has no default."""

    shown: str | None = None
    """Default that the help shows in place of the field's."""

    read: Callable[[list[str]], Any] | None = None
    """Makes the field's value of the texts of an option that can be repeated."""

    parse: Callable[[str], Any] | None = None
    """Makes the field's value of the text of an option that is given once."""

    metavar: str | None = None
    """What the help shows in place of the type."""

    more: str = ""
    """A sentence that follows the docstring in the help: what only a registry can name."""

    @property
    def spelled(self) -> str:
        """The option as it is typed: `--hidden-size`."""
        return self.flag or "--" + self.path.rpartition(".")[2].replace("_", "-")

    @property
    def parameter(self) -> str:
        """The option as a keyword: `hidden_size`."""
        return self.spelled.lstrip("-").replace("-", "_")


def in_panel(panel: str, *flags: Flag | str) -> tuple[Flag, ...]:
    """These options under one heading; a field that needs no more is named by its path alone."""
    all_flags = (Flag(flag) if isinstance(flag, str) else flag for flag in flags)
    return tuple(replace(flag, panel=panel) for flag in all_flags)


@dataclass(frozen=True)
class ConfigOptions:
    """Options of fields of one configuration, callable with what was given of them."""

    config: type
    """Class of the configuration that the options are fields of."""

    flags: tuple[Flag, ...]
    """Options of the fields."""

    is_change: bool
    """Whether they change a configuration that is there, or make one with the defaults of its
    fields."""

    @cached_property
    def __signature__(self) -> inspect.Signature:
        return inspect.Signature([self._parameter(flag) for flag in self.flags])

    def __call__(self, **values: Any) -> tuple[Any]:
        """What is made of the values: a configuration, or a function that changes one."""
        bound = self.__signature__.bind(**values)
        bound.apply_defaults()
        given = {
            flag.path: _plain(flag, bound.arguments[flag.parameter])
            for flag in self.flags
            if bound.arguments[flag.parameter] not in (None, [])
        }
        if self.is_change:
            return ((lambda config: _with(config, given)),)
        return (_with(self.config, given),)

    def _parameter(self, flag: Flag) -> inspect.Parameter:
        owner, name = field_of(self.config, flag.path)
        own_default = default_of(self.config, flag.path)
        annotation = list[str] if flag.read else _option_type(annotation_of(owner, name))
        annotation = str if flag.parse else annotation
        text, absent = described(owner, name)
        default, shown = None, flag.shown
        if not self.is_change:
            default, shown = _default(flag, own_default, absent)
        repeated = "Can be repeated." if get_origin(annotation) is list else ""
        option = Option(
            f"{flag.spelled}/--no-{flag.spelled[2:]}" if own_default is True else flag.spelled,
            help=" ".join(filter(None, (text, flag.more, repeated))),
            rich_help_panel=flag.panel,
            min=flag.min,
            max=flag.max,
            metavar=flag.metavar,
            show_default=shown or True,
        )
        return inspect.Parameter(
            flag.parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[annotation | None if default is None else annotation, option],
        )


def made_from(config: type, *flags: Flag) -> ConfigOptions:
    """Options of which a new `config` is made; one that is not given has its field's default."""
    return ConfigOptions(config, flags, is_change=False)


def changes_of(config: type, *flags: Flag) -> ConfigOptions:
    """Options that change a `config`; one that is not given leaves its field as it is."""
    return ConfigOptions(config, flags, is_change=True)


def field_of(config: type, path: str) -> tuple[type, str]:
    """The class that has the field at `path` from `config` on, and the field's name."""
    *above, name = path.split(".")
    for part in above:
        config = annotation_of(config, part)
    return config, name


def default_of(config: type, path: str) -> Any:
    """The value of the field at `path` in a new `config`; MISSING for one that has to be given.

    It is that of the configuration around it, where that makes one of its own inside.
    """
    name, _, below = path.partition(".")
    if not below:
        return config.__dataclass_fields__[name].default
    inner = _new_inner(config, name)
    if isinstance(inner, type):
        return default_of(inner, below)
    for part in below.split("."):
        inner = getattr(inner, part)
    return inner


def _new_inner(config: type, name: str) -> Any:
    """The configuration that a new `config` has inside; its class where it has to be given."""
    made = config.__dataclass_fields__[name].default_factory
    return annotation_of(config, name) if made is MISSING else made()


def described(config: type, name: str) -> tuple[str, str | None]:
    """What a field's docstring says, without what None stands for; and that, if it says so."""
    docstring = " ".join(_docstrings(config.__module__)[config.__name__, name].split())
    absent = _ABSENT.search(docstring)
    return _ABSENT.sub("", docstring), absent and absent[1]


@cache
def _docstrings(module: str) -> dict[tuple[str, str], str]:
    """The docstrings of a module's fields, by class and name."""
    docstrings = {}
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    for node in (each for each in body if isinstance(each, ast.ClassDef)):
        for pair in pairwise(node.body):
            match pair:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(docstring))),
                ):
                    docstrings[node.name, name] = docstring
    return docstrings


def annotation_of(config: type, name: str) -> Any:
    """The type of a field of a dataclass, without None."""
    # Of this field alone: types of others may be imported for type checkers only.
    alone = SimpleNamespace(__annotations__={name: config.__dataclass_fields__[name].type})
    annotation = get_type_hints(alone, vars(sys.modules[config.__module__]))[name]
    present = [each for each in get_args(annotation) if each is not NoneType]
    return present[0] if NoneType in get_args(annotation) else annotation


def _default(flag: Flag, own_default: Any, absent: str | None) -> tuple[Any, str | None]:
    """An option's default where a configuration is made, and what the help shows in its place."""
    if own_default is MISSING:
        return inspect.Parameter.empty if flag.default is None else flag.default, flag.shown
    if isinstance(own_default, tuple):
        return None, flag.shown or " ".join(map(str, own_default)) or None
    return own_default, flag.shown or (absent if own_default is None else None)


def _option_type(annotation: Any) -> Any:
    """The type that typer is told: of a tuple a list, whose choices it takes as an enumeration."""
    if get_origin(annotation) is not tuple:
        return annotation
    element = get_args(annotation)[0]
    if get_origin(element) is Literal:
        element = StrEnum("Choice", {choice: choice for choice in get_args(element)})
    return list[element]


def _plain(flag: Flag, value: Any) -> Any:
    """An option's value as its field has it; one that is repeated counts once."""
    if flag.read is not None:
        return flag.read(value)
    if flag.parse is not None:
        return flag.parse(value)
    if isinstance(value, list):
        plain = (each.value if isinstance(each, StrEnum) else each for each in value)
        return tuple(dict.fromkeys(plain))
    return value


def _with(config: Any, values: Mapping[str, Any]) -> Any:
    """A configuration with these values by path: `config` changed, or a new one if it is a class.

    Configurations inside it are treated alike.
    """
    is_new = isinstance(config, type)
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        name, _, below = path.partition(".")
        if below:
            inner.setdefault(name, {})[below] = value
        else:
            own[name] = value
    for name, below in inner.items():
        own[name] = _with(_new_inner(config, name) if is_new else getattr(config, name), below)
    return config(**own) if is_new else replace(config, **own)
