"""No input of any length or alphabet makes the ways from what is typed, filled in or clicked to values fail."""

import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import edge
from bot.commands import COMMANDS, form_of, list_from, operation_from, understand
from bot.commands.command import ListQuery
from bot.errors import UserError
from bot.form import OpenForm
from bot.operation import Operation
from bot.texts import answers, forms
from bot.words import take_apart
from sandbox.slack.blocks import check_message, check_view

KINDS = ("domain_create", "subdomain_create", "mailbox_create", "mailbox_bulk")
FORMS = {kind: form_of(kind) for kind in KINDS}
words = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from(string.printable + "üß中\u200d\u0130“”\u3002.@-"), max_size=80),
    st.sampled_from(["--name", "--quota", "--quota=5", "example.com", "john@example.com", "7", "team", '"', "name="]),
    st.builds("{}.com".format, st.text(min_size=1, max_size=30)),
    st.builds("{}@{}.com".format, st.text(min_size=1, max_size=10), st.text(min_size=1, max_size=10)),
    st.builds("<http://{0}|{0}>".format, st.text(max_size=10)),
)
junk: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=10), inner, max_size=4)),
    max_leaves=6,
)
names = sorted({field.name for form in FORMS.values() for field in form.fields} | {"wanted", "x"})


def makes_sense(text: str) -> None:
    """It is understood in full, and stored and read back as the same, or refused in a few words with a way on."""
    try:
        asked = understand(text)
    except UserError as refusal:
        can_be_answered(refusal)
        return
    match asked:
        case Operation():
            holds(asked)
        case OpenForm(offer):
            opens(offer.kind, offer.filled)
            check_message(answers.form_offered(offer).content()["blocks"])
        case ListQuery():
            assert list_from(asked.kind, asked.model_dump(mode="json")) == asked
        case _:
            pass


def can_be_answered(refusal: UserError) -> None:
    assert 0 < len(refusal.text) < 1500
    check_message(answers.refusal(refusal).content()["blocks"])
    if refusal.offer is not None:
        opens(refusal.offer.kind, refusal.offer.filled)
        assert FORMS[refusal.offer.kind].check(refusal.offer.filled).wrong == {}


def holds(operation: Operation) -> None:
    assert operation_from(operation.kind, operation.parameters()) == operation
    assert len(set(operation.names())) == len(operation.names()) > 0
    assert operation.title()


def opens(kind: str, filled: Any) -> None:
    check_view(forms.operation_form(FORMS[kind], filled, "{}"))


@given(st.text(max_size=10_000))
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    makes_sense(text)


@given(st.sampled_from([" ".join(command.path) for command in COMMANDS]), st.lists(words, max_size=14))
@settings(max_examples=800, deadline=None)
def test_no_arguments_of_a_command_are_too_strange(command: str, arguments: list[str]) -> None:
    makes_sense(" ".join([command, *arguments]))


@pytest.mark.parametrize(
    "sign", [*"a'\"`<>&|-.@=*\\", "ü", "中", "\x00", "\ud800", "😀", "\u0301", "&lt;", "<http://a|", "—a ", "--a=b "]
)
@pytest.mark.parametrize("command", ["", "domain create ", "mailbox create a@", "mailbox list x.", "task ", "domain "])
def test_no_line_is_too_long(command: str, sign: str) -> None:
    makes_sense(command + sign * (10_000 // len(sign)))


@given(st.text(max_size=1000))
@settings(max_examples=300, deadline=None)
def test_a_line_is_taken_apart_into_what_has_no_invisible_signs(text: str) -> None:
    assert edge.as_meant(text) == edge.as_meant(text).strip()
    typed = take_apart(text)
    assert not {"\u200b", "\u00a0", "\ufeff", "“", "’"} & set("".join(typed.words))


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(names), words, max_size=5))
@settings(max_examples=800, deadline=None)
def test_no_form_is_filled_in_too_strangely(kind: str, raw: dict[str, str]) -> None:
    form = FORMS[kind]
    checked = form.check(raw)
    assert all(str(error) for error in checked.wrong.values())
    asked = form.operation(raw)
    if isinstance(asked, Operation):
        holds(asked)
    else:
        assert set(asked) <= {field.name for field in form.fields}
        assert all(asked.values())


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(names), words, max_size=5), st.lists(words, max_size=4))
@settings(max_examples=500, deadline=None)
def test_no_form_is_typed_too_strangely(kind: str, raw: dict[str, str], typed: list[str]) -> None:
    form = FORMS[kind]
    try:
        form.typed(raw, take_apart(" ".join(typed)), most=2)
    except UserError as refusal:
        can_be_answered(refusal)


@given(
    st.one_of(st.sampled_from([*KINDS, "domains", "mailboxes"]), st.text(max_size=10)),
    st.one_of(junk, st.dictionaries(st.sampled_from(names), junk, max_size=5)),
)
@settings(max_examples=800, deadline=None)
def test_what_a_button_carries_is_read_or_refused_whatever_it_is(kind: str, value: Any) -> None:
    for read in (operation_from, list_from):
        with suppress(ValueError):
            read(kind, value)
