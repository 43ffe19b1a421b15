"""What Mailroom is compared with: Bolt as its Socket Mode tutorial ships it, every setting at its default."""

import asyncio
import os

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient


async def answer(ack: AsyncAck) -> None:
    """Answer the command with one sentence."""
    await ack("Here is what can be done.")


async def main() -> None:
    """Listen for the command until the process is ended."""
    # The tutorial's `AsyncApp(token=...)` makes this very client, which would talk to slack.com.
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client)
    app.command("/mail")(answer)
    await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start_async()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    asyncio.run(main())
