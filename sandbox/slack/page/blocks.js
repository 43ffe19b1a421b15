// Block Kit as nodes: every block and element that the bot sends, and loudly those that are not known here.

import { el } from "./dom.js";
import { element } from "./elements.js";
import { styled } from "./moments.js";
import { link, mention } from "./mrkdwn.js";
import { channelName, person } from "./people.js";
import { unknown, words } from "./words.js";

const BLOCKS = {
  section: (block, place) =>
    el("div", { class: "section" },
      el("div", { class: "words" },
        block.text && el("div", { class: "text" }, words(block.text)),
        block.fields && el("div", { class: "fields" }, block.fields.map((field) => el("div", {}, words(field))))),
      block.accessory && element(block.accessory, block, place)),
  header: (block) => el("p", { class: "header" }, words(block.text)),
  divider: () => el("hr"),
  context: (block) => el("div", { class: "context" }, block.elements.map((part) => el("span", {}, inContext(part)))),
  actions: (block, place) => el("div", { class: "actions" }, block.elements.map((each) => element(each, block, place))),
  input: (block, place) => place.input(block),
  alert: (block) =>
    el("div", { class: `alert ${block.level ?? "default"}`, role: block.level === "error" ? "alert" : "note" },
      words(block.text)),
  table: (block) => table(block),
  rich_text: (block) => el("div", { class: "rich" }, block.elements.map(rich)),
};

/** A block as it is seen at `place`; one that is not known is shown as such. */
export function render(block, place) {
  return BLOCKS[block.type]?.(block, place) ?? unknown("block", block.type);
}

function inContext(part) {
  return part.type === "mrkdwn" || part.type === "plain_text" ? words(part) : unknown("element", part.type);
}

function table(block) {
  const [head, ...rows] = block.rows;
  const cells = (row, tag) => row.map((cell, at) => el(tag, { ...side(block, at), ...scope(tag) }, inCell(cell)));
  return el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Table" },
    el("table", {},
      el("thead", {}, el("tr", {}, cells(head, "th"))),
      el("tbody", {}, rows.map((row) => el("tr", {}, cells(row, "td"))))));
}

const side = (block, at) => ({ class: block.column_settings?.[at]?.align === "right" ? "right" : undefined });
const scope = (tag) => (tag === "th" ? { scope: "col" } : {});

function inCell(cell) {
  return cell.type === "rich_text" ? cell.elements.map(rich) : cell.text;
}

const RICH = {
  rich_text_section: (part) => el("div", {}, part.elements.map(rich)),
  rich_text_preformatted: (part) => el("pre", {}, part.elements.map(rich)),
  rich_text_quote: (part) => el("blockquote", {}, part.elements.map(rich)),
  rich_text_list: (part) =>
    el(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((each) => el("li", {}, rich(each)))),
  text: (part) => dressed(part),
  link: (part) => (/^(https?:|mailto:)/.test(part.url) ? link(part.url, part.text ?? part.url) : part.text ?? part.url),
  user: (part) => mention(`@${person(part.user_id).name}`),
  channel: (part) => mention(`#${channelName(part.channel_id)}`),
  broadcast: (part) => mention(`@${part.range}`),
  emoji: (part) => `:${part.name}:`,
  date: (part) => el("time", {}, styled(part.timestamp, part.format)),
};

function rich(part) {
  return RICH[part.type]?.(part) ?? unknown("element", part.type);
}

const DRESSES = [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]];

function dressed(part) {
  return DRESSES.reduce((inner, [style, tag]) => (part.style?.[style] ? el(tag, {}, inner) : inner), part.text);
}
