from sandbox.slack.browser import Browser, Page
from sandbox.slack.person import Ask
from sandbox.slack.removal import BOTH
from sandbox.slack.seen import Acknowledgement, Installed


class AppManagement:
    """What is done to the app in its settings and in those of the workspaces; a `place` is a team or organisation."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def install(self, url: str, user: str, place: str) -> Page:
        """Open the app's install page in a new browser and allow everything; the page at the end of it.

        In an organisation it may be used in all teams, until `grant` says otherwise.
        """
        async with Browser() as browser:
            await browser.opens(url)
            return await browser.allows(user, place)

    async def installed(self) -> dict[str, Installed]:
        """Where the app is, by team or organisation."""
        found = await self._ask("installations")
        return {place: Installed(**each) for place, each in found.items()}

    async def uninstall(
        self, place: str, told: tuple[str, ...] = BOTH, late: tuple[str, ...] = ()
    ) -> list[Acknowledgement]:
        """Take the app away and tell it so by the events `told`, in this order; `late` are kept for `tell_late`.

        Those that are in neither are never delivered.
        """
        answers = await self._ask("uninstalls", place=place, told=told, late=late)
        return [Acknowledgement(**each) for each in answers]

    async def tell_late(self) -> list[Acknowledgement]:
        """Deliver the events that were kept, with the time of what they tell."""
        return [Acknowledgement(**each) for each in await self._ask("tells_late")]

    async def grant(
        self, organisation: str, *teams: str, told: bool = False, late: bool = False
    ) -> list[Acknowledgement]:
        """Let an organisation's installation be used in these of its teams, and in no other.

        The app is `told` so by an event for what was gained and one for what was lost, or `late`, by `tell_late`.
        """
        answers = await self._ask("grants", organisation=organisation, teams=teams, told=told, late=late)
        return [Acknowledgement(**each) for each in answers]

    async def rotate_tokens(self, *, on: bool = True) -> None:
        """Let tokens that are issued from now on expire after twelve hours."""
        await self._ask("rotates", on=on)

    async def expire_token(self, place: str) -> None:
        """Let the access tokens of an installation be over now, as far as they expire at all."""
        await self._ask("expires_token", place=place)

    async def redirect_urls(self, *urls: str) -> None:
        """Say where people may be sent back to after an installation; none for anywhere."""
        await self._ask("redirect_urls", urls=urls)
