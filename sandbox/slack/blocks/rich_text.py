"""The parts of a `rich_text` block."""

from sandbox.slack.blocks.composition import BLOCK_ID, KIND, URL
from sandbox.slack.blocks.schema import Check, any_string, flag, listed, number, one_of, record, text, typed, whole

_MANY = 1000
_STYLE = record(
    {},
    dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), flag),
)
_STYLED: dict[str, Check] = {"style": _STYLE}
_PARTS = typed(
    {
        "text": record({**KIND, "text": text(40_000)}, _STYLED),
        "link": record({**KIND, "url": URL}, {"text": any_string, "unsafe": flag, **_STYLED}),
        "user": record({**KIND, "user_id": text(255)}, _STYLED),
        "usergroup": record({**KIND, "usergroup_id": text(255)}, _STYLED),
        "channel": record({**KIND, "channel_id": text(255)}, _STYLED),
        "team": record({**KIND, "team_id": text(255)}, _STYLED),
        "emoji": record({**KIND, "name": text(255)}, {"unicode": any_string, "skin_tone": number, **_STYLED}),
        "broadcast": record({**KIND, "range": one_of("here", "channel", "everyone")}, _STYLED),
        "color": record({**KIND, "value": text(255)}, _STYLED),
        "date": record(
            {**KIND, "timestamp": whole(0, 10**11), "format": text(255)},
            {"url": URL, "fallback": any_string, **_STYLED},
        ),
    }
)
_BORDER: dict[str, Check] = {"border": whole(0, 1)}
_SECTION = record({**KIND, "elements": listed(_PARTS, _MANY, least=0)})
_LIST = record(
    {**KIND, "style": one_of("bullet", "ordered"), "elements": listed(typed({"rich_text_section": _SECTION}), _MANY)},
    {"indent": whole(0, 8), "offset": whole(0, 10**6), **_BORDER},
)
_FRAMED = record({**KIND, "elements": listed(_PARTS, _MANY, least=0)}, _BORDER)

RICH_TEXT = record(
    {
        **KIND,
        "elements": listed(
            typed(
                {
                    "rich_text_section": _SECTION,
                    "rich_text_list": _LIST,
                    "rich_text_quote": _FRAMED,
                    "rich_text_preformatted": record(
                        {**KIND, "elements": listed(_PARTS, _MANY, least=0)}, {"language": any_string, **_BORDER}
                    ),
                }
            ),
            _MANY,
        ),
    },
    {"block_id": BLOCK_ID},
)
