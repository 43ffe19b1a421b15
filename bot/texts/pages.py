"""The pages that a browser shows while somebody installs the bot: plain HTML, with nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote

STYLE = (
    "body{margin:0;font:1.0625rem/1.5 system-ui,sans-serif;color:#1d1c1d;background:#f6f6f6}"
    "main{max-width:34rem;margin:0 auto;padding:3rem 1.25rem}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "code{background:#e8e8e8;border-radius:.25rem;padding:.1rem .3rem}"
    "li{margin:.5rem 0}"
    "a.go{display:inline-block;background:#1f3a5f;color:#fff;padding:.75rem 1.25rem;border-radius:.375rem}"
    "@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#1a1d21}code{background:#35373b}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
"""What goes with each page: it runs no script, loads nothing, stands in no frame, and is kept by nobody."""


@dataclass(frozen=True)
class Page:
    """A page, the status with which it is answered, and headers beside those of all pages."""

    html: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def installed(name: str, workspace: str, app: str, *, whole_organisation: bool) -> Page:
    """It worked: what to type next, and the way to Slack."""
    steps = [
        "Type <code>/mail connect</code> and put your MailAPI key and caller id into the form.",
        "Invite Mailroom where it is to be used: <code>/invite @mailroom</code>.",
        "Type <code>/mail help</code> to see what it can do.",
    ]
    to_slack, said = f"https://slack.com/app_redirect?app={quote(app)}&team={quote(workspace)}", "Open Slack"
    if whole_organisation:
        steps.insert(0, "Add Mailroom to the workspaces that are to use it.")
        manage = f"https://app.slack.com/manage/{quote(workspace)}/integrations/profile/{quote(app)}/workspaces/add"
        to_slack, said = manage, "Add it to workspaces"
    listed = "".join(f"<li>{step}</li>" for step in steps)
    # An organisation's installer can be written to only once one of its workspaces has the app.
    told = "" if whole_organisation else "<p>You also have a direct message from Mailroom in Slack.</p>"
    return _page(
        f"Mailroom is installed in {name or 'your workspace'}",
        f"<ol>{listed}</ol>{told}",
        (to_slack, said),
    )


def declined(install_url: str) -> Page:
    """Somebody said no, which is fine."""
    text = "<p>You did not let Mailroom in, so nothing was changed, and nothing is kept.</p>"
    return _page("Mailroom was not installed", text, (install_url, "Start again"))


def too_old(install_url: str) -> Page:
    """The way back from Slack was begun elsewhere, too long ago, or was used already."""
    text = (
        "<p>This page can be opened once, within ten minutes, in the browser in which the installation was begun. "
        "Nothing was changed.</p>"
    )
    return _page("This link cannot be used", text, (install_url, "Start again"), status=400)


def refused(reason: str, install_url: str) -> Page:
    """Slack said no to the code."""
    text = f"<p>Slack did not finish the installation (<code>{escape(reason[:60])}</code>). Nothing was changed.</p>"
    return _page("Mailroom was not installed", text, (install_url, "Start again"), status=400)


def unavailable(install_url: str) -> Page:
    """Slack or the database did not answer."""
    text = "<p>Something that is needed for it does not answer just now. Start again in a minute.</p>"
    return _page("Mailroom could not be installed", text, (install_url, "Start again"), status=503)


def busy(install_url: str) -> Page:
    """More come at once than Slack would take from us; the way back from Slack is still good."""
    text = "<p>Many are installing Mailroom at the moment. Try again in a minute; nothing was changed.</p>"
    page = _page("Mailroom is not installed yet", text, (install_url, "Start again"), status=503)
    return replace(page, headers={"Retry-After": "60"})


def _page(title: str, body: str, link: tuple[str, str], *, status: int = 200) -> Page:
    address, said = link
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
    )
    going = f'<p><a class="go" href="{escape(address)}">{escape(said)}</a></p>'
    html = f'<!doctype html><html lang="en"><head>{head}</head><body><main><h1>{escape(title)}</h1>{body}{going}</main>'
    return Page(f"{html}</body></html>", status)
