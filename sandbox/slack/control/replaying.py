"""Control: what was sent to the app by HTTP, and sent once more. Each takes the platform and the request's JSON."""

from typing import Any

from sandbox.slack.delivery.signed_http import Sent, stamped
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json


async def sent(platform: Platform, asked: Json) -> Any:
    """{kind?}: the requests in order, each with its `number`."""
    return [
        {
            "number": number,
            "kind": each.kind,
            "headers": each.headers,
            "body": each.body.decode(),
            "status": each.status,
        }
        for number, each in enumerate(platform.sent)
        if asked.get("kind") in (None, each.kind)
    ]


async def replays(platform: Platform, asked: Json) -> Any:
    """{number, age?, body?, headers?}: one of them again, as it was but for what is said; the answer's status and text.

    With `age` it is signed as if it had been sent so many seconds ago; `body` and `headers` change what was signed.
    """
    again = _found(platform, asked["number"])
    headers = again.headers
    if asked.get("age") is not None:
        headers = headers | stamped(platform.home.signing_secret, again.body, age=asked["age"])
    body = again.body if asked.get("body") is None else asked["body"].encode()
    if platform.request_url is None:
        raise Impossible("There is nowhere to send it.")
    async with platform.http.post(
        platform.request_url, data=body, headers=headers | (asked.get("headers") or {}), allow_redirects=False
    ) as answer:
        return {"status": answer.status, "text": await answer.text()}


def _found(platform: Platform, number: int) -> Sent:
    if not -len(platform.sent) <= number < len(platform.sent):
        raise Impossible(f"There is no request {number}: {len(platform.sent)} were sent.")
    return platform.sent[number]
