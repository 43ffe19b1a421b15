// Messages, as one person sees them.

import { render } from "./blocks.js";
import { ask } from "./control.js";
import { el, freshId, settle } from "./dom.js";
import { file } from "./files.js";
import { clock, day, full, relative } from "./moments.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar, person } from "./people.js";

/** Put `messages` into `list`, with a line for each day; `screen` is whose they are, `open` opens a thread. */
export function showMessages(list, messages, screen, open) {
  const wanted = [];
  let last = "";
  for (const message of messages) {
    const date = day(message.ts);
    if (date !== last) wanted.push([`day ${date}`, date, () => el("li", { class: "day" }, el("span", {}, date))]);
    last = date;
    wanted.push([message.ts, JSON.stringify(message), () => shown(message, screen, open)]);
  }
  settle(list, wanted);
}

function shown(message, screen, open) {
  const place = placeOf(message, screen);
  const content = message.blocks.length ? message.blocks.map((block) => render(block, place)) : mrkdwn(message.text);
  return el("li", { class: message.ephemeral ? "message ephemeral" : "message", "data-ts": message.ts },
    message.ephemeral && el("p", { class: "private" }, el("span", { "aria-hidden": "true" }, "◉ "), "Only visible to you"),
    avatar(message.user),
    el("div", { class: "said" },
      head(message),
      el("div", { class: message.blocks.length ? "content" : "content text" }, content),
      message.files.map(file),
      open && message.reply_count > 0 && threadLink(message, open)),
    !message.ephemeral && tools(message, screen, open));
}

function head(message) {
  const author = person(message.user);
  return el("p", { class: "head" },
    el("b", {}, author.real_name),
    author.is_bot && el("span", { class: "app" }, "App"),
    el("time", { dateTime: new Date(message.ts * 1000).toISOString(), title: full(message.ts) }, clock(message.ts)),
    message.edited && el("small", {}, "(edited)"));
}

function threadLink(message, open) {
  const count = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  return el("button", { type: "button", class: "replies", "data-focus": `thread ${message.ts}`, onclick: () => open(message.ts) },
    el("b", {}, count),
    message.new_replies > 0 && el("span", { class: "new" }, `${message.new_replies} new`),
    el("span", { class: "when", "data-since": message.latest_reply }, relative(message.latest_reply)));
}

function tools(message, screen, open) {
  const reply = open && el("button", { type: "button", "aria-label": "Reply in thread", title: "Reply in thread",
    "data-focus": `reply ${message.ts}`, onclick: () => open(message.ts) }, "↩");
  const uses = screen.playground.shortcuts.map((each) =>
    el("button", { type: "button", onclick: (event) => use(event, message, screen, each) }, each.name));
  const more = uses.length > 0 && el("details", { onkeydown: closeOnEscape, onfocusout: closeOnLeave },
    el("summary", { "aria-label": "More actions", title: "More actions" }, "⋮"), el("div", { class: "menu" }, uses));
  return (reply || more) && el("div", { class: "tools" }, reply, more);
}

function use(event, message, screen, { callback_id }) {
  event.target.closest("details").open = false;
  return screen.tries(() => ask("shortcut", { user: screen.user, callback_id, channel: message.channel, ts: message.ts }));
}

function closeOnEscape(event) {
  if (event.key !== "Escape") return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}

function closeOnLeave(event) {
  if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
}

function placeOf(message, screen) {
  const where = { user: screen.user, channel: message.channel, ts: message.ts };
  const act = (element, block, value) =>
    screen.tries(() => ask("acts", { ...where, element, block_id: block.block_id, value }));
  return {
    act,
    enter: (element, block, value) => act(element, block, value),
    search: (element, block, query) => ask("searches", { ...where, element, block_id: block.block_id, query }),
    state: (element) => element.initial_option && { selected_option: element.initial_option },
    named: (block) => ({ id: freshId("choice"), "aria-label": block.text?.text ?? "Choice" }),
    optional: () => false,
    confirms: (asked, node) => screen.confirms(asked, node),
  };
}
