"""From a typed line to what it asks for: a table of lines, and lines of any kind."""

import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands import COMMANDS, OpenConnectForm, Query, Say, operation_from, understand
from bot.errors import UserError
from bot.operation import Operation

LONG_LABEL = "a" * 63
LONG_LOCAL = "l" * 64


def understood(text: str) -> tuple[Any, ...]:
    """What was understood, as plain values."""
    match understand(text):
        case Operation() as operation:
            return (operation.kind, *operation.parameters().values())
        case Query() as query:
            return (type(query).__name__, *vars(query).values())
        case Say():
            return ("help",)
        case OpenConnectForm():
            return ("connect",)


UNDERSTOOD: dict[str, tuple[Any, ...]] = {
    "": ("help",),
    "   ": ("help",),
    "help": ("help",),
    "--name x": ("help",),
    "HELP": ("help",),
    "help me please": ("help",),
    "connect": ("connect",),
    " Connect ": ("connect",),
    "domain list": ("ListDomains",),
    "DOMAIN   LIST": ("ListDomains",),
    "\tdomain\nlist ": ("ListDomains",),
    "domain\u00a0list": ("ListDomains",),
    "domain create example.com": ("domain_create", "example.com"),
    "domain create Example.COM": ("domain_create", "example.com"),
    "domain create example.com.": ("domain_create", "example.com"),
    "domain create <http://example.com|example.com>": ("domain_create", "example.com"),
    "domain create <https://example.com/x|example.com>": ("domain_create", "example.com"),
    "domain create a.b.c.example.co.uk": ("domain_create", "a.b.c.example.co.uk"),
    "domain create 1and1.com": ("domain_create", "1and1.com"),
    "domain create x-y.example": ("domain_create", "x-y.example"),
    "domain create münchen.de": ("domain_create", "xn--mnchen-3ya.de"),
    "domain create MÜNCHEN.DE": ("domain_create", "xn--mnchen-3ya.de"),
    "domain create xn--mnchen-3ya.de": ("domain_create", "xn--mnchen-3ya.de"),
    "domain create пример.рф": ("domain_create", "xn--e1afmkfd.xn--p1ai"),
    "domain create 例え.jp": ("domain_create", "xn--r8jz45g.jp"),
    "domain create e\uff58ample.com": ("domain_create", "example.com"),
    f"domain create {LONG_LABEL}.com": ("domain_create", f"{LONG_LABEL}.com"),
    'domain create "example.com"': ("domain_create", "example.com"),
    "domain create “example.com”": ("domain_create", "example.com"),
    "subdomain create example.com team": ("subdomain_create", "example.com", ["team"]),
    "subdomain create example.com a b c": ("subdomain_create", "example.com", ["a", "b", "c"]),
    "subdomain create example.com Team TEAM team": ("subdomain_create", "example.com", ["team"]),
    "subdomain create example.com 1 2-3": ("subdomain_create", "example.com", ["1", "2-3"]),
    "subdomain create example.com " + " ".join("abcdefghij"): ("subdomain_create", "example.com", list("abcdefghij")),
    "subdomain create example.com " + " ".join("abcdefghijabc"): (
        "subdomain_create",
        "example.com",
        list("abcdefghij"),
    ),
    "subdomain create <http://example.com|example.com> team": ("subdomain_create", "example.com", ["team"]),
    "mailbox list example.com": ("ListMailboxes", "example.com"),
    "mailbox list <http://example.com|example.com>": ("ListMailboxes", "example.com"),
    "mailbox list münchen.de": ("ListMailboxes", "xn--mnchen-3ya.de"),
    "mailbox create john@example.com": ("mailbox_create", "example.com", "john"),
    "mailbox create John.Doe@Example.com": ("mailbox_create", "example.com", "john.doe"),
    "mailbox create <mailto:john@example.com|john@example.com>": ("mailbox_create", "example.com", "john"),
    "mailbox create john+tag@example.com": ("mailbox_create", "example.com", "john+tag"),
    "mailbox create r&amp;d@example.com": ("mailbox_create", "example.com", "r&d"),
    "mailbox create john@münchen.de": ("mailbox_create", "xn--mnchen-3ya.de", "john"),
    f"mailbox create {LONG_LOCAL}@example.com": ("mailbox_create", "example.com", LONG_LOCAL),
    'mailbox create john@example.com --name "John Doe"': ("mailbox_create", "example.com", "john", "John Doe"),
    "mailbox create john@example.com --name “John Doe”": ("mailbox_create", "example.com", "john", "John Doe"),
    "mailbox create john@example.com --name ‘John Doe’": ("mailbox_create", "example.com", "john", "John Doe"),
    "mailbox create john@example.com --name=John": ("mailbox_create", "example.com", "john", "John"),
    "mailbox create --name John john@example.com": ("mailbox_create", "example.com", "john", "John"),
    'mailbox create john@example.com --NAME "  John   Doe "': ("mailbox_create", "example.com", "john", "John Doe"),
    'mailbox create john@example.com --name "John \\ Doe"': ("mailbox_create", "example.com", "john", "John \\ Doe"),
    'mailbox create j@example.com --name "Ünal &amp; &lt;Co&gt;"': (
        "mailbox_create",
        "example.com",
        "j",
        "Ünal & <Co>",
    ),
    'mailbox create j@example.com --name "Sean O\'Brien"': ("mailbox_create", "example.com", "j", "Sean O'Brien"),
    "mailbox create j@example.com --name 李": ("mailbox_create", "example.com", "j", "李"),
    "mailbox create john@example.com --quota 1024": ("mailbox_create", "example.com", 1024, "john"),
    "mailbox create john@example.com --quota=1": ("mailbox_create", "example.com", 1, "john"),
    "mailbox create john@example.com --quota 1048576": ("mailbox_create", "example.com", 1_048_576, "john"),
    'mailbox create j@example.com --quota 5 --name "J D"': ("mailbox_create", "example.com", 5, "j", "J D"),
    "mailbox bulk example.com team 25": ("mailbox_bulk", "example.com", "team", 25),
    "mailbox bulk Example.com Team 1": ("mailbox_bulk", "example.com", "team", 1),
    "mailbox bulk example.com team 1000": ("mailbox_bulk", "example.com", "team", 1000),
    "mailbox bulk example.com team 007": ("mailbox_bulk", "example.com", "team", 7),
    "mailbox bulk example.com team 25 --quota 512": ("mailbox_bulk", "example.com", 512, "team", 25),
    f"mailbox bulk example.com {'p' * 60} 1000": ("mailbox_bulk", "example.com", "p" * 60, 1000),
    "task 123": ("LookAtTask", 123),
    "task #123": ("LookAtTask", 123),
    "Task 999999999999999999": ("LookAtTask", 999_999_999_999_999_999),
}

REFUSED: dict[str, str] = {
    "helpp": "no command `helpp`",
    "<@U123> now": "no command `&lt;@U123&gt; now`",
    "domain": "`/mail domain list` or `/mail domain create`",
    "domain delete example.com": "`/mail domain` needs one more word",
    "mailbox": "`/mail mailbox bulk`",
    "subdomain": "`/mail subdomain create`",
    "connect Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya": "does not belong in a command",
    "connect --key Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya": "does not belong in a command",
    "connect 'Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya": "does not belong in a command",
    "domain list example.com": "takes nothing after it",
    "domain list --all": "no option `--all`",
    "domain list --all yes": "no option `--all`",
    "domain create": "Name the one domain",
    "domain create a.com b.com": "Name the one domain",
    "domain create example": "`example` is not a domain",
    "domain create .com": "is not a domain",
    "domain create a..com": "is not a domain",
    "domain create -a.com": "is not a domain",
    "domain create a-.com": "is not a domain",
    "domain create a_b.com": "is not a domain",
    "domain create john@example.com": "is not a domain",
    "domain create https://example.com": "is not a domain",
    "domain create <https://example.com>": "`&lt;https://example.com&gt;` is not a domain",
    "domain create 192.0.2.1": "is not a domain",
    "domain create ex`am`ple.com": "`ex’am’ple.com` is not a domain",
    "domain create <!channel>.com": "`&lt;!channel&gt;.com` is not a domain",
    f"domain create {LONG_LABEL}a.com": "is not a domain",
    f"domain create {'a.' * 130}com": "is not a domain",
    "domain create example.com --quota 5": "no option `--quota`",
    "domain create example.com --x=<!here>": "no option `--x`",
    'domain create "example.com': "A quote is open",
    "subdomain create": "Name the parent domain",
    "subdomain create example.com": "Name the parent domain",
    "subdomain create example a": "`example` is not a domain",
    "subdomain create example.com a.b": "`a.b` is not a sub-domain label",
    "subdomain create example.com ü": "is not a sub-domain label",
    f"subdomain create example.com {LONG_LABEL}a": "is not a sub-domain label",
    "subdomain create example.com " + " ".join("abcdefghijk"): "these are 11",
    "mailbox list": "Name the one domain",
    "mailbox list example": "is not a domain",
    "mailbox create": "Name the one address",
    "mailbox create john": "`john` is not a mail address",
    "mailbox create @example.com": "is not a mail address",
    "mailbox create john@": "`` is not a domain",
    "mailbox create a@b@example.com": "`a@b` cannot stand before the @",
    "mailbox create .john@example.com": "cannot stand before the @",
    "mailbox create jo..hn@example.com": "cannot stand before the @",
    "mailbox create jöhn@example.com": "cannot stand before the @",
    f"mailbox create {LONG_LOCAL}l@example.com": "cannot stand before the @",
    "mailbox create john@example.com John Doe": "a name of several words stands in quotes",
    "mailbox create john@example.com --name John Doe": "a name of several words stands in quotes",
    "mailbox create john@example.com --name": "`--name` needs a value",
    "mailbox create john@example.com --name --quota 5": "`--name` needs a value",
    'mailbox create john@example.com --name ""': "1 to 200 visible characters",
    'mailbox create john@example.com --name "a\x00b"': "1 to 200 visible characters",
    'mailbox create john@example.com --name "a\u202eb"': "1 to 200 visible characters",
    f"mailbox create john@example.com --name {'n' * 201}": "1 to 200 visible characters",
    "mailbox create john@example.com --name a --name b": "`--name` is there twice",
    "mailbox create john@example.com --quota 0": "`0` is not a quota",
    "mailbox create john@example.com --quota -5": "`-5` is not a quota",
    "mailbox create john@example.com --quota 1048577": "is not a quota",
    "mailbox create john@example.com --quota 1GB": "`1GB` is not a quota",
    "mailbox create john@example.com --quota ١٢": "is not a quota",
    "mailbox create john@example.com --quota=": "is not a quota",
    "mailbox create john@example.com --size 5": "no option `--size`",
    "mailbox bulk example.com team": "Name the domain, a prefix and how many",
    "mailbox bulk example.com team many": "`many` is not a number",
    "mailbox bulk example.com team 0": "`0` is not a number",
    "mailbox bulk example.com team -1": "`-1` is not a number",
    "mailbox bulk example.com team 1001": "1,001 mailboxes are too many",
    "mailbox bulk example.com te@m 5": "cannot stand before the @",
    f"mailbox bulk example.com {'p' * 61} 1000": "longer than 64",
    "task": "Name the one number",
    "task abc": "`abc` is not a task number",
    "task -1": "is not a task number",
    "task 1.5": "is not a task number",
    "task 1 2": "Name the one number",
    "task 9999999999999999999": "is not a task number",
}


@pytest.mark.parametrize(("text", "asked"), UNDERSTOOD.items(), ids=map(repr, UNDERSTOOD))
def test_a_typed_line_is_understood(text: str, asked: tuple[Any, ...]) -> None:
    assert understood(text) == asked


@pytest.mark.parametrize(("text", "why"), REFUSED.items(), ids=map(repr, REFUSED))
def test_a_line_that_cannot_be_understood_is_answered_with_what_is_wrong_and_an_example(text: str, why: str) -> None:
    with pytest.raises(UserError) as refusal:
        understand(text)
    assert why in refusal.value.text
    assert refusal.value.example is not None
    assert understood(refusal.value.example.removeprefix("/mail "))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.path))
def test_the_example_of_each_command_is_understood(command: Any) -> None:
    assert command.example.startswith("/mail " + " ".join(command.path))
    assert understood(command.example.removeprefix("/mail "))


def test_a_key_that_was_typed_is_not_repeated() -> None:
    with pytest.raises(UserError) as refusal:
        understand("connect Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya")
    assert "Zk9Q" not in refusal.value.text + str(refusal.value.example)


def answered(text: str) -> Operation | str | None:
    """What a line asks to create, or why it cannot be understood, or nothing of either kind."""
    try:
        asked = understand(text)
    except UserError as refusal:
        return refusal.text
    return asked if isinstance(asked, Operation) else None


def makes_sense(text: str) -> None:
    """It is understood in full, and stored and read back as the same, or refused in a few words."""
    answer = answered(text)
    if isinstance(answer, Operation):
        assert operation_from(answer.kind, answer.parameters()) == answer
        assert len(set(answer.names())) == len(answer.names()) > 0
        assert answer.title()
    elif answer is not None:
        assert 0 < len(answer) < 1000


@given(st.text(max_size=10_000))
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    makes_sense(text)


@given(
    st.sampled_from([" ".join(command.path) for command in COMMANDS]),
    st.lists(
        st.one_of(
            st.text(max_size=40),
            st.text(st.sampled_from(string.printable + "üß中\u200d\u0130“”\u3002.@-"), max_size=80),
            st.sampled_from(["--name", "--quota", "--quota=5", "example.com", "john@example.com", "7", "team", '"']),
            st.builds("{}.com".format, st.text(min_size=1, max_size=30)),
            st.builds("{}@{}.com".format, st.text(min_size=1, max_size=10), st.text(min_size=1, max_size=10)),
        ),
        max_size=14,
    ),
)
@settings(max_examples=800, deadline=None)
def test_no_arguments_of_a_command_are_too_strange(command: str, arguments: list[str]) -> None:
    makes_sense(" ".join([command, *arguments]))


@pytest.mark.parametrize(
    "sign", [*"a'\"`<>&|-.@=*\\", "ü", "中", "\x00", "\ud800", "😀", "\u0301", "&lt;", "<http://a|"]
)
@pytest.mark.parametrize("command", ["", "domain create ", "mailbox create a@", "mailbox list x.", "task "])
def test_no_line_is_too_long(command: str, sign: str) -> None:
    makes_sense(command + sign * (10_000 // len(sign)))
