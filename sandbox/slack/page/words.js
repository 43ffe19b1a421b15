// Text objects, and what stands in for something that the page does not know.

import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

/** A text object as nodes. */
export function words(text) {
  return text.type === "mrkdwn" ? mrkdwn(text.text) : [text.text];
}

/** Something that is not known here, shown so that nobody overlooks it. */
export function unknown(kind, type) {
  return el("strong", { class: "unknown", role: "alert" }, `Unknown ${kind}: ${type}`);
}
