"""Everything that the bot can say, with the worst that may come from outside, as the page renders it."""

from typing import Any

from playwright.async_api import Browser

from bot.texts.message import Message
from sandbox.slack.messages import identified
from tests.browser.screens import desk
from tests.unit.test_texts import OUTSIDE, named

RAW = {"plain": "<[@#!]|&(lt|gt|amp);", "entities": "&(lt|gt|amp);"}
"""What is not seen of Slack's own notation, where nothing of that kind came from outside."""
RENDER = """
async ([messages, raw]) => {
  const { render } = await import("/page/blocks.js");
  const { element } = await import("/page/elements.js");
  const place = {
    input: (block) => element(block.element, block, place),
    state: (shown) => ({ value: shown.initial_value, selected_option: shown.initial_option }),
    named: () => ({}),
    optional: () => false,
  };
  const rendered = (blocks) => {
    const node = document.createElement("div");
    node.append(...blocks.map((block) => render(block, place)));
    return node;
  };
  const wrong = [".unknown", "script", "img", "a[href*='evil']"].join();
  return Object.entries(messages).flatMap(([name, blocks]) => {
    const node = rendered(blocks);
    const bad = [...node.querySelectorAll(wrong)].map((each) => each.outerHTML);
    const called = [...node.querySelectorAll(".mention")].some((each) => each.textContent === "@channel");
    const isRaw = new RegExp(raw).test(node.textContent);
    return bad.length || called || isRaw ? [[name, bad, called, node.textContent.slice(0, 500)]] : [];
  });
}
"""


async def test_the_page_knows_everything_that_the_bot_says(browser: Browser, slack_url: str) -> None:
    async with desk(browser, slack_url) as page:
        for name in ("plain", "formatting", "entities", "pings"):
            said = {name: _blocks(build()) for name, build in named(OUTSIDE[name]).items()}
            assert await page.page.evaluate(RENDER, [said, RAW.get(name, ".^")]) == [], name


def _blocks(made: Any) -> list[dict[str, Any]]:
    return identified(made.content()["blocks"] if isinstance(made, Message) else made["blocks"])
