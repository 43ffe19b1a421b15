"""Where something came from."""

from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """Who did something, where, and the key by which a repeated delivery of it is known.

    `team` is the workspace in which it was done, where `workspace` is the organisation that has the bot as a whole.
    """

    workspace: str
    person: str
    channel: str
    deduplication_key: str
    thread: str | None = None
    team: str = ""


def workspace_of(body: Body) -> str:
    """The workspace that a delivery belongs to: the one that installed the bot, or the organisation that did so.

    In a channel that several share, that need not be the one of the person: a form names the one that it was opened
    for, an event the one that it is delivered for.
    """
    if _is_of_organisation(body):
        return organisation_of(body)
    return _team(body) or organisation_of(body)


def team_of(body: Body) -> str:
    """The workspace in which something was done, where an organisation as a whole has the bot; else nothing."""
    return _team(body) if _is_of_organisation(body) else ""


def organisation_of(body: Body) -> str:
    """The organisation that a delivery names, whether or not it has the bot as a whole; else nothing."""
    found = (
        _authorization(body).get("enterprise_id") or body.get("enterprise_id") or _part(body, "enterprise").get("id")
    )
    return str(found or "")


def _is_of_organisation(body: Body) -> bool:
    said = _authorization(body).get("is_enterprise_install", body.get("is_enterprise_install"))
    return said in (True, "true")


def _team(body: Body) -> str:
    opened_for = "" if _is_of_organisation(body) else _part(body, "view").get("app_installed_team_id")
    delivered_for = _authorization(body).get("team_id")
    return str(opened_for or delivered_for or body.get("team_id") or _part(body, "team").get("id") or "")


def _authorization(body: Body) -> Body:
    """For which installation an event is delivered; Slack names one."""
    found = body.get("authorizations")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _part(body: Body, name: str) -> Body:
    found = body.get(name)
    return found if isinstance(found, dict) else {}
