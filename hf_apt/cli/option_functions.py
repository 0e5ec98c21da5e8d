"""Commands whose options are the parameters of a function, said once."""

import inspect
from collections.abc import Callable
from typing import Any


def taking(
    options: Callable[..., Any], **switches: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the parameters of `options` and call it with what they make.

    `switches` are annotated options of the command itself, off unless given, passed by their names.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def parsed(**values: Any) -> None:
            own = {name: values.pop(name) for name in switches}
            command(*options(**values), **own)

        parsed.__doc__ = command.__doc__
        parameters = [
            *inspect.signature(options).parameters.values(),
            *(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation
                )
                for name, annotation in switches.items()
            ),
        ]
        # All but what is returned, whose types are not imported where --help is printed.
        parsed.__signature__ = inspect.Signature(parameters)  # pyright: ignore
        parsed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return parsed

    return decorate
