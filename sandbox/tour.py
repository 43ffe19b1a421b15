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
        await self.create(self.ben, 'mailbox create john@example.com --name "John Doe" --quota 1024', "created")
        await self.create(self.ben, "mailbox bulk example.com team 25 --quota 512", "team25@example.com", approved=True)
        await self.create(self.ben, "domain create example.org", "verified", approved=True, refused=True)
        await self.create(self.ben, "subdomain create example.com team support billing", "3 sub-domains", approved=True)
        await self.reject("domain create exemple.org", "It is misspelt, and example.org is there already.")
        await self.mailapi.fail_mailbox(FAILS, WHY)
        await self.create(self.ana, "mailbox bulk example.com desk 3", WHY, end="Partly done")
        await self.mistype()
        await self.check_provider()

    async def play_short(self) -> None:
        """Go through what somebody should find who comes to try: each kind of end, and one request left to decide."""
        await self.connect()
        await self.create(self.ben, "mailbox bulk example.com team 25 --quota 512", "team25@example.com", approved=True)
        await self.reject("domain create exemple.com", "It is misspelt, and example.com is there already.")
        await self.mailapi.fail_mailbox(FAILS, WHY)
        await self.create(self.ana, "mailbox bulk example.com desk 3", WHY, end="Partly done")
        await self._root((await self._asked(self.ben, "domain create example.org")).ts, "Waiting for approval")

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

    async def create(
        self,
        person: Person,
        command: str,
        thread_says: str,
        *,
        end: str = "Done",
        approved: bool = False,
        refused: bool = False,
    ) -> None:
        """Ask for something, with Ana's approval where that is needed, and read its end; `refused`: first by Ben."""
        root = await self._asked(person, command)
        if refused:
            await self._refused(root)
        if approved:
            waiting = await self._root(root.ts, "Waiting for approval")
            await self.ana.clicks(waiting, "Approve")
            await self._root(root.ts, f"Approved by <@{ANA}>")
        await self._root(root.ts, end)
        await self._reply(root.ts, f"<@{person.id}>", thread_says)

    async def reject(self, command: str, reason: str) -> None:
        """Ben asks for something, and Ana says why not."""
        root = await self._asked(self.ben, command)
        await self.ana.clicks(await self._root(root.ts, "Waiting for approval"), "Reject")
        await self.ana.fills(Reason=reason)
        if errors := await self.ana.submits():
            raise Missing(f"The reason was refused: {errors}")
        await self.ana.closes()
        await self._root(root.ts, f"Rejected by <@{ANA}>", reason)
        await self._reply(root.ts, f"<@{BEN}>", reason)

    async def _refused(self, root: Message) -> None:
        """Ben, who is no approver, clicks all the same."""
        await self.ben.clicks(await self._root(root.ts, "Waiting for approval"), "Approve")
        await self._seen(lambda: self._private(self.ben, "Only approvers may decide"), "that Ben was refused")

    async def _asked(self, person: Person, command: str) -> Message:
        """Type a command, and see what it posts."""
        before = await self._newest(person)
        ack = await person.types(MAIL, f"/mail {command}")
        if not ack.ok or "Asked for" not in ack.text:
            raise Missing(f"“/mail {command}” was not acknowledged: {ack.error or ack.text}")

        async def posted() -> Message | None:
            newest = await self._newest(person)
            return newest if newest and (before is None or newest.ts != before.ts) else None

        return await self._seen(posted, f"a root message for “/mail {command}”")

    async def _root(self, ts: str, *said: str) -> Message:
        """A root message, once it says all of this."""

        async def find() -> Message | None:
            found = next((m for m in await self.ana.sees(MAIL) if m.ts == ts), None)
            return found if found and all(word in found.visible for word in said) else None

        return await self._seen(find, f"a root message that says “{'”, “'.join(said)}”")

    async def _reply(self, ts: str, *said: str) -> Message:
        """A message in a thread that says all of this."""

        async def find() -> Message | None:
            replies = await self.ana.reads_thread(MAIL, ts)
            return next((reply for reply in replies if all(word in reply.visible for word in said)), None)

        return await self._seen(find, f"a message in the thread that says “{'”, “'.join(said)}”")

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
