"""The app as Slack knows it, and the app installed somewhere."""

import secrets
from dataclasses import dataclass, field

from sandbox.slack import identity

LIFETIME_SECONDS = 43_200
MOST_TOKENS = 2
"""How many access tokens of one installation are good at a time, where they expire."""


@dataclass(kw_only=True)
class App:
    """What its developer has entered; with no `redirect_urls` people may be sent back anywhere."""

    id: str = identity.APP
    name: str = "Mailroom"
    client_id: str = identity.CLIENT_ID
    client_secret: str = identity.CLIENT_SECRET
    rotates: bool = False
    redirect_urls: list[str] = field(default_factory=list)

    def sends_back_to(self, url: str) -> bool:
        """Whether `url` is one of the app's redirect URLs, or below one."""
        return not self.redirect_urls or any(
            url == each or url.startswith(each.rstrip("/") + "/") for each in self.redirect_urls
        )


@dataclass(kw_only=True)
class Installation:
    """The app in one team or a whole organisation, `place`; `teams` are those in which it may be used.

    `tokens` says of each access token when it expires, and `refresh_tokens` of each when it was spent; `None`: not.
    """

    place: str
    is_enterprise: bool = False
    teams: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    installer: str = ""
    tokens: dict[str, float | None] = field(default_factory=dict)
    refresh_tokens: dict[str, float | None] = field(default_factory=dict)

    def long_lived(self) -> str:
        """A new token that never expires."""
        token = f"xoxb-{_number()}-{_number()}-{secrets.token_hex(12)}"
        self.tokens[token] = None
        return token

    def short_lived(self, now: float) -> tuple[str, str]:
        """A new token that expires, and the refresh token for the next."""
        token, refresh = f"xoxe.xoxb-1-{secrets.token_hex(40)}", f"xoxe-1-{secrets.token_hex(40)}"
        self.tokens[token] = now + LIFETIME_SECONDS
        self.refresh_tokens[refresh] = None
        return token, refresh

    def surplus(self) -> list[str]:
        """The tokens beyond the last two of those that expire, which are forgotten with this."""
        expiring = [token for token, expires in self.tokens.items() if expires is not None]
        gone = expiring[:-MOST_TOKENS]
        for token in gone:
            del self.tokens[token]
        return gone


def _number() -> str:
    return str(secrets.randbelow(9 * 10**12) + 10**12)
