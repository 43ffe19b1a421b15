"""The floor: a client that answers each envelope with its id and nothing else, on the fastest loop there is."""

import asyncio
import json
import os

import uvloop
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import connect


async def main() -> None:
    """Answer until the process is ended."""
    client = AsyncWebClient(base_url=os.environ["SLACK_API_URL"])
    opened = await client.apps_connections_open(app_token=os.environ["SLACK_APP_TOKEN"])
    async with connect(opened["url"]) as connection:
        async for message in connection:
            envelope = json.loads(message)
            if "envelope_id" in envelope:
                await connection.send(json.dumps({"envelope_id": envelope["envelope_id"]}))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
