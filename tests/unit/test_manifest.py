"""The manifest against Slack's format.

From the schema that Slack publishes (github.com/slackapi/manifest-schema, `schemas/manifest.schema.1.0.0.json`), of
which this is the part that the manifest uses, and docs.slack.dev/reference/app-manifest. That optional scopes stand
among the others as well is from docs.slack.dev/authentication/installing-with-oauth, “Optional scopes”.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from bot import manifest

URL = "https://mail.example.org"
MANIFESTS = {
    "Socket Mode": manifest.text(),
    "HTTP": manifest.text(URL),
    "many workspaces": manifest.text(URL, many_workspaces=True),
}


@dataclass(frozen=True)
class Words:
    """A text of a length, and of a form."""

    least: int
    most: int
    pattern: str = ""

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value."""
        if not isinstance(value, str) or not self.least <= len(value) <= self.most:
            return f"not a text of {self.least} to {self.most} characters"
        return None if re.match(self.pattern, value) else f"not like {self.pattern}"


@dataclass(frozen=True)
class Several:
    """A list of so many."""

    of: Any
    least: int
    most: int


@dataclass(frozen=True)
class Group:
    """Fields by name, some of which have to be there; no others may."""

    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()


ADDRESS = Words(0, 3_500, "https?://")
SCOPES = Several(Words(0, 50), 0, 255)
FORMAT = Group(
    {
        "display_information": Group(
            {
                "name": Words(1, 35),
                "description": Words(1, 140),
                "long_description": Words(175, 4_000),
                "background_color": Words(4, 7, "#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$"),
            },
            ("name",),
        ),
        "features": Group(
            {
                "app_home": Group(
                    {
                        "home_tab_enabled": bool,
                        "messages_tab_enabled": bool,
                        "messages_tab_read_only_enabled": bool,
                    }
                ),
                "bot_user": Group({"display_name": Words(1, 80), "always_online": bool}, ("display_name",)),
                "slash_commands": Several(
                    Group(
                        {
                            "command": Words(2, 32, "/"),
                            "url": Words(0, 3_000, "https?://"),
                            "description": Words(1, 2_000),
                            "usage_hint": Words(1, 1_000),
                            "should_escape": bool,
                        },
                        ("command", "description"),
                    ),
                    1,
                    50,
                ),
                "shortcuts": Several(
                    Group(
                        {
                            "name": Words(1, 24),
                            "type": Words(1, 7, "(message|global)$"),
                            "callback_id": Words(1, 255),
                            "description": Words(1, 150),
                        },
                        ("name", "type", "callback_id", "description"),
                    ),
                    1,
                    10,
                ),
            }
        ),
        "oauth_config": Group(
            {
                "redirect_urls": Several(Words(0, 2_500), 0, 1_000),
                "scopes": Group({"bot": SCOPES, "bot_optional": SCOPES, "user": SCOPES, "user_optional": SCOPES}),
            }
        ),
        "settings": Group(
            {
                "event_subscriptions": Group({"request_url": ADDRESS, "bot_events": Several(Words(0, 50), 0, 100)}),
                "interactivity": Group(
                    {"is_enabled": bool, "request_url": ADDRESS, "message_menu_options_url": ADDRESS}, ("is_enabled",)
                ),
                "org_deploy_enabled": bool,
                "socket_mode_enabled": bool,
                "token_rotation_enabled": bool,
            }
        ),
    },
    ("display_information",),
)


def faults(value: Any, wanted: Any, at: str = "") -> Iterator[str]:
    """Each place that is not as the format wants it, and why."""
    match wanted:
        case Group(fields, required):
            if not isinstance(value, dict):
                yield f"{at}: not a group"
                return
            yield from (f"{at}.{name}: not in the format" for name in value.keys() - fields.keys())
            yield from (f"{at}.{name}: missing" for name in required if name not in value)
            for name in value.keys() & fields.keys():
                yield from faults(value[name], fields[name], f"{at}.{name}")
        case Several(of, least, most):
            if not isinstance(value, list) or not least <= len(value) <= most:
                yield f"{at}: not a list of {least} to {most}"
                return
            for number, each in enumerate(value):
                yield from faults(each, of, f"{at}[{number}]")
        case Words():
            if wrong := wanted.wrong(value):
                yield f"{at}: {wrong}"
        case _:
            if not isinstance(value, wanted):
                yield f"{at}: no {wanted.__name__}"


@pytest.mark.parametrize("text", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_the_manifest_is_valid_against_slacks_format(text: str) -> None:
    assert list(faults(yaml.safe_load(text), FORMAT)) == []


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"display_information": {}}, ".display_information.name: missing"),
        ({"display_information": {"name": "x" * 36}}, ".display_information.name: not a text of 1 to 35 characters"),
        ({"colour": "#fff"}, ".colour: not in the format"),
        ({"settings": {"org_deploy_enabled": "yes"}}, ".settings.org_deploy_enabled: no bool"),
        ({"features": {"slash_commands": []}}, ".features.slash_commands: not a list of 1 to 50"),
    ],
    ids=["missing", "too long", "unheard of", "no yes or no", "empty"],
)
def test_a_manifest_that_slack_would_refuse_is_found(changed: dict[str, Any], fault: str) -> None:
    assert fault in list(faults({**yaml.safe_load(MANIFESTS["HTTP"]), **changed}, FORMAT))


def test_optional_scopes_stand_among_the_others_as_well() -> None:
    scopes = yaml.safe_load(manifest.text())["oauth_config"]["scopes"]
    assert set(scopes["bot_optional"]) < set(scopes["bot"])
    assert set(manifest.needed_scopes()) == set(scopes["bot"]) - set(scopes["bot_optional"])
    for kept in scopes.values():
        assert sorted(set(kept)) == kept
