"""Whose a delivery is: the workspace that installed the bot, or the organisation that did so as a whole."""

from typing import Any

import pytest

from bot.origin import team_of, workspace_of

ORGANISATION = {"enterprise_id": "E1", "team_id": "T1"}
EVENT = {"team_id": "T2", "authorizations": [{**ORGANISATION, "is_enterprise_install": False}]}


@pytest.mark.parametrize(
    ("body", "workspace", "team"),
    [
        pytest.param({"team_id": "T1"}, "T1", "", id="command"),
        pytest.param({**ORGANISATION, "is_enterprise_install": "false"}, "T1", "", id="command in an organisation"),
        pytest.param({**ORGANISATION, "is_enterprise_install": "true"}, "E1", "T1", id="command, organisation-wide"),
        pytest.param({"team": {"id": "T1"}}, "T1", "", id="click"),
        pytest.param(
            {"team": {"id": "T1"}, "enterprise": {"id": "E1"}, "is_enterprise_install": True},
            "E1",
            "T1",
            id="click, organisation-wide",
        ),
        pytest.param(
            {"team": None, "enterprise": {"id": "E1"}, "is_enterprise_install": True},
            "E1",
            "",
            id="click without a team",
        ),
        pytest.param(
            {"team": {"id": "T2"}, "view": {"app_installed_team_id": "T1"}}, "T1", "", id="form in a shared channel"
        ),
        pytest.param(EVENT, "T1", "", id="event in a shared channel"),
        pytest.param(
            {"authorizations": [{**ORGANISATION, "is_enterprise_install": True}]},
            "E1",
            "T1",
            id="event, organisation-wide",
        ),
        pytest.param({"team_id": None, "enterprise_id": "E1"}, "E1", "", id="removed from an organisation"),
        pytest.param({}, "", "", id="nothing"),
        pytest.param(
            {"team": "T1", "enterprise": ["E1"], "view": 3, "authorizations": [7]}, "", "", id="of other shapes"
        ),
    ],
)
def test_a_delivery_is_of_the_installation_that_it_names(body: dict[str, Any], workspace: str, team: str) -> None:
    assert (workspace_of(body), team_of(body)) == (workspace, team)
