"""Reading typed words into operations, with answers that name the word that is wrong."""

from collections.abc import Callable
from typing import TypeVar

from bot.errors import NotADomain, UsageError

Value = TypeVar("Value")


def read(parse: Callable[[str], Value], text: str, *, example: str) -> Value:
    """`parse(text)`, its `ValueError` turned into a `UsageError` with the example."""
    try:
        return parse(text)
    except NotADomain as error:
        raise UsageError(str(error), example=example, domain=error.word) from None
    except ValueError as error:
        raise UsageError(str(error), example=example) from None
