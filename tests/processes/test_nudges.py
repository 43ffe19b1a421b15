"""What one process takes, another works on at once."""

from contextlib import AsyncExitStack
from datetime import timedelta

from pydantic import SecretStr

from bot import app
from bot.pace import Pace
from sandbox.slack import MAIL, SIGNING_SECRET
from tests.flows.stage import Mailroom
from tests.processes.rows import without_gates

NEVER = Pace(tick=timedelta(hours=1), first_poll=timedelta(seconds=0.05), posts=(1000, timedelta(seconds=1)))


async def test_a_command_that_a_busy_process_takes_is_worked_on_by_another_at_once(outside: Mailroom) -> None:
    """Neither ticks: only the nudge tells the second one, to which Slack delivers nothing."""
    over_http = {"slack_app_token": None, "slack_signing_secret": SecretStr(SIGNING_SECRET)}
    async with AsyncExitStack() as stack:
        takes = await stack.enter_async_context(app.running(outside.settings, pace=NEVER))
        works = await stack.enter_async_context(app.running(outside.settings.model_copy(update=over_http), pace=NEVER))
        await outside.slack.connected(outside.settings.mailroom_socket_connections)
        await outside.connected(outside.ana)
        await without_gates(works.database)
        await takes.worker.stop(0)
        assert (await outside.ben.types(MAIL, "/mail mailbox create john@example.com")).ok
        await outside.root(outside.ana, "john@example.com")
        await outside.exists("john@example.com")
