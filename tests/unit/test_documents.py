"""What the README and the manifest say, held against the code."""

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient
from typer.main import get_group

from bot import manifest
from bot.__main__ import cli
from bot.commands import COMMANDS
from bot.listeners.register import CREATE_HERE
from bot.settings import Settings
from storage.tables import NAMING

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
READING = ("channels:history", "groups:history", "im:history")
"""Optional: the bot does without, since Slack's refusal is answered by posting again."""
SCOPES: Mapping[str, str | tuple[str, ...] | None] = {
    "oauth_v2_access": None,
    "apps_connections_open": None,
    "auth_teams_list": None,
    "auth_test": None,
    "chat_getPermalink": None,
    "chat_postEphemeral": "chat:write",
    "chat_postMessage": "chat:write",
    "chat_update": "chat:write",
    "conversations_history": READING,
    "conversations_members": ("channels:read", "groups:read"),
    "conversations_open": "im:write",
    "conversations_replies": READING,
    "files_completeUploadExternal": "files:write",
    "files_getUploadURLExternal": "files:write",
    "usergroups_list": "usergroups:read",
    "usergroups_users_list": "usergroups:read",
    "users_conversations": ("channels:read", "groups:read"),
    "users_info": "users:read",
    "users_list": "users:read",
    "views_open": None,
    "views_update": None,
}
"""The scope that each Web API method needs, from its page at docs.slack.dev/reference/methods."""
EVENTS = {
    "app_mention": "app_mentions:read",
    "app_uninstalled": None,
    "tokens_revoked": None,
    "team_access_revoked": None,
}
"""The scope that each event needs, from its page at docs.slack.dev/reference/events."""
SOURCE_OF_SLACK = (ROOT / "bot" / "slack.py").read_text(encoding="utf-8")
LISTENERS = (ROOT / "bot" / "listeners" / "register.py").read_text(encoding="utf-8")


def methods_called() -> set[str]:
    """The Web API methods that the bot calls: those of the SDK's client, whatever holds it, and by their names."""
    client = {name for name, _ in inspect.getmembers(AsyncWebClient, inspect.iscoroutinefunction)} - {"api_call"}
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    called = set(re.findall(r"\.([a-z]+_[a-zA-Z0-9_]+)\b", source)) & client
    return called | {name.replace(".", "_") for name in re.findall(r'api_call\(\s*"([^"]+)"', source)}


def needed(scopes: Mapping[str, str | tuple[str, ...] | None]) -> set[str]:
    """The scopes that are named, one or several for each method or event."""
    several = [named if isinstance(named, tuple) else (named,) for named in scopes.values() if named]
    return {scope for named in several for scope in named}


def table_after(heading: str, page: str = README) -> list[list[str]]:
    """The rows of the first table below a heading of the README, or of another page."""
    section = page.split(f"## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_the_command_table_of_the_readme_is_what_the_commands_say_of_themselves() -> None:
    shown = table_after("What can be typed")
    assert shown == [[f"`{command.usage}`", command.summary] for command in COMMANDS]


def test_the_readme_names_every_setting_and_no_other() -> None:
    named = {name for row in table_after("Settings") for name in re.findall(r"`([A-Z_]{5,})`", row[0])}
    assert named == {name.upper() for name in Settings.model_fields}


def words_of(group: Any, *before: str) -> Iterator[tuple[str, ...]]:
    """Each command of the command line, with the groups that it is in and its own options."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from words_of(command, *before, name)
        else:
            yield (*before, name, *(option.opts[0] for option in command.params if option.opts[0].startswith("--")))


def test_the_readme_names_every_command_of_the_command_line_with_its_options() -> None:
    shown = [re.findall(r"[a-z]\S*|--[a-z-]+", re.sub(r"[`\[\]]", "", row[0])) for row in table_after("Commands")]
    named = [tuple(word for word in words if word != "mailroom") for words in shown]
    assert sorted(named) == sorted(words_of(get_group(cli)))


CHECKS = {
    "ruff": "ruff",
    "mypy": "mypy",
    "lint-imports": "the import contracts",
    "hadolint": "hadolint",
    "tests.dependencies": "an audit of the dependencies",
}
"""What the README calls each thing that `make check` runs."""


def test_the_readme_names_all_that_make_check_runs() -> None:
    goal = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ncheck:", 1)[1].split("\n\n", 1)[0]
    run = set(re.findall(r"\t\$\(BIN\)/(?:python -m )?(\S+)", goal))
    assert run == CHECKS.keys()
    (said,) = re.findall(r"`make check` runs ([^;]+);", README)
    assert sorted(re.split(", | and ", said)) == sorted(CHECKS.values())


def test_every_table_of_the_database_is_explained() -> None:
    named = [re.findall(r"`([a-z_]+)`", row[0]) for row in table_after("What is stored", OPERATING)]
    assert sorted(name for names in named for name in names) == sorted(NAMING.tables)


def test_the_manifest_asks_for_the_scopes_that_the_code_needs_and_no_other() -> None:
    asked = set(yaml.safe_load(manifest.text())["oauth_config"]["scopes"]["bot"])
    assert methods_called() == set(SCOPES)
    assert SOURCE_OF_SLACK.count("api_call(") == len(re.findall(r'api_call\(\s*"', SOURCE_OF_SLACK))
    assert asked == {*needed(SCOPES), *needed(EVENTS), "commands"}


def test_the_readme_gives_a_reason_for_every_scope() -> None:
    for scope in yaml.safe_load(manifest.text())["oauth_config"]["scopes"]["bot"]:
        assert f"`{scope}` for " in README


def test_the_readme_marks_the_optional_scopes_and_no_others() -> None:
    (needed, optional) = README.split("The scopes are the fewest that do")[1].split("are optional")[0:2]
    scopes = yaml.safe_load(manifest.text())["oauth_config"]["scopes"]
    assert set(re.findall(r"`([a-z_]+:[a-z]+|commands)` for ", needed)) == set(manifest.needed_scopes())
    assert re.findall(r"`([a-z]+:[a-z]+)` for ", optional.split("\n")[0]) == scopes["bot_optional"]


def test_the_manifest_has_the_command_that_the_code_listens_for() -> None:
    commands = yaml.safe_load(manifest.text())["features"]["slash_commands"]
    assert [command["command"] for command in commands] == re.findall(r'app\.command\("([^"]+)"\)', LISTENERS)


@pytest.mark.parametrize("url", [None, "https://mail.example.org"], ids=["Socket Mode", "HTTP"])
def test_the_manifest_subscribes_to_the_events_that_the_code_listens_for(url: str | None) -> None:
    subscribed = yaml.safe_load(manifest.text(url))["settings"]["event_subscriptions"]["bot_events"]
    listened = re.findall(r'app\.event\("([^"]+)"\)', LISTENERS)
    assert subscribed == [event for event in listened if event not in manifest.OF_ORGANISATIONS]
    assert listened == list(EVENTS)


def test_the_manifest_for_many_workspaces_subscribes_to_what_only_organisations_have_as_well() -> None:
    for_many = yaml.safe_load(manifest.text("https://mail.example.org", many_workspaces=True))
    assert for_many["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)


def test_the_manifest_has_the_shortcut_that_the_code_listens_for() -> None:
    (shortcut,) = yaml.safe_load(manifest.text())["features"]["shortcuts"]
    assert (shortcut["callback_id"], shortcut["type"]) == (CREATE_HERE, "message")
    assert "app.shortcut(CREATE_HERE)" in LISTENERS


def test_the_manifest_for_http_names_the_address_that_the_bot_serves() -> None:
    over_http = yaml.safe_load(manifest.text("https://mail.example.org/"))
    address = "https://mail.example.org/slack/events"
    assert over_http["features"]["slash_commands"][0]["url"] == address
    assert over_http["settings"]["interactivity"]["request_url"] == address
    assert over_http["settings"]["interactivity"]["message_menu_options_url"] == address
    assert over_http["settings"]["event_subscriptions"]["request_url"] == address
    assert over_http["settings"]["socket_mode_enabled"] is False
    assert yaml.safe_load(manifest.text())["settings"]["socket_mode_enabled"] is True


def test_the_manifest_for_many_workspaces_lets_them_install_the_app() -> None:
    address = "https://mail.example.org"
    for_many = yaml.safe_load(manifest.text(address, many_workspaces=True))
    assert for_many["oauth_config"]["redirect_urls"] == [f"{address}/slack/oauth_redirect"]
    assert (for_many["settings"]["org_deploy_enabled"], for_many["settings"]["token_rotation_enabled"]) == (True, True)
    for_one = yaml.safe_load(manifest.text(address))
    assert "redirect_urls" not in for_one["oauth_config"]
    assert for_one["settings"]["token_rotation_enabled"] is False  # its one token stands in the settings
