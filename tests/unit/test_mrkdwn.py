"""Text from outside neither pings nor links."""

import re
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from bot import mrkdwn

ENTITY = re.compile("&(amp|lt|gt);")
INVISIBLE = "\u2060"

outside = st.one_of(
    st.text(), st.text(st.sampled_from("<>@#!|&;`*_~\n ltgamp")), st.from_regex(r"<(@U|#C|!sub|!here|https?://)[^>]*>")
)


def unescaped(text: str) -> str:
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return text


@given(outside)
@example("<!channel>")
@example("<@U1|ana>")
@example("<https://evil.example|your bank>")
@example("&lt;!channel&gt;")
def test_escaped_text_holds_nothing_that_pings_or_links(text: str) -> None:
    for shown in (mrkdwn.escape(text), mrkdwn.code(text)):
        assert not set("<>") & set(shown)
        assert "&" not in ENTITY.sub("", shown)


@given(outside)
def test_escaped_text_is_shown_as_it_was(text: str) -> None:
    assert unescaped(mrkdwn.escape(text)).replace(INVISIBLE, "") == text.replace(INVISIBLE, "")


@given(outside)
def test_a_sign_of_formatting_never_stands_beside_what_it_could_format(text: str) -> None:
    shown = mrkdwn.escape(text)
    for place, sign in enumerate(shown):
        if sign in "*_~`":
            assert shown[place - 1] == shown[place + 1] == INVISIBLE


@given(outside)
def test_code_ends_where_its_text_ends(text: str) -> None:
    shown = mrkdwn.code(text)
    assert (shown[0], shown[-1]) == ("`", "`")
    assert "`" not in shown[1:-1]


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_cut_text_is_as_long_as_allowed_and_says_that_it_was_cut(text: str, most: int) -> None:
    shown = mrkdwn.cut(text, most)
    assert len(shown) == min(len(text), most)
    assert shown == text or (shown[-1] == "…" and text.startswith(shown[:-1]))


def test_a_moment_is_shown_in_the_readers_zone_and_in_utc_where_that_cannot_be() -> None:
    noon = datetime(2026, 3, 1, 12, 0, 0, 999999, tzinfo=UTC)
    assert mrkdwn.moment(noon) == "<!date^1772366400^{date_short_pretty} at {time}|2026-03-01 12:00 UTC>"
