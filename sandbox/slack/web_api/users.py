from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call
from sandbox.slack.web_api.paging import page
from sandbox.slack.world import Json, User, UserGroup


def info(call: Call) -> Json:
    """users.info."""
    return {"user": _shape(call, call.user())}


def list_(call: Call) -> Json:
    """users.list, a page at a time; people of other organisations are not in it."""
    members = [user for user in call.workspace.users.values() if not user.is_stranger]
    found, metadata = page(call, members)
    return {"members": [_shape(call, user) for user in found], "response_metadata": metadata}


def usergroups_list(call: Call) -> Json:
    """usergroups.list."""
    groups = call.workspace.usergroups.values()
    shown = [each for each in groups if call.flag("include_disabled") or not each.is_disabled]
    return {"usergroups": [_shape_group(each, with_users=call.flag("include_users")) for each in shown]}


def usergroups_users_list(call: Call) -> Json:
    """usergroups.users.list."""
    group = call.workspace.usergroups.get(call.required("usergroup"))
    if group is None or (group.is_disabled and not call.flag("include_disabled")):
        raise Refused("no_such_subteam")
    return {"users": group.users}


def _shape(call: Call, user: User) -> Json:
    profile = {"real_name": user.real_name, "display_name": user.name, "team": user.team_id}
    if not user.is_stranger:
        profile["email"] = user.email
    shown: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 0,
        "profile": profile,
    }
    if user.is_stranger:
        # Slack tells little about people of other organisations: no roles, no address, no locale.
        return shown | {"is_stranger": True}
    return shown if user.deleted else shown | _roles(user) | _in_organisation(call, user)


def _roles(user: User) -> Json:
    return {
        "tz": user.tz,
        "is_admin": user.is_admin,
        "is_owner": user.is_owner,
        "is_primary_owner": user.is_primary_owner,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    }


def _in_organisation(call: Call, user: User) -> Json:
    organisation = call.platform.world.organisations.get(user.enterprise_id)
    if organisation is None:
        return {}
    person = {
        "id": user.id,
        "enterprise_id": organisation.id,
        "enterprise_name": organisation.name,
        "is_admin": user.is_enterprise_admin,
        "is_owner": False,
        "teams": user.teams,
    }
    return {"enterprise_user": person}


def _shape_group(group: UserGroup, *, with_users: bool) -> Json:
    shown: Json = {"id": group.id, "handle": group.handle, "name": group.name, "is_usergroup": True}
    shown |= {"user_count": len(group.users), "date_delete": int(group.is_disabled)}
    return shown | ({"users": group.users} if with_users else {})
