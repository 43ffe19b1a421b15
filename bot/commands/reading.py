"""Reading typed words into operations, with answers that name the word that is wrong."""

from collections.abc import Callable
from typing import TypeVar

from bot.errors import UsageError

Value = TypeVar("Value")


def read(parse: Callable[[str], Value], text: str, *, example: str) -> Value:
    """`parse(text)`, its `ValueError` turned into a `UsageError` with the example."""
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(str(error), example=example) from None


def optional(parse: Callable[[str], Value], text: str | None, *, example: str) -> Value | None:
    """The same for an option, which may be absent."""
    return None if text is None else read(parse, text, example=example)
