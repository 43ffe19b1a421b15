"""The provider's loose forms, read into one form each; nothing here fails on an odd value, it gives `None`."""

import json
import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

LONGEST_WORDING = 300
"""Characters of the provider's words that are kept; a reason is a sentence, more than that is a stack trace."""

MEGABYTES = {"": 1, "M": 1, "MB": 1, "G": 1024, "GB": 1024, "T": 1024**2, "TB": 1024**2}
"""How many megabytes a unit holds; the reference's own "1024MB" shows that they are counted in binary."""


def wording(value: Any) -> str | None:
    """The provider's words on one line and at most `LONGEST_WORDING` long; `None` if there are none.

    A reason that comes as a list or a map is shown as JSON: better odd words than none.
    """
    if value is None or value in ("", [], {}):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (line if len(line) <= LONGEST_WORDING else line[: LONGEST_WORDING - 1] + "…") or None


def whole_number(value: Any) -> int | None:
    """15 for `15`, `15.0` and `"15"`; `None` for what is no whole number of at least zero."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    digits = re.fullmatch(r"\s*([0-9]{1,18})\s*", str(value)) if isinstance(value, int | str) else None
    return int(digits[1]) if digits else None


def megabytes(size: str | None) -> int | None:
    """10240 for "10GB"; a bare number counts megabytes; `None` for "unlimited" and the like."""
    parts = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*", size or "")
    unit = MEGABYTES.get(parts[2].upper()) if parts else None
    return int(float(parts[1]) * unit) if parts and unit else None


def day(value: Any) -> date | None:
    """The date of "14-04-2026", or of an ISO date, with or without a time after it."""
    text = str(value)[:10]
    for form in ("%d-%m-%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  a day of the provider's calendar, in no zone
        except ValueError:
            continue
    return None


def named(results: Any, name: str) -> list[dict[str, Any]]:
    """The entries of a map by name, each with its name as field `name`.

    PHP's empty map `[]` and null have none; an entry that is a mere word is its status.

    Raises:
        ValueError: `results` is no map.
    """
    if results is None or results == []:
        return []
    if not isinstance(results, dict):
        raise ValueError("not a map by name")  # noqa: TRY004  pydantic understands only ValueError
    return [{**(entry if isinstance(entry, dict) else {"status": entry}), name: key} for key, entry in results.items()]


def task_id_of(answer: Any) -> int | None:
    """The id under `task_id` or `Task_id`, as a number or in digits; `None` if neither is usable."""
    ids = (whole_number(answer.get(name)) for name in ("task_id", "Task_id"))
    return next((number for number in ids if number), None)


Words = Annotated[str | None, BeforeValidator(wording)]
Word = Annotated[str, BeforeValidator(lambda value: wording(value) or "")]
Number = Annotated[int | None, BeforeValidator(whole_number)]
Day = Annotated[date | None, BeforeValidator(day)]
