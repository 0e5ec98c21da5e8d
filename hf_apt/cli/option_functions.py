"""Options of several commands, each said once and handed over as what is made of it."""

import inspect
from collections.abc import Callable
from typing import Any


def with_options(
    *sources: Callable[..., tuple[Any, ...]],
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function the options of `sources`, and call it with what they make of the values.

    A source is a function with options as its keywords, such as another one of this kind, or a
    `ConfigOptions`. The function takes what they return, one after the other, by position; its
    keyword-only parameters are options of its own.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        parts = [list(inspect.signature(source).parameters.values()) for source in sources]
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        own = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
        signature = inspect.Signature([each for part in (*parts, own) for each in part])

        def parsed(**values: Any) -> Any:
            signature.bind(**values)
            *given, given_own = (
                {each.name: values[each.name] for each in part if each.name in values}
                for part in (*parts, own)
            )
            made = [source(**taken) for source, taken in zip(sources, given, strict=True)]
            return function(*(each for results in made for each in results), **given_own)

        parsed.__doc__ = function.__doc__
        parsed.__signature__ = signature  # pyright: ignore
        parsed.__annotations__ = {
            name: each.annotation for name, each in signature.parameters.items()
        }
        return parsed

    return decorate
