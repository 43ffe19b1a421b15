"""The methods that the sandbox has, by hand. That which opens a socket stands apart, as it takes the app's token."""

from collections.abc import Callable

from sandbox.slack.platform import Platform
from sandbox.slack.web_api import apps, chat, conversations, files, installing, users, views
from sandbox.slack.web_api.call import Call
from sandbox.slack.world import Json

CONNECTIONS_OPEN = "apps.connections.open"
WITHOUT_TOKEN: dict[str, Callable[[Platform, Json], Json]] = {"oauth.v2.access": installing.access}
METHODS: dict[str, Callable[[Call], Json]] = {
    "auth.test": apps.auth_test,
    "apps.uninstall": installing.uninstall,
    "auth.revoke": installing.revoke,
    "auth.teams.list": apps.teams_list,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.list": conversations.list_,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_,
    "conversations.replies": conversations.replies,
    "files.completeUploadExternal": files.complete_upload,
    "files.getUploadURLExternal": files.get_upload_url,
    "team.info": apps.team_info,
    "usergroups.list": users.usergroups_list,
    "usergroups.users.list": users.usergroups_users_list,
    "users.conversations": conversations.own,
    "users.info": users.info,
    "users.list": users.list_,
    "views.open": views.open_,
    "views.push": views.push,
    "views.update": views.update,
}
