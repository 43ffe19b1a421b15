"""People who ask for things all the time, each thing under names of its own, and what they were answered at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from sandbox.slack import ANA, BEN, SlackControl
from sandbox.slack.refusal import Impossible
from sandbox.slack.seen import Acknowledgement

MOST_IN_A_BULK = 4
ALREADY_THERE = 2
TYPED_AGAIN = 0.5
"""How often somebody whose command was not acknowledged types it once more."""


@dataclass
class Command:
    """What one person asked for; `mark` stands in everything that is said about it, and in nothing else."""

    person: str
    channel: str
    line: str
    mark: str
    names: tuple[str, ...]
    typed: int = 0
    acknowledged: bool = False
    """Whether the person was told that it is written down, at the first or the second time."""
    seconds: list[float] = field(default_factory=list)


class People:
    """Everybody's commands; `over` says when to stop."""

    def __init__(self, slack: SlackControl, chance: Random, *, pause: float, over: Callable[[], bool]) -> None:
        self._slack = slack
        self._chance = chance
        self._pause = pause
        self._over = over
        self._numbers = count(1)
        self._domains: dict[str, str] = {}
        self._channels: dict[str, str] = {}
        self.commands: list[Command] = []
        self.refused: list[str] = []
        """What was said to those whose command was acknowledged with a no."""

    @property
    def acknowledged(self) -> int:
        """How many commands were acknowledged as written down."""
        return sum(command.acknowledged for command in self.commands)

    async def arrive(self, number: int) -> dict[str, str]:
        """Let there be so many people, each in a channel of its own, where Slack takes one message a second.

        Gives their ids, each with the domain for whose mail it cares.
        """
        more = [f"U0STORM{each:03}" for each in range(ALREADY_THERE, number)]
        for each in more:
            await self._slack.add_user(each, each.lower())
        everybody = [ANA, BEN, *more][:number]
        self._domains = {person: f"storm{each}.example" for each, person in enumerate(everybody)}
        self._channels = {person: f"C0STORM{each:03}" for each, person in enumerate(everybody)}
        for person, channel in self._channels.items():
            await self._slack.add_channel(channel, channel.lower(), members=(person,), bot=True)
        return self._domains

    async def ask(self, person: str) -> None:
        """One person, who types one command after the other."""
        while not self._over():
            if await self._somebody_listens():
                await self._give(self._think_of(person))
            await asyncio.sleep(self._chance.expovariate(1 / self._pause))

    async def _somebody_listens(self) -> bool:
        """A command typed while no socket is open is refused by Slack itself, which says nothing about the bot."""
        try:
            await self._slack.connected()
        except Impossible:
            return False
        return not self._over()

    def _think_of(self, person: str) -> Command:
        number = next(self._numbers)
        kind = self._chance.choices(("single", "bulk", "domain"), (6, 3, 1))[0]
        many = self._chance.randint(2, MOST_IN_A_BULK)
        command = Command(person, self._channels[person], *_words(self._domains[person], kind, number, many))
        self.commands.append(command)
        return command

    async def _give(self, command: Command) -> None:
        answer = await self._type(command)
        if not answer.ok and self._chance.random() < TYPED_AGAIN and await self._somebody_listens():
            await self._type(command)

    async def _type(self, command: Command) -> Acknowledgement:
        command.typed += 1
        answer = await self._slack.person(command.person).types(command.channel, command.line)
        if answer.ok:
            command.seconds.append(answer.seconds)
            if "Asked for" in answer.text or "You asked for" in answer.text:
                command.acknowledged = True
            else:
                self.refused.append(answer.text)
        return answer


def _words(at: str, kind: str, number: int, many: int) -> tuple[str, str, tuple[str, ...]]:
    """The line, its mark, and the names that it makes."""
    match kind:
        case "single":
            address = f"m{number:05}@{at}"
            return f"/mail mailbox create {address}", f"m{number:05}", (address,)
        case "bulk":
            prefix = f"b{number:05}x"
            names = tuple(f"{prefix}{each}@{at}" for each in range(1, many + 1))
            return f"/mail mailbox bulk {at} {prefix} {many}", prefix, names
        case _:
            domain = f"d{number:05}.example"
            return f"/mail domain create {domain}", f"d{number:05}", (domain,)
