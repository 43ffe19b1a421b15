"""What Slack's answers say, as types."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.access import Actor


@dataclass(frozen=True)
class Token:
    """Whose token it is, what it allows, and when Slack said so; `None` where Slack does not say."""

    workspace: str
    team: str
    bot: str
    scopes: frozenset[str] | None
    said_at: datetime | None

    @classmethod
    def of(cls, answer: AsyncSlackResponse) -> Self:
        """What auth.test says, in its body and in its headers."""
        data, said = body(answer), {name.lower(): value for name, value in answer.headers.items()}
        scopes, date = said.get("x-oauth-scopes"), said.get("date")
        return cls(
            workspace=str(data.get("team") or data["team_id"]),
            team=str(data["team_id"]),
            bot=str(data.get("user") or data["user_id"]),
            scopes=frozenset(each.strip() for each in scopes.split(",") if each.strip()) if scopes else None,
            said_at=parsedate_to_datetime(date) if date else None,
        )


def body(answer: AsyncSlackResponse) -> dict[str, Any]:
    """All that an answer says; nothing where it is no object."""
    return answer.data if isinstance(answer.data, dict) else {}


def actor(user: dict[str, Any], workspace: str) -> Actor:
    """The standing in a workspace of somebody as users.info and users.list tell of him."""
    return Actor(
        id=str(user["id"]),
        name=_name(user),
        admin=bool(user.get("is_admin") or user.get("is_owner") or user.get("is_primary_owner")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        outsider=bool(user.get("is_stranger")) or user.get("team_id", workspace) != workspace,
        deactivated=bool(user.get("deleted")),
    )


def actor_of_organisation(user: dict[str, Any], organisation: str) -> Actor:
    """The same in an organisation that has the bot as a whole: what he may in one of its workspaces does not count.

    The key and the policy are those of the whole organisation.
    """
    there = user.get("enterprise_user") or {}
    return Actor(
        id=str(user["id"]),
        name=_name(user),
        admin=bool(there.get("is_admin") or there.get("is_owner")),
        guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        outsider=bool(user.get("is_stranger")) or there.get("enterprise_id") != organisation,
        deactivated=bool(user.get("deleted")),
    )


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    return str(profile.get("display_name") or profile.get("real_name") or user.get("name") or "")
