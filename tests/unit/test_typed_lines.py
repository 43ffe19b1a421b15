"""From a typed line, as Slack delivers it, to what is understood of it."""

from typing import Any

import pytest

from bot.commands import COMMANDS, understand
from bot.commands.command import ListQuery, Say
from bot.errors import UserError
from bot.form import OpenForm
from bot.operation import Operation

Understood = tuple[str, dict[str, Any]]
JOHN = {"domain": "example.com", "local_part": "john"}
TEAM = {"domain": "example.com", "prefix": "team"}
EVERYTHING = ", ".join(" ".join(command.path) for command in COMMANDS)


def asks(what: str, **values: Any) -> Understood:
    """Something that can be done at once."""
    return f"asks {what}", values


def form(kind: str, **filled: str) -> Understood:
    """Something with a part missing: the form, with what is there filled in."""
    return f"form {kind}", filled


def helps(about: str) -> Understood:
    """The help about some commands."""
    return f"helps {about}", {}


def wrong(says: str, form: str | None = None, **filled: str) -> Understood:
    """An answer that says what is wrong, and the form that goes on from what was right."""
    return f"wrong {says} {form}", filled


LINES: dict[str, tuple[str, Understood]] = {
    # The way in and the help.
    "nothing": ("", asks("Overview")),
    "spaces only": ("   ", asks("Overview")),
    "invisible signs only": ("\u00a0\u200b", asks("Overview")),
    "a lone quote": ('"', asks("Overview")),
    "an empty quote": ('""', asks("Overview")),
    "help": ("help", helps(EVERYTHING)),
    "help in capitals": ("HELP", helps(EVERYTHING)),
    "help about a topic": ("help mailbox", helps("mailbox list, mailbox create, mailbox bulk")),
    "help about a topic in capitals": ("help Domain", helps("domain list, domain create")),
    "help about a whole command": ("help mailbox bulk", helps("mailbox list, mailbox create, mailbox bulk")),
    "help about what there is not": (
        "help billing",
        wrong("There is no help about `billing`. Topics: help, explain, connect, "),
    ),
    "help with an option": ("help --all", wrong("There is no option `--all` here.")),
    "connect": ("connect", asks("OpenConnectForm")),
    "connect with spaces around": (" Connect ", asks("OpenConnectForm")),
    "connect with a key": ("connect Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya", wrong("A key does not belong in a command")),
    "connect with a key as an option": (
        "connect --key=Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya",
        wrong("A key does not belong in a command"),
    ),
    "connect with a key behind a dash": (
        "connect —key Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya",
        wrong("A key does not belong in a command"),
    ),
    "connect with a key in an open quote": (
        "connect 'Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya",
        wrong("A key does not belong in a command"),
    ),
    "status": ("status", asks("Status")),
    "status in capitals": ("STATUS", asks("Status")),
    "status with a word": ("status now", wrong("This command takes nothing after it.")),
    "tasks": ("tasks", asks("Tasks", mine=False)),
    "tasks of one's own": ("tasks Mine", asks("Tasks", mine=True)),
    "tasks of somebody else": (
        "tasks <@U123|ana>",
        wrong("Recent requests are those of this channel and your own, or with `mine` only your own."),
    ),
    "disconnect": ("disconnect", asks("Disconnect")),
    "disconnect with a word": ("disconnect now", wrong("This command takes nothing after it.")),
    "disconnect with an option": ("disconnect --force", wrong("There is no option `--force` here.")),
    "a task": ("task 123", asks("LookAtTask", task_id=123)),
    "a task with its sign": ("task #123", asks("LookAtTask", task_id=123)),
    "a task in capitals": ("TASK 999999999999999999", asks("LookAtTask", task_id=999999999999999999)),
    "a task without its number": ("task", wrong("Name the one number of the task.")),
    "a task in words": ("task last", wrong("`last` is not a task number.")),
    "a negative task": ("task -1", wrong("`-1` is not a task number.")),
    "two tasks": ("task 1 2", wrong("Name the one number of the task.")),
    "a task that is too long": ("task 9999999999999999999", wrong("`9999999999999999999` is not a task number.")),
    "the audit": ("audit", asks("AuditQuery", words=(), page=1)),
    "the audit of a person": ("Audit <@U123|ana>", asks("AuditQuery", words=("U123",), page=1)),
    "the audit of a person without a name": ("audit <@U123>", asks("AuditQuery", words=("U123",), page=1)),
    "the audit of a channel": ("audit <#C123|mail>", asks("AuditQuery", words=("C123",), page=1)),
    "the audit by words": (
        'audit Refused "not this month"',
        asks("AuditQuery", words=("Refused", "not this month"), page=1),
    ),
    "the audit by a linked domain": (
        "audit <http://Example.com|Example.com>",
        asks("AuditQuery", words=("Example.com",), page=1),
    ),
    "the audit by nothing in quotes": ('audit ""', asks("AuditQuery", words=(), page=1)),
    "the audit by too much": ("audit " + "x" * 101, wrong("What to look for has at most 100 characters.")),
    # Lists.
    "domains": ("domain list", asks("domains")),
    "domains in capitals with spaces": ("DOMAIN   LIST", asks("domains")),
    "domains on several lines": ("\tdomain\nlist ", asks("domains")),
    "domains with a no-break space": ("domain\u00a0list", asks("domains")),
    "domains with a narrow no-break space": ("domain\u202flist", asks("domains")),
    "domains with invisible signs": ("\u200bdomain\u200d li\u200bst\ufeff", asks("domains")),
    "domains by a filter": ("domain list Exam", asks("domains", wanted="exam")),
    "domains by a linked filter": (
        "domain list <http://Example.com|Example.com>",
        asks("domains", wanted="example.com"),
    ),
    "domains by two filters": ("domain list a b", wrong("The list of domains takes one word to look for at most.")),
    "domains with an option": ("domain list --all yes", wrong("There is no option `--all` here.")),
    "domains with an option without a value": ("domain list --all", wrong("There is no option `--all` here.")),
    "mailboxes": ("mailbox list example.com", asks("mailboxes", domain="example.com")),
    "mailboxes of a linked domain": (
        "mailbox list <http://example.com|example.com>",
        asks("mailboxes", domain="example.com"),
    ),
    "mailboxes of an international domain": ("mailbox list münchen.de", asks("mailboxes", domain="xn--mnchen-3ya.de")),
    "mailboxes by a filter": ("mailbox list example.com TEAM", asks("mailboxes", wanted="team", domain="example.com")),
    "mailboxes of nothing": ("mailbox list", wrong("Name the one domain whose mailboxes to show.")),
    "mailboxes of no domain": ("mailbox list example", wrong("`example` is not a domain.")),
    "mailboxes by two filters": ("mailbox list example.com a b", wrong("Name the one domain whose mailboxes to show.")),
    # A domain.
    "domain": ("domain create example.com", asks("domain_create", domain="example.com")),
    "domain in capitals": ("domain create Example.COM", asks("domain_create", domain="example.com")),
    "domain with a dot behind": ("domain create example.com.", asks("domain_create", domain="example.com")),
    "linked domain": ("domain create <http://example.com|example.com>", asks("domain_create", domain="example.com")),
    "linked domain in capitals": (
        "domain create <http://Example.COM|Example.COM>",
        asks("domain_create", domain="example.com"),
    ),
    "linked domain without a label": (
        "domain create <https://example.com>",
        asks("domain_create", domain="example.com"),
    ),
    "linked domain with a slash": ("domain create <https://example.com/>", asks("domain_create", domain="example.com")),
    "linked page": (
        "domain create <https://example.com/x>",
        wrong("`example.com/x` is not a domain.", "domain_create"),
    ),
    "domain in quotes": ('domain create "example.com"', asks("domain_create", domain="example.com")),
    "domain in curly quotes": ("domain create “example.com”", asks("domain_create", domain="example.com")),
    "domain with a soft hyphen": ("domain create ex\u00adample.com", asks("domain_create", domain="example.com")),
    "domain with many labels": (
        "domain create a.b.c.example.co.uk",
        asks("domain_create", domain="a.b.c.example.co.uk"),
    ),
    "domain with an umlaut": ("domain create münchen.de", asks("domain_create", domain="xn--mnchen-3ya.de")),
    "domain with an umlaut in capitals": (
        "domain create MÜNCHEN.DE",
        asks("domain_create", domain="xn--mnchen-3ya.de"),
    ),
    "domain with an umlaut in two signs": (
        "domain create mu\u0308nchen.de",
        asks("domain_create", domain="xn--mnchen-3ya.de"),
    ),
    "linked domain with an umlaut": (
        "domain create <http://münchen.de|münchen.de>",
        asks("domain_create", domain="xn--mnchen-3ya.de"),
    ),
    "domain in punycode": ("domain create xn--mnchen-3ya.de", asks("domain_create", domain="xn--mnchen-3ya.de")),
    "domain with a sharp s": ("domain create straße.de", asks("domain_create", domain="xn--strae-oqa.de")),
    "domain in Cyrillic": ("domain create пример.рф", asks("domain_create", domain="xn--e1afmkfd.xn--p1ai")),
    "domain with an ideographic dot": ("domain create 例え。jp", asks("domain_create", domain="xn--r8jz45g.jp")),
    "domain in full width": ("domain create e\uff58ample.com", asks("domain_create", domain="example.com")),
    "no domain": ("domain create", form("domain_create")),
    "domain without a dot": ("domain create example", wrong("`example` is not a domain.", "domain_create")),
    "domain that is a number": ("domain create 192.0.2.1", wrong("`192.0.2.1` is not a domain.", "domain_create")),
    "domain that is an address": (
        "domain create <mailto:john@example.com|john@example.com>",
        wrong("`john@example.com` is not a domain.", "domain_create"),
    ),
    "domain that is a broadcast": (
        "domain create <!channel>",
        wrong("`&lt;!channel&gt;` is not a domain.", "domain_create"),
    ),
    "domain that is a channel": (
        "domain create <#C0123ABC|general>",
        wrong("`#general` is not a domain.", "domain_create"),
    ),
    "domain that is a private channel": (
        "domain create <#C0123ABC>",
        wrong("`C0123ABC` is not a domain.", "domain_create"),
    ),
    "domain that is a person": ("domain create <@U123|ana>", wrong("`@ana` is not a domain.", "domain_create")),
    "domain with an empty label": ("domain create a..com", wrong("`a..com` is not a domain.", "domain_create")),
    "domain with a hyphen before": ("domain create -a.com", wrong("`-a.com` is not a domain.", "domain_create")),
    "domain with an underscore": ("domain create a_b.com", wrong("`a_b.com` is not a domain.", "domain_create")),
    "domain between backticks": (
        "domain create `example.com`",
        wrong("`’example.com’` is not a domain.", "domain_create"),
    ),
    "two domains": (
        "domain create a.com b.com",
        wrong("`b.com` is one word too many", "domain_create", domain="a.com"),
    ),
    "domain with an option": (
        "domain create example.com --quota 5",
        wrong("There is no option `--quota` here.", "domain_create", domain="example.com"),
    ),
    "domain in an open quote": (
        'domain create "example.com',
        wrong("A quote is open", "domain_create", domain="example.com"),
    ),
    # Sub-domains.
    "sub-domain": (
        "subdomain create example.com team",
        asks("subdomain_create", parent="example.com", labels=["team"]),
    ),
    "sub-domains with repetitions": (
        "subdomain create Example.com Team TEAM team",
        asks("subdomain_create", parent="example.com", labels=["team"]),
    ),
    "sub-domains with commas": (
        "subdomain create example.com team, support,billing",
        asks("subdomain_create", parent="example.com", labels=["team", "support", "billing"]),
    ),
    "sub-domain of a linked domain": (
        "subdomain create <http://example.com|example.com> team",
        asks("subdomain_create", parent="example.com", labels=["team"]),
    ),
    "ten sub-domains": (
        "subdomain create example.com a b c d e f g h i j",
        asks("subdomain_create", parent="example.com", labels=["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]),
    ),
    "sub-domains of numbers": (
        "subdomain create example.com 1 2-3",
        asks("subdomain_create", parent="example.com", labels=["1", "2-3"]),
    ),
    "no sub-domain": ("subdomain create", form("subdomain_create")),
    "sub-domain without labels": ("subdomain create example.com", form("subdomain_create", parent="example.com")),
    "sub-domain of no domain": (
        "subdomain create example team support",
        wrong("`example` is not a domain.", "subdomain_create", labels="team support"),
    ),
    "sub-domain in full": (
        "subdomain create example.com <http://team.example.com|team.example.com>",
        wrong("`team.example.com` is not a sub-domain label", "subdomain_create", parent="example.com"),
    ),
    "sub-domain with an umlaut": (
        "subdomain create example.com ü",
        wrong("`ü` is not a sub-domain label", "subdomain_create", parent="example.com"),
    ),
    "eleven sub-domains": (
        "subdomain create example.com a b c d e f g h i j k",
        wrong(
            "MailAPI takes up to 10 sub-domains in a request, and these are 11.",
            "subdomain_create",
            parent="example.com",
        ),
    ),
    "sub-domain with an option": (
        "subdomain create example.com team --ttl 5",
        wrong("There is no option `--ttl` here.", "subdomain_create", parent="example.com", labels="team"),
    ),
    # A mailbox.
    "mailbox": ("mailbox create john@example.com", asks("mailbox_create", **JOHN)),
    "linked mailbox": ("mailbox create <mailto:john@example.com|john@example.com>", asks("mailbox_create", **JOHN)),
    "linked mailbox without a label": ("mailbox create <mailto:john@example.com>", asks("mailbox_create", **JOHN)),
    "linked mailbox in capitals": (
        "mailbox create <mailto:John.Doe@Example.com|John.Doe@Example.com>",
        asks("mailbox_create", domain="example.com", local_part="john.doe"),
    ),
    "mailbox with a plus": (
        "mailbox create john+tag@example.com",
        asks("mailbox_create", domain="example.com", local_part="john+tag"),
    ),
    "mailbox with an ampersand": (
        "mailbox create r&amp;d@example.com",
        asks("mailbox_create", domain="example.com", local_part="r&d"),
    ),
    "mailbox at an international domain": (
        "mailbox create john@münchen.de",
        asks("mailbox_create", domain="xn--mnchen-3ya.de", local_part="john"),
    ),
    "name in quotes": (
        'mailbox create john@example.com --name "John Doe"',
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name in curly quotes": (
        "mailbox create john@example.com --name “John Doe”",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name in German quotes": (
        "mailbox create john@example.com --name \u201eJohn Doe“",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name in French quotes": (
        "mailbox create john@example.com --name «John Doe»",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name in single curly quotes": (
        "mailbox create john@example.com --name ‘John Doe’",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name behind an equals sign": (
        "mailbox create john@example.com --name=John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name in quotes behind an equals sign": (
        'mailbox create john@example.com --name="John Doe"',
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name without dashes": (
        "mailbox create john@example.com name=John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name in curly quotes without dashes": (
        "mailbox create john@example.com name=“John Doe”",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name behind an em dash": (
        "mailbox create john@example.com —name John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name behind an en dash": (
        "mailbox create john@example.com –name John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name behind an en dash and a hyphen": (
        "mailbox create john@example.com –-name John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name behind an em dash with an equals sign": (
        "mailbox create john@example.com —name=“John Doe”",
        asks("mailbox_create", **JOHN, display_name="John Doe"),
    ),
    "name with an apostrophe in quotes": (
        'mailbox create john@example.com --name "Sean O\'Brien"',
        asks("mailbox_create", **JOHN, display_name="Sean O'Brien"),
    ),
    "name with a curly apostrophe in curly quotes": (
        "mailbox create john@example.com --name “Sean O’Brien”",
        asks("mailbox_create", **JOHN, display_name="Sean O'Brien"),
    ),
    "name with a bare apostrophe": (
        "mailbox create john@example.com --name O’Brien",
        asks("mailbox_create", **JOHN, display_name="O'Brien"),
    ),
    "name with entities": (
        'mailbox create john@example.com --name "R&amp;D &lt;Co&gt;"',
        asks("mailbox_create", **JOHN, display_name="R&D <Co>"),
    ),
    "name with a no-break space": (
        'mailbox create john@example.com --name "J\u00a0D"',
        asks("mailbox_create", **JOHN, display_name="J D"),
    ),
    "name with a hidden sign": (
        "mailbox create john@example.com --name \u202egnp",
        asks("mailbox_create", **JOHN, display_name="gnp"),
    ),
    "name with a backslash": (
        'mailbox create john@example.com --name "John \\ Doe"',
        asks("mailbox_create", **JOHN, display_name="John \\ Doe"),
    ),
    "name in Chinese": ("mailbox create john@example.com --name 李", asks("mailbox_create", **JOHN, display_name="李")),
    "name before the address": (
        "mailbox create --name John john@example.com",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "name in capitals": (
        "mailbox create john@example.com --NAME John",
        asks("mailbox_create", **JOHN, display_name="John"),
    ),
    "quota": ("mailbox create john@example.com --quota 1024", asks("mailbox_create", **JOHN, quota_mb=1024)),
    "quota in megabytes": (
        "mailbox create john@example.com --quota 1024MB",
        asks("mailbox_create", **JOHN, quota_mb=1024),
    ),
    "quota in gigabytes": (
        "mailbox create john@example.com --quota 1GB",
        asks("mailbox_create", **JOHN, quota_mb=1024),
    ),
    "quota in gigabytes without dashes": (
        "mailbox create john@example.com quota=2gb",
        asks("mailbox_create", **JOHN, quota_mb=2048),
    ),
    "quota with a space": (
        'mailbox create john@example.com --quota "1 GB"',
        asks("mailbox_create", **JOHN, quota_mb=1024),
    ),
    "quota in capitals": ("mailbox create john@example.com --QUOTA=1G", asks("mailbox_create", **JOHN, quota_mb=1024)),
    "quota and name": (
        "mailbox create john@example.com quota=1GB name=John",
        asks("mailbox_create", **JOHN, quota_mb=1024, display_name="John"),
    ),
    "quota in terabytes": (
        "mailbox create john@example.com --quota 1TB",
        wrong("`1TB` is not a quota", "mailbox_create", **JOHN),
    ),
    "quota of nothing": (
        "mailbox create john@example.com --quota 0",
        wrong("`0` is not a quota", "mailbox_create", **JOHN),
    ),
    "negative quota": (
        "mailbox create john@example.com --quota -5",
        wrong("`-5` is not a quota", "mailbox_create", **JOHN),
    ),
    "quota in words": (
        "mailbox create john@example.com --quota much",
        wrong("`much` is not a quota", "mailbox_create", **JOHN),
    ),
    "quota without a value": (
        "mailbox create john@example.com --quota=",
        wrong("`--quota` needs a value after it.", "mailbox_create", **JOHN),
    ),
    "quota with a comma": (
        "mailbox create john@example.com --quota 1,024",
        wrong("`1,024` is not a quota", "mailbox_create", **JOHN),
    ),
    "quota in other digits": (
        "mailbox create john@example.com --quota ١٢",
        wrong("`١٢` is not a quota", "mailbox_create", **JOHN),
    ),
    "quota beyond the most": (
        "mailbox create john@example.com --quota 1025GB",
        wrong("`1025GB` is not a quota", "mailbox_create", **JOHN),
    ),
    "option that there is not": (
        "mailbox create john@example.com --size 5",
        wrong("There is no option `--size` here.", "mailbox_create", **JOHN),
    ),
    "option that there is not without dashes": (
        "mailbox create john@example.com size=5",
        wrong("`size=5` is one word too many", "mailbox_create", **JOHN),
    ),
    "no mailbox": ("mailbox create", form("mailbox_create")),
    "mailbox without a domain": ("mailbox create john", form("mailbox_create", local_part="john")),
    "mailbox without a domain behind the @": ("mailbox create john@", form("mailbox_create", local_part="john")),
    "mailbox without a name before the @": (
        "mailbox create @example.com",
        form("mailbox_create", domain="example.com"),
    ),
    "options of no mailbox": (
        "mailbox create --name John --quota 1GB",
        form("mailbox_create", display_name="John", quota_mb="1GB"),
    ),
    "mailbox at no domain": (
        "mailbox create john@example",
        wrong("`example` is not a domain.", "mailbox_create", local_part="john"),
    ),
    "mailbox with two dots": (
        "mailbox create jo..hn@example.com",
        wrong("`jo..hn` cannot stand before the @", "mailbox_create", domain="example.com"),
    ),
    "mailbox with two @": (
        "mailbox create a@b@example.com",
        wrong("`a@b` cannot stand before the @", "mailbox_create", domain="example.com"),
    ),
    "mailbox with an umlaut": (
        "mailbox create jöhn@example.com",
        wrong("`jöhn` cannot stand before the @", "mailbox_create", domain="example.com"),
    ),
    "two mailboxes": (
        "mailbox create a@example.com b@example.com",
        wrong("`b@example.com` is one word too many", "mailbox_create", domain="example.com", local_part="a"),
    ),
    "name without quotes": (
        "mailbox create john@example.com --name John Doe",
        wrong("`Doe` is one word too many", "mailbox_create", **JOHN, display_name="John"),
    ),
    "name without quotes or option": (
        "mailbox create john@example.com John Doe",
        wrong("`John` is one word too many", "mailbox_create", **JOHN),
    ),
    "name without a value": (
        "mailbox create john@example.com --name",
        wrong("`--name` needs a value after it.", "mailbox_create", **JOHN),
    ),
    "name without a value before an option": (
        "mailbox create john@example.com --name --quota 5",
        wrong("`--name` needs a value after it.", "mailbox_create", **JOHN, quota_mb="5"),
    ),
    "empty name": (
        'mailbox create john@example.com --name ""',
        wrong("`--name` needs a value after it.", "mailbox_create", **JOHN),
    ),
    "name with a control character": (
        'mailbox create john@example.com --name "a\u0007b"',
        wrong("A name has 1 to 200 visible characters.", "mailbox_create", **JOHN),
    ),
    "name twice": (
        "mailbox create john@example.com --name a --name b",
        wrong("`--name` is there twice.", "mailbox_create", **JOHN, display_name="b"),
    ),
    "open quote": (
        'mailbox create john@example.com --name "John',
        wrong("A quote is open", "mailbox_create", **JOHN, display_name="John"),
    ),
    "open curly quote": (
        "mailbox create john@example.com --name “John",
        wrong("A quote is open", "mailbox_create", **JOHN, display_name="John"),
    ),
    # Mailboxes in bulk.
    "bulk": ("mailbox bulk example.com team 25", asks("mailbox_bulk", **TEAM, count=25)),
    "bulk at a linked domain": (
        "mailbox bulk <http://example.com|example.com> team 25",
        asks("mailbox_bulk", **TEAM, count=25),
    ),
    "bulk in capitals": ("MAILBOX Bulk Example.COM TEAM 25", asks("mailbox_bulk", **TEAM, count=25)),
    "bulk with a quota": (
        "mailbox bulk example.com team 25 --quota=512",
        asks("mailbox_bulk", **TEAM, quota_mb=512, count=25),
    ),
    "bulk with a quota in gigabytes": (
        "mailbox bulk example.com team 25 quota=1GB",
        asks("mailbox_bulk", **TEAM, quota_mb=1024, count=25),
    ),
    "bulk with a quota behind an em dash": (
        "mailbox bulk example.com team 25 —quota 512",
        asks("mailbox_bulk", **TEAM, quota_mb=512, count=25),
    ),
    "bulk with no-break spaces": (
        "mailbox\u00a0bulk\u00a0example.com\u00a0team\u00a025",
        asks("mailbox_bulk", **TEAM, count=25),
    ),
    "bulk with zeros before": ("mailbox bulk example.com team 007", asks("mailbox_bulk", **TEAM, count=7)),
    "bulk of a thousand": ("mailbox bulk example.com team 1000", asks("mailbox_bulk", **TEAM, count=1000)),
    "bulk behind the command": ("/mail mailbox bulk example.com team 25", asks("mailbox_bulk", **TEAM, count=25)),
    "bulk of 1,001": (
        "mailbox bulk example.com team 1001",
        wrong("1,001 mailboxes are too many at once", "mailbox_bulk", **TEAM),
    ),
    "bulk of none": (
        "mailbox bulk example.com team 0",
        wrong("`0` is not a number of mailboxes", "mailbox_bulk", **TEAM),
    ),
    "bulk of less than none": (
        "mailbox bulk example.com team -1",
        wrong("`-1` is not a number of mailboxes", "mailbox_bulk", **TEAM),
    ),
    "bulk of a fraction": (
        "mailbox bulk example.com team 2.5",
        wrong("`2.5` is not a number of mailboxes", "mailbox_bulk", **TEAM),
    ),
    "bulk with a comma": (
        "mailbox bulk example.com team 1,000",
        wrong("`1,000` is not a number of mailboxes", "mailbox_bulk", **TEAM),
    ),
    "bulk in words": (
        "mailbox bulk example.com team many",
        wrong("`many` is not a number of mailboxes", "mailbox_bulk", **TEAM),
    ),
    "bulk in another order": (
        "mailbox bulk example.com 25 team",
        wrong("`team` is not a number of mailboxes", "mailbox_bulk", domain="example.com", prefix="25"),
    ),
    "no bulk": ("mailbox bulk", form("mailbox_bulk")),
    "bulk with a domain": ("mailbox bulk example.com", form("mailbox_bulk", domain="example.com")),
    "bulk with a domain and a prefix": (
        "mailbox bulk Example.com team",
        form("mailbox_bulk", domain="Example.com", prefix="team"),
    ),
    "bulk with a quota alone": ("mailbox bulk quota=1GB", form("mailbox_bulk", quota_mb="1GB")),
    "bulk with a bad prefix": (
        "mailbox bulk example.com te@m 5",
        wrong("`te@m` cannot stand before the @", "mailbox_bulk", domain="example.com", count="5"),
    ),
    "bulk at no domain": (
        "mailbox bulk example team 5",
        wrong("`example` is not a domain.", "mailbox_bulk", prefix="team", count="5"),
    ),
    "bulk with a word too many": (
        "mailbox bulk example.com team 25 mailboxes",
        wrong("`mailboxes` is one word too many", "mailbox_bulk", **TEAM, count="25"),
    ),
    "bulk with a name": (
        "mailbox bulk example.com team 5 --name x",
        wrong("There is no option `--name` here.", "mailbox_bulk", **TEAM, count="5"),
    ),
    "bulk with a long prefix": (
        "mailbox bulk example.com pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp 100",
        wrong(
            "The prefix and its number are longer than 64 characters.",
            "mailbox_bulk",
            domain="example.com",
            count="100",
        ),
    ),
    # What is no command, and what is nearest to it.
    "half of a command": ("mailbox", wrong("`/mail mailbox` needs one more word: `/mail mailbox list` or")),
    "half of a command in capitals": ("SUBDOMAIN", wrong("`/mail subdomain` needs one more word")),
    "second word that there is not": (
        "mailbox frobnicate",
        wrong("`/mail mailbox` needs one more word: `/mail mailbox list` or"),
    ),
    "second word mistyped": (
        "mailbox bluk example.com team 25",
        wrong(
            "There is no command `mailbox bluk`. Did you mean `/mail mailbox bulk`?", "mailbox_bulk", **TEAM, count="25"
        ),
    ),
    "second word mistyped in a list": (
        "domain lists",
        wrong("There is no command `domain lists`. Did you mean `/mail domain list`?"),
    ),
    "second word mistyped with half of the rest": (
        "subdomain creat example.com",
        wrong(
            "There is no command `subdomain creat`. Did you mean `/mail subdomain create`?",
            "subdomain_create",
            parent="example.com",
        ),
    ),
    "first word mistyped": (
        "mailbx bulk example.com team 25",
        wrong(
            "There is no command `mailbx bulk`. Did you mean `/mail mailbox bulk`?", "mailbox_bulk", **TEAM, count="25"
        ),
    ),
    "both words mistyped": (
        "maibox craete <mailto:john@example.com|john@example.com>",
        wrong("There is no command `maibox craete`. Did you mean `/mail mailbox create`?", "mailbox_create", **JOHN),
    ),
    "both words in one": ("domainlist", wrong("There is no command `domainlist`. Did you mean `/mail domain list`?")),
    "first word in the plural": (
        "mailboxes list example.com",
        wrong("There is no command `mailboxes list`. Did you mean `/mail mailbox list`?"),
    ),
    "first word with a hyphen": (
        "sub-domain create example.com team",
        wrong(
            "There is no command `sub-domain create`. Did you mean `/mail subdomain create`?",
            "subdomain_create",
            parent="example.com",
            labels="team",
        ),
    ),
    "first word left out": (
        "bulk example.com team 25",
        wrong("There is no command `bulk`. Did you mean `/mail mailbox bulk`?", "mailbox_bulk", **TEAM, count="25"),
    ),
    "one word mistyped": ("statsu", wrong("There is no command `statsu`. Did you mean `/mail status`?")),
    "one word mistyped before another": ("tsk 12", wrong("There is no command `tsk`. Did you mean `/mail task`?")),
    "connect mistyped before a key": (
        "conect Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya",
        wrong("There is no command `conect`. Did you mean `/mail connect`?"),
    ),
    "nothing near": ("frobnicate", wrong("There is no command `frobnicate`. `/mail help` shows what there is.")),
    "an emoji": (":tada:", wrong("There is no command `:tada:`. `/mail help` shows what there is.")),
    "a sentence": ("hello there", wrong("There is no command `hello there`. `/mail help` shows what there is.")),
    "a broadcast": (
        "<!channel> hi",
        wrong("There is no command `&lt;!channel&gt; hi`. `/mail help` shows what there is."),
    ),
    "an option alone": ("--name x", wrong("There is no command `--name`. `/mail help` shows what there is.")),
}


def understood(line: str) -> Understood:
    """What was understood, as plain values."""
    match asked := understand(line):
        case OpenForm(offer):
            return form(offer.kind, **offer.filled)
        case Say(message):
            return helps(message.text.removeprefix("What Mailroom can do: "))
        case Operation():
            return asks(asked.kind, **asked.parameters())
        case ListQuery():
            return asks(asked.kind, **asked.model_dump(exclude_defaults=True))
        case _:
            return asks(type(asked).__name__, **vars(asked))


def is_refused(meant: Understood) -> bool:
    return meant[0].startswith("wrong")


UNDERSTOOD = {name: row for name, row in LINES.items() if not is_refused(row[1])}
REFUSED = {name: row for name, row in LINES.items() if is_refused(row[1])}


def test_the_table_has_at_least_150_lines() -> None:
    assert len(LINES) >= 150


@pytest.mark.parametrize(("line", "meant"), UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_a_typed_line_is_understood(line: str, meant: Understood) -> None:
    assert understood(line) == meant


@pytest.mark.parametrize(("line", "meant"), REFUSED.values(), ids=REFUSED)
def test_a_line_that_is_wrong_is_answered_with_what_is_wrong_what_was_right_and_an_example(
    line: str, meant: Understood
) -> None:
    with pytest.raises(UserError) as caught:
        understand(line)
    refusal = caught.value
    kind, filled = (refusal.offer.kind, dict(refusal.offer.filled)) if refusal.offer else (None, {})
    says = meant[0].removeprefix("wrong ").removesuffix(f" {kind}")
    assert refusal.text.startswith(says)
    assert wrong(says, kind, **filled) == meant
    assert ("Understood so far" in refusal.text) == (bool(filled) and "Did you mean" not in refusal.text)
    assert understood(str(refusal.example))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.path))
def test_the_example_of_each_command_is_understood(command: Any) -> None:
    assert command.example.startswith("/mail " + " ".join(command.path))
    assert understood(command.example)


@pytest.mark.parametrize("line", ["connect {}", "connect --key {}", "connect '{}", "conect {}", "connecct {} now"])
def test_a_key_that_was_typed_is_not_repeated(line: str) -> None:
    with pytest.raises(UserError) as refusal:
        understand(line.format("Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"))
    assert "Zk9Q" not in refusal.value.text + str(refusal.value.example)
