"""The tour: two people do the bot's main job through Slack's own doors, and what came of it is checked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.mailapi import MailAPIControl
from sandbox.slack import ANA, BEN, MAIL, Message, SlackControl
from sandbox.slack.person import Person

PATIENCE_SECONDS = 15.0
FAILS = "desk2@example.com"
WHY = "Mailbox could not be provisioned."
MAILBOXES = [
    "john@example.com",
    *(f"team{number}@example.com" for number in range(1, 26)),
    "desk1@example.com",
    "desk3@example.com",
]
DOMAINS = ("example.com", "example.org", "team.example.com", "support.example.com", "billing.example.com")


class Missing(Exception):
    """What should have been there, in one sentence."""


@dataclass
class Tour:
    """Ana and Ben, their Slack, and the provider behind the bot."""

    slack: SlackControl
    mailapi: MailAPIControl
    key: str
    caller_id: int
    patience: float = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        self.ana = self.slack.person(ANA)
        self.ben = self.slack.person(BEN)

    async def play(self) -> None:
        """Go through it all; raises `Missing` at the first thing that is not as it should be."""
        await self.connect()
        await self.list_domains()
        await self.create(self.ana, "domain create example.org", "Done", "verified")
        await self.create(self.ben, "subdomain create example.com team support billing", "Done", "3 sub-domains")
        await self.create(self.ben, 'mailbox create john@example.com --name "John Doe" --quota 1024', "Done", "created")
        await self.create(self.ben, "mailbox bulk example.com team 25 --quota 512", "Done", "team25@example.com")
        await self.mailapi.fail_mailbox(FAILS, WHY)
        await self.create(self.ana, "mailbox bulk example.com desk 3", "Partly done", WHY)
        await self.mistype()
        await self.check_provider()

    async def connect(self) -> None:
        """Ana puts the key into the form."""
        await self.ana.types(MAIL, "/mail connect")
        await self.ana.fills(**{"API key": self.key, "Caller id": str(self.caller_id)})
        if errors := await self.ana.submits():
            raise Missing(f"The form was refused: {errors}")
        await self._seen(lambda: self._direct(self.ana, "Connected"), "a direct message that says “Connected”")

    async def list_domains(self) -> None:
        """Ana looks at what there is."""
        await self.ana.types(MAIL, "/mail domain list")
        await self._seen(lambda: self._private(self.ana, "example.com", "verified"), "the private list of domains")

    async def create(self, person: Person, command: str, root_says: str, thread_says: str) -> None:
        """Ask for something, and read its end in the root message and in the thread."""
        before = await self._newest(person)
        ack = await person.types(MAIL, f"/mail {command}")
        if not ack.ok or "Asked for" not in ack.text:
            raise Missing(f"“/mail {command}” was not acknowledged: {ack.error or ack.text}")

        async def root() -> Message | None:
            newest = await self._newest(person)
            is_new = newest is not None and (before is None or newest.ts != before.ts)
            return newest if newest and is_new and root_says in newest.visible else None

        found = await self._seen(root, f"a root message that says “{root_says}” for “/mail {command}”")

        async def completion() -> Message | None:
            replies = await person.reads_thread(MAIL, found.ts)
            mention = f"<@{person.id}>"
            return next((reply for reply in replies if mention in reply.text and thread_says in reply.visible), None)

        await self._seen(completion, f"a completion in the thread that says “{thread_says}”")

    async def mistype(self) -> None:
        """A typo gets a private answer with an example, and nothing else."""
        before = await self._newest(self.ben)
        ack = await self.ben.types(MAIL, "/mail mailbox bulk example.com team many")
        if "many" not in ack.text or "Example" not in ack.text:
            raise Missing(f"The typo was not explained: {ack.error or ack.text}")
        after = await self._newest(self.ben)
        if (before and before.ts) != (after and after.ts):
            raise Missing("The typo posted a message in the channel.")

    async def check_provider(self) -> None:
        """MailAPI's own state: each mailbox once, each domain verified."""
        made = await self.mailapi.mailboxes()
        if made != dict.fromkeys(MAILBOXES, 1):
            wrong = sorted(set(made) ^ set(MAILBOXES)) or sorted(name for name, times in made.items() if times != 1)
            raise Missing(f"MailAPI's mailboxes are not as asked for: {', '.join(wrong)}")
        domains = await self.mailapi.domains()
        if domains != dict.fromkeys(DOMAINS, "verified"):
            raise Missing(f"MailAPI's domains are not as asked for: {domains}")

    async def _seen(self, look: Callable[[], Awaitable[Message | None]], what: str) -> Message:
        try:
            return await self.slack.until(look, seconds=self.patience, what=what)
        except TimeoutError:
            raise Missing(f"Nobody saw {what} within {self.patience:.0f} seconds.") from None

    async def _newest(self, person: Person) -> Message | None:
        messages = [message for message in await person.sees(MAIL) if not message.ephemeral]
        return messages[-1] if messages else None

    async def _private(self, person: Person, *said: str) -> Message | None:
        messages = [message for message in await person.sees(MAIL) if message.ephemeral]
        return next((m for m in messages if all(word in m.visible for word in said)), None)

    async def _direct(self, person: Person, *said: str) -> Message | None:
        messages = await person.direct_messages()
        return next((m for m in messages if all(word in m.visible for word in said)), None)
