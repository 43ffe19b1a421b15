"""A create as a form: the same fields, whether they are typed in a line or filled in on a screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import FieldError, NotADomain, Offer, UsageError
from bot.operation import Operation
from bot.texts import refusals
from bot.texts.fields import Element
from bot.words import Typed

Raw = Mapping[str, str]
"""What was typed, by field, before it is checked."""


@dataclass(frozen=True)
class OpenForm:
    """The form for an operation, with what was typed of it."""

    offer: Offer


@dataclass(frozen=True)
class Field:
    """One thing to fill in; `parse` gives its value, or raises `ValueError` with what is wrong, as mrkdwn."""

    name: str
    label: str
    hint: str
    parse: Callable[[str], Any]
    element: Element = Element.TEXT
    option: str = ""
    """Its name in a typed line, for what may be left out."""

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return bool(self.option)


@dataclass(frozen=True)
class Checked:
    """What became of each field: its value, or what is wrong with it, or that it is missing."""

    values: Mapping[str, Any]
    wrong: Mapping[str, ValueError]
    missing: tuple[Field, ...]


@dataclass(frozen=True)
class Form:
    """The way to an operation; `build` may raise `FieldError` where values do not go together."""

    kind: str
    title: str
    fields: tuple[Field, ...]
    build: Callable[..., Operation]
    example: str
    spare: str = ""
    """How a word too many may have come about."""

    def check(self, raw: Raw) -> Checked:
        """Parse every field that was filled in."""
        values: dict[str, Any] = {}
        wrong: dict[str, ValueError] = {}
        for field in self.fields:
            text = raw.get(field.name, "").strip()
            try:
                if text:
                    values[field.name] = field.parse(text)
            except ValueError as error:
                wrong[field.name] = error
        filled = values.keys() | wrong.keys()
        missing = tuple(field for field in self.fields if field.name not in filled and not field.optional)
        return Checked(values, wrong, missing)

    def operation(self, raw: Raw) -> Operation | Mapping[str, str]:
        """The operation, or what is wrong or missing, by field."""
        checked = self.check(raw)
        problems = {field.name: refusals.FILL_IN for field in checked.missing} | {
            name: str(error) for name, error in checked.wrong.items()
        }
        if problems:
            return problems
        try:
            return self.build(**checked.values)
        except FieldError as error:
            return {error.name: str(error)}

    def typed(self, raw: Raw, typed: Typed, *, most: int | None = None) -> Operation | OpenForm:
        """What a typed line asks for: the operation, or the form where something is missing.

        `raw` has what stands in the line by field; of its words, up to `most` stand for something, or all of them.
        Raises `UsageError` where something is wrong, with what was understood and the form to go on in.
        """
        checked = self.check(raw)
        right = {name: raw[name] for name in checked.values}
        known = {field.option for field in self.fields if field.option}
        unknown = next((name for name in typed.options if name not in known), None)
        if unknown is not None:
            raise self._wrong(refusals.unknown_option(unknown), right)
        if typed.problem is not None:
            raise self._wrong(typed.problem, right)
        if most is not None and len(typed.words) > most:
            raise self._wrong(refusals.word_too_many(typed.words[most], self.spare), right)
        for error in checked.wrong.values():
            raise self._wrong(str(error), right, domain=error.word if isinstance(error, NotADomain) else None)
        if checked.missing:
            return OpenForm(Offer(self.kind, right))
        try:
            return self.build(**checked.values)
        except FieldError as error:
            right.pop(error.name, None)
            raise self._wrong(str(error), right) from None

    def _wrong(self, problem: str, right: Raw, *, domain: str | None = None) -> UsageError:
        labelled = {field.label: right[field.name] for field in self.fields if field.name in right}
        said = refusals.understood(problem, labelled)
        return UsageError(said, example=self.example, offer=Offer(self.kind, right), domain=domain)
