"""What compose.yml sets, held against the settings, the Dockerfile and the file of secrets."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "compose.yml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


def test_every_variable_of_the_bot_is_a_setting(services: dict[str, Any]) -> None:
    assert {name.lower() for name in services["bot"]["environment"]} <= set(Settings.model_fields)


def test_secrets_come_from_outside_and_are_asked_for_by_name() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(VARIABLE.findall(TEXT)) == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert TEXT.count("$") == len(VARIABLE.findall(TEXT))
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_bots_can_start_with_what_it_sets(services: dict[str, Any]) -> None:
    filled = {name: VARIABLE.sub("secret1", value) for name, value in services["bot"]["environment"].items()}
    settings = Settings.model_validate({name.lower(): value for name, value in filled.items()})
    assert settings.sqlite_file is None
    assert settings.encryption_keys()
    assert settings.bot_token
    assert settings.app_token


def test_the_bots_reach_the_database_that_it_makes(services: dict[str, Any]) -> None:
    url = make_url(VARIABLE.sub("secret1", services["bot"]["environment"]["DATABASE_URL"]))
    made = services["postgres"]["environment"]
    assert (url.host, url.username, url.database) == ("postgres", made["POSTGRES_USER"], made["POSTGRES_DB"])
    assert made["POSTGRES_PASSWORD"] in services["bot"]["environment"]["DATABASE_URL"]
    assert services["bot"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert "healthcheck" in services["postgres"]


def test_its_data_is_kept_and_its_images_are_named_by_version(services: dict[str, Any]) -> None:
    kept = [volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    assert set(kept) == set(yaml.safe_load(TEXT)["volumes"])
    assert all(re.search(r":\d+\.\d+", service["image"]) for service in services.values())
    assert all(service["restart"] == "unless-stopped" for service in services.values())


def test_the_connections_of_all_bots_are_no_more_than_slack_allows(services: dict[str, Any]) -> None:
    bot = services["bot"]
    assert bot["deploy"]["replicas"] == 2
    assert bot["deploy"]["replicas"] * int(bot["environment"]["MAILROOM_SOCKET_CONNECTIONS"]) <= 10


def test_a_bot_writes_nowhere_but_where_the_image_lets_it(services: dict[str, Any]) -> None:
    bot, image = services["bot"], (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert bot["read_only"] is True
    assert "VOLUME /data" in image
    assert "WORKDIR /data" in image
    assert bot["cap_drop"] == ["ALL"]


def test_the_image_holds_what_is_locked_and_runs_without_rights() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = re.findall(r"pip install (.*)", image)
    assert all("--require-hashes --requirement requirements.lock" in each or "--no-deps" in each for each in installs)
    assert len(installs) == 2
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", image, re.MULTILINE)
    assert "HEALTHCHECK" in image
