"""What the docstring of a public name says: its parameters, what it returns, and its errors.

The public names are those of `hf_apt`, of `trainer_callbacks` and the metrics. An editor shows the
docstring of one function alone, so that each has to name its own parameters, in Google style.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hf_apt
import trainer_callbacks

ROOT = Path(__file__).parents[2]

OURS = ("hf_apt", "trainer_callbacks")

SECTION = re.compile(r"^(Args|Returns|Raises|Yields):$", re.M)


def public_objects() -> dict[str, Any]:
    """Functions and classes that the two packages offer, by the name of the definition."""
    things = (
        inspect.unwrap(getattr(module, name))
        for module in (hf_apt, trainer_callbacks)
        for name in module.__all__
    )
    return {f"{thing.__module__}.{thing.__qualname__}": thing for thing in things}


def public_methods(cls: type) -> dict[str, Callable[..., Any]]:
    """The methods that a class of ours or one of its bases of ours defines, by name."""
    return {
        name: function
        for base in reversed([base for base in cls.__mro__ if _is_ours(base)])
        for name, attribute in vars(base).items()
        if not name.startswith("_") or name == "__call__"
        if (function := _plain(attribute)) is not None
    }


def _is_ours(thing: Any) -> bool:
    return thing.__module__.split(".")[0] in OURS


def _plain(attribute: Any) -> Callable[..., Any] | None:
    """The function of a method; None for a property and what is no method."""
    if isinstance(attribute, classmethod | staticmethod):
        attribute = attribute.__func__
    attribute = inspect.unwrap(attribute) if callable(attribute) else attribute
    return attribute if inspect.isfunction(attribute) else None


def inherited_parameters(cls: type, name: str) -> set[str] | None:
    """Parameters of the method that a class of another library declares; None if none does."""
    for base in cls.__mro__:
        declared = None if _is_ours(base) else vars(base).get(name)
        if declared is not None and base is not object:
            function = _plain(declared)
            return set() if function is None else set(parameters(function))
    return None


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the parameters, `*args` and `**kwargs` with their stars, without `self`."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    names = [
        stars.get(parameter.kind, "") + parameter.name
        for parameter in inspect.signature(function).parameters.values()
    ]
    return [name for name in names if name not in {"self", "cls"}]


def sections(text: str) -> dict[str, str]:
    """The parts of a docstring in Google style by name, without what stands before the first."""
    parts = SECTION.split(inspect.cleandoc(text))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def described(section: str) -> list[str]:
    """The names of the entries of `Args:` or `Raises:`, in their order."""
    return re.findall(r"^    (\*{0,2}\w+)(?: \(optional\))?:", section, re.M)


def raised(function: Callable[..., Any]) -> set[str]:
    """The errors that the body of a function raises by name, those of functions in it left out."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    outer = tree.body[0]
    assert isinstance(outer, ast.FunctionDef)
    errors: set[str] = set()
    left: list[ast.AST] = [*outer.body]
    while left:
        node = left.pop()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            errors.add(ast.unparse(node.exc.func))
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            left.extend(ast.iter_child_nodes(node))
    return {name for name in errors if name[0].isupper()}


def problems(
    function: Callable[..., Any], text: str | None, *, inherited: set[str] | None = None
) -> list[str]:
    """What the docstring `text` of a function lacks, or says of what is not there.

    Parameters that another library declares, `inherited`, are documented there; None if it declares
    no such method.
    """
    if not text:
        return ["has no docstring"]
    parts, existing = sections(text), parameters(function)
    named = described(parts.get("Args", ""))
    left = set() if inherited is None else {*inherited, *(n for n in existing if n[0] == "*")}
    required = [name for name in existing if name not in left]
    lacking = []
    if named != [name for name in existing if name in {*named, *required}]:
        lacking.append(f"`Args:` names {named}, the parameters are {required}")
    if inherited is None and returns(function) and not {"Returns", "Yields"} & set(parts):
        lacking.append("`Returns:` is missing")
    if re.match(r"\n.*:(\s|$)", parts.get("Returns", "")):
        lacking.append("the first line of `Returns:` has a colon, as if a type stood before it")
    lacking += in_prose(text)
    missing = raised(function) - set(described(parts.get("Raises", "")))
    if missing:
        lacking.append(f"`Raises:` does not name {', '.join(sorted(missing))}")
    return lacking


def returns(function: Callable[..., Any]) -> bool:
    """Whether a function returns something; a constructor does not."""
    annotation = inspect.signature(function).return_annotation
    return annotation not in (None, "None") and function.__name__ != "__init__"


def all_problems() -> dict[str, list[str]]:
    broken = {}
    for name, thing in public_objects().items():
        if inspect.isfunction(thing):
            broken[name] = problems(thing, thing.__doc__)
        elif inspect.isclass(thing):
            broken[name] = constructor_problems(thing)
            for method, function in public_methods(thing).items():
                defined = f"{function.__module__}.{function.__qualname__}"
                broken[defined] = problems(
                    function, function.__doc__, inherited=inherited_parameters(thing, method)
                )
    return {name: lacking for name, lacking in broken.items() if lacking}


def constructor_problems(cls: type) -> list[str]:
    """Those of a class; an `__init__` of its own is documented there or with the class."""
    own = vars(cls).get("__init__")
    if own is None or hasattr(cls, "__dataclass_fields__"):
        return dataclass_problems(cls)
    text = "\n\n".join(inspect.cleandoc(doc) for doc in (cls.__doc__, own.__doc__) if doc)
    return problems(own, text, inherited=inherited_parameters(cls, "__init__"))


def dataclass_problems(cls: type) -> list[str]:
    """Those of a class whose fields have docstrings of their own: its errors are to be said."""
    text = str(cls.__doc__ or "")
    missing = {"ValueError"} if "__post_init__" in vars(cls) else set()
    missing -= set(described(sections(text).get("Raises", "")))
    lacking = [f"`Raises:` does not name {name}" for name in sorted(missing)]
    return [*lacking, *in_prose(text)] if text else ["has no docstring"]


def in_prose(text: str) -> list[str]:
    """What a docstring says of errors outside of its section."""
    return ["names an error in prose"] if re.search(r"\bRaises [A-Z]\w+Error", text) else []


def test_what_is_looked_at_is_there() -> None:
    assert len(public_objects()) > 60
    assert len(public_methods(hf_apt.Run)) > 10


def test_public_names_say_what_they_take_return_and_raise() -> None:
    broken = all_problems()
    text = "\n".join(f"  {name}: {'; '.join(lacking)}" for name, lacking in broken.items())
    assert not broken, f"docstrings of public names are in Google style:\n{text}"


@pytest.mark.parametrize("path", sorted((ROOT / "metrics").glob("*/*.py")), ids=lambda p: p.stem)
def test_metrics_say_what_they_take_return_and_raise(path) -> None:
    """What `compute` takes: the two inputs that all have, further inputs, and options."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    metric = next(node for node in module.body if isinstance(node, ast.ClassDef))
    compute = next(
        n for n in metric.body if isinstance(n, ast.FunctionDef) and n.name == "_compute"
    )
    further = [
        node.value
        for node in metric.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "optional_inputs"
    ]
    inputs = list(ast.literal_eval(further[0])) if further else []
    options = [argument.arg for argument in compute.args.args[2:]]
    parts = sections(ast.get_docstring(metric) or "")
    assert described(parts["Args"]) == ["predictions", "references", *inputs, *options]
    assert parts["Returns"].strip()
    assert described(parts["Raises"]) == ["ValueError"]


def whole(one: int, *others: int, last: bool = False) -> int:
    """What a docstring in Google style looks like.

    Args:
        one: a number.
        *others: more numbers.
        last: whether there are no more of them.

    Returns:
        Always 0.

    Raises:
        ValueError: for no number.
    """
    if not one:
        raise ValueError("no number.")
    return 0


def test_a_whole_docstring_lacks_nothing() -> None:
    assert problems(whole, whole.__doc__) == []


@pytest.mark.parametrize(
    ("old", "new", "lacking"),
    [
        ("one: a number", "two: a number", "the parameters are"),
        ("    *others: more numbers.\n", "", "the parameters are"),
        ("    one: a number.\n", "    one: a number.\n    none: no parameter.\n", "names"),
        ("Returns:", "Answer:", "`Returns:` is missing"),
        ("Always 0", "One number: 0", "has a colon"),
        ("ValueError: for", "TypeError: for", "does not name ValueError"),
    ],
)
def test_what_a_docstring_lacks_is_found(old, new, lacking) -> None:
    text = inspect.cleandoc(str(whole.__doc__))  # indented or not, by the version of Python
    assert old in text
    (problem, *_) = problems(whole, text.replace(old, new))
    assert lacking in problem


def test_what_another_library_declares_may_be_left_out() -> None:
    assert (
        problems(whole, "A number.\n\nRaises:\n    ValueError: never.", inherited={"one", "last"})
        == []
    )
    assert problems(whole, whole.__doc__, inherited={"one", "last"}) == []
