"""What Slack and MailAPI say in the end, held against what people were told at once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.storm.people import Command
from sandbox.mailapi import MailAPIControl
from sandbox.slack import Message, SlackControl

READ_AT_ONCE = 20
_QUESTIONS = {"Look Again", "Send Again", "Keep Watching"}


@dataclass
class Truth:
    """What is wrong, each by what it is about; empty lists are as it should be."""

    there: frozenset[str] = frozenset()
    """All mailboxes and domains that MailAPI has."""
    roots: int = 0
    completions: int = 0
    questions: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged commands without an end and without a question to a person."""
    made_twice: list[str] = field(default_factory=list)
    told_twice: list[str] = field(default_factory=list)
    """Completions that stand in Slack more than once."""
    posted_twice: list[str] = field(default_factory=list)
    """Any messages that stand in Slack more than once, completions included."""
    made_up: list[str] = field(default_factory=list)
    """What was told to be created and is not there."""


@dataclass
class _Request:
    """One request as Slack shows it: its root message, in as many copies as there are, with all their replies."""

    roots: list[Message]
    replies: list[Message]

    def ends(self, command: Command) -> list[Message]:
        """The messages that tell the asker its end."""
        return [reply for reply in self.replies if _is_end(reply, command.person)]

    def asks(self) -> bool:
        """Whether a person was asked how it goes on."""
        return any(_QUESTIONS & set(reply.buttons) for reply in self.replies)


async def tell(slack: SlackControl, mailapi: MailAPIControl, commands: Sequence[Command]) -> Truth:
    """Read all that was said and all that was made."""
    made = await mailapi.mailboxes()
    there = frozenset({*made, *await mailapi.domains()})
    truth = Truth(there=there, made_twice=[address for address, times in made.items() if times > 1])
    requests = await _requests(slack, commands)
    for command in commands:
        _judge(truth, command, requests[command.mark])
    said = [message for found in requests.values() for each in found for message in (*each.roots, *each.replies)]
    truth.posted_twice = [f"notice {notice}" for notice, times in Counter(map(_notice, said)).items() if times > 1]
    return truth


def _judge(truth: Truth, command: Command, requests: Sequence[_Request]) -> None:
    if command.acknowledged and not requests:
        truth.lost.append(f"{command.line} (no root message)")
    for request in requests:
        ends, asks = request.ends(command), request.asks()
        truth.roots += len(request.roots)
        truth.completions += len(ends)
        truth.questions += asks
        if command.acknowledged and not ends and not asks:
            truth.lost.append(f"{command.line} ({request.roots[-1].text})")
        if len(ends) > 1:
            truth.told_twice.append(command.line)
        if any(" created" in end.text and "not created" not in end.text for end in ends):
            truth.made_up.extend(name for name in command.names if name not in truth.there)


async def _requests(slack: SlackControl, commands: Sequence[Command]) -> Mapping[str, list[_Request]]:
    """What Slack shows of each command, by its mark; one that was typed twice may have become two requests."""
    where = {command.channel: command.person for command in commands}
    seen = [await slack.person(person).sees(channel) for channel, person in where.items()]
    roots = [message for messages in seen for message in messages if message.metadata]
    limit = asyncio.Semaphore(READ_AT_ONCE)

    async def below(root: Message) -> list[Message]:
        async with limit:
            return await slack.person(where[root.channel]).reads_thread(root.channel, root.ts)

    keys = ((root.channel, root.ts) for root in roots)
    threads = dict(zip(keys, await asyncio.gather(*map(below, roots)), strict=True))
    found: dict[str, list[_Request]] = defaultdict(list)
    for command in commands:
        by_notice: dict[int, list[Message]] = defaultdict(list)
        for root in roots:
            if command.mark in root.visible:
                by_notice[_notice(root)].append(root)
        for copies in by_notice.values():
            found[command.mark].append(
                _Request(copies, [each for root in copies for each in threads[root.channel, root.ts]])
            )
    return found


def _is_end(reply: Message, asker: str) -> bool:
    return reply.text.startswith(f"<@{asker}> ") and "created" in reply.text


def _notice(message: Message) -> int:
    """Which of the bot's notices a message is: all copies of one have the same number."""
    return int((message.metadata or {})["event_payload"]["notice"])
