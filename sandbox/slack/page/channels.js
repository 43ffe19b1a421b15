// The conversations of one person, and what is new in each.

import { el, settle } from "./dom.js";

/** Put `conversations` into `list`; `here` is the open one, `bot` the bot's name, `enter` opens another. */
export function showConversations(list, conversations, { here, bot, enter }) {
  const group = (title, found) => [
    [`title ${title}`, title, () => el("li", { class: "title" }, title)],
    ...found.map((each) => [each.id, JSON.stringify([each, each.id === here]), () => shown(each, { here, bot, enter })]),
  ];
  settle(list, [
    ...group("Channels", conversations.filter((each) => each.kind !== "im")),
    ...group("Direct messages", conversations.filter((each) => each.kind === "im")),
  ]);
}

function shown(each, { here, bot, enter }) {
  const sign = { im: "●", private: "" }[each.kind] ?? "#";
  const isNew = each.new + each.calling > 0;
  return el("li", {},
    el("button", {
      type: "button", class: isNew ? "unread" : "", "aria-current": each.id === here ? "page" : undefined,
      "data-focus": each.id, onclick: () => enter(each.id),
    },
    el("span", { class: `sign ${each.kind}`, "aria-hidden": "true" }, sign),
    el("span", { class: each.archived ? "closed" : "" }, each.kind === "im" ? bot : each.name),
    each.calling > 0 && el("span", { class: "badge" }, each.calling),
    isNew && el("span", { class: "unseen" }, `, ${each.new || each.calling} unread`)));
}
