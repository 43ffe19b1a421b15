// Slack's mrkdwn as nodes. Anything that is not its own notation stays the text that it is.

import { el } from "./dom.js";
import { full, styled } from "./moments.js";
import { channelName, person } from "./people.js";

const EMOJI = {
  white_check_mark: "✅", x: "❌", warning: "⚠️", hourglass_flowing_sand: "⏳", tada: "🎉", email: "✉️", key: "🔑", lock: "🔒",
};
const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|(^|[^\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])|(^|[^\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])|(^|[^\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])/;

/** A text as nodes: preformatted parts, quotes, lines, and what stands in them. */
export function mrkdwn(text) {
  return text.split("```").flatMap((part, at, all) => {
    const isCode = at % 2 === 1 && at < all.length - 1;
    if (isCode) return [el("pre", {}, plain(part.replace(/^\n|\n$/g, "")))];
    return lines(at % 2 === 1 ? `\`\`\`${part}` : part);
  });
}

function lines(text) {
  const nodes = [];
  let quote = null;
  text.split("\n").forEach((line, at) => {
    const quoted = /^&gt; ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(el("br"));
      else nodes.push((quote = el("blockquote")));
      quote.append(...inline(quoted[1]));
      return;
    }
    if (at > 0 && !quote) nodes.push(el("br"));
    quote = null;
    nodes.push(...inline(line));
  });
  return nodes;
}

function inline(text) {
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, , , , b0, , i0, , s0] = found;
    const head = rest.slice(0, found.index) + (b0 ?? i0 ?? s0 ?? "");
    if (head) nodes.push(plain(head));
    nodes.push(marked(found));
    rest = rest.slice(found.index + whole.length);
  }
  if (rest) nodes.push(plain(rest));
  return nodes;
}

function marked([, code, angle, emoji, , bold, , italic, , strike]) {
  if (code !== undefined) return el("code", {}, inCode(code));
  if (angle !== undefined) return special(angle);
  if (emoji !== undefined) return EMOJI[emoji] ?? `:${emoji}:`;
  const [tag, inner] = bold ? ["strong", bold] : italic ? ["em", italic] : ["s", strike];
  return el(tag, {}, inline(inner));
}

function inCode(text) {
  return text.split(/<([^<>\n]+)>/).map((part, at) => (at % 2 ? special(part) : plain(part)));
}

function special(inner) {
  const [target, label] = split(inner);
  if (target.startsWith("@")) return mention(`@${person(target.slice(1)).name}`);
  if (target.startsWith("#")) return mention(`#${label || channelName(target.slice(1))}`);
  if (target.startsWith("!date^")) return moment(target, label);
  if (target.startsWith("!subteam^")) return mention(label || "@group");
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`);
  if (/^(https?:\/\/|mailto:)/.test(target)) return link(plain(target), label ? plain(label) : plain(target));
  return plain(`<${inner}>`);
}

function split(inner) {
  const at = inner.indexOf("|");
  return at < 0 ? [inner, ""] : [inner.slice(0, at), inner.slice(at + 1)];
}

function moment(target, fallback) {
  const [, seconds, style] = target.split("^");
  if (!/^\d+$/.test(seconds)) return plain(fallback);
  const goesOn = style === "{ago}" ? seconds : undefined;
  return el("time", { dateTime: new Date(seconds * 1000).toISOString(), title: full(seconds), "data-since": goesOn },
    styled(seconds, style));
}

/** A link that opens beside the page. */
export function link(href, text) {
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Somebody or something that is named. */
export function mention(text) {
  return el("span", { class: "mention" }, text);
}

/** The three characters that Slack escapes, as they are read. */
export function plain(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** What a screen reader is told of a mrkdwn text. */
export function spoken(text) {
  return el("span", {}, mrkdwn(text)).textContent;
}
