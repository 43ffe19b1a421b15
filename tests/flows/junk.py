"""What may stand where Slack would never put it, and lets nothing be made of it."""

from typing import Any

from hypothesis import strategies as st

from sandbox.slack.identity import OTHER_TEAM

DOTS = {".", "\u3002", "\uff0e", "\uff61"}
"""What parts a domain's labels: the full stop, and those that are taken for it (RFC 3490, 3.1)."""
NO_DOTS = st.text(max_size=80).filter(DOTS.isdisjoint)
"""Text that holds no domain, so that nothing can be made of it."""
HUGE = "x" * 70_000
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**40)
    | st.floats(allow_nan=False)
    | NO_DOTS
    | st.sampled_from(["", "\x00", "\ud800", HUGE, "0", "-1", "None", "[]", "{}", '{"a": [', "<!channel>", OTHER_TEAM]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NO_DOTS, inner, max_size=3),
    max_leaves=6,
)
