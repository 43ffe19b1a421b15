// Behind the scenes: what can be made to go wrong, and what goes over the wire.

import { ask } from "./control.js";
import { el, freshId, settle } from "./dom.js";
import { exact } from "./moments.js";

const SLACK = [
  ["Deliver the next command twice", "deliver_again", { kind: "slash_commands", times: 2, at_once: true }],
  ["Deliver the next click twice", "deliver_again", { kind: "interactive", times: 2, at_once: true }],
  ["Delay the next post by 3 s", "fault", { method: "chat.postMessage", kind: "latency", seconds: 3 }],
  ["Drop the answer to the next post", "fault", { method: "chat.postMessage", kind: "drop_after" }],
  ["Answer 429 to the next post", "fault", { method: "chat.postMessage", kind: "ratelimited", retry_after: 3 }],
];
const CREATES = [
  ["create_mailbox_bulk", "many mailboxes"], ["create_mailbox_single", "one mailbox"],
  ["create_domain", "a domain"], ["create_subdomain", "sub-domains"], ["any", "anything"],
];
const MAILAPI = [
  ["Answer 5 s late", "latency", { seconds: 5 }],
  ["Answer 503", "status", { status: 503, reason: "Service unavailable." }],
  ["Do it and lose the answer", "reset_after", {}],
];
const LABELS = { envelope: "Slack → bot", call: "bot → Slack", mailapi: "bot → MailAPI" };
const OFTEN_MS = 1000;
const ARMING = ["fault", "deliver_again", "fail_next_task", "fail_mailbox"];

/** The drawer below the screens. */
export class Behind {
  /** Whether nobody answers, so that there is nothing to be seen. */
  isBlind = false;
  #node;
  #playground;
  #timer = null;

  constructor(node, playground) {
    this.#node = node;
    this.#playground = playground;
    this.state = el("p", { class: "state" });
    this.told = el("p", { class: "told", role: "status" });
    this.wire = el("ol");
    const wireTitle = el("h2", { id: freshId("wire") }, "On the wire");
    this.scroll = el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-labelledby": wireTitle.id }, this.wire);
    const faults = el("div", { class: "faults" },
      el("header", {}, el("h2", {}, "What can go wrong"), this.told,
        this.#button("Let nothing go wrong any more", "no_faults", {}, () => this.#calm())),
      playground.bot_control && this.#bot(),
      group("Slack", SLACK.map(([text, word, asked]) => this.#button(text, word, asked))),
      playground.mailapi && this.#provider());
    node.append(faults, el("div", { class: "wire" }, wireTitle, this.scroll));
  }

  /** Open or close the drawer; whether it is open now. */
  toggle() {
    this.#node.hidden = !this.#node.hidden;
    clearInterval(this.#timer);
    if (this.#node.hidden) return false;
    this.#timer = setInterval(() => this.refresh(), OFTEN_MS);
    this.refresh();
    return true;
  }

  /** Show what went over the wire since. */
  async refresh() {
    if (this.#node.hidden || this.isBlind) return;
    const [lines, sockets] = await Promise.all([ask("wire"), ask("connections")]);
    const wasAtEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 40;
    settle(this.wire, lines.map((line) => [line.id, JSON.stringify(line), () => shown(line)]));
    if (wasAtEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
    this.state.textContent = sockets ? `Connected by ${sockets} ${sockets === 1 ? "socket" : "sockets"}` : "Not connected by a socket";
    this.state.dataset.good = sockets > 0;
  }

  #provider() {
    const what = el("select", { "aria-label": "Which request to MailAPI" },
      CREATES.map(([value, text]) => el("option", { value }, text)));
    const address = el("input", { type: "text", "aria-label": "Which mailbox", value: "team3@example.com", autocomplete: "off" });
    const spoil = ([text, kind, options]) => this.#button(text, "mailapi", () =>
      ({ word: "fault", asked: { endpoint: what.value, kind, ...options },
        said: `${text}, for the next request for ${what.selectedOptions[0].text}` }));
    const status = "Mailbox could not be provisioned.";
    return group("MailAPI",
      el("label", { class: "which" }, "The next request for ", what),
      MAILAPI.map(spoil),
      this.#button("Fail the next task", "mailapi", { word: "fail_next_task", asked: {} }),
      this.#button("Hold the queue", "mailapi", { word: "hold_queue", asked: {} }),
      this.#button("Release the queue", "mailapi", { word: "release_queue", asked: {} }),
      el("span", { class: "pair" }, this.#button("Fail this mailbox", "mailapi", () =>
        ({ word: "fail_mailbox", asked: { address: address.value, status } })), address));
  }

  #bot() {
    return group("The bot",
      this.#button("Kill the bot", "kills_bot", {}), this.#button("Start the bot again", "restarts_bot", {}), this.state);
  }

  async #calm() {
    if (this.#playground.mailapi) await ask("mailapi", { word: "clear_faults" });
    if (this.#playground.mailapi) await ask("mailapi", { word: "release_queue" });
  }

  #button(text, word, asked, also = () => undefined) {
    const press = async () => {
      try {
        const { said = text, ...what } = typeof asked === "function" ? asked() : asked;
        await ask(word, what);
        await also();
        this.told.textContent = told(what.word ?? word, said);
      } catch (error) {
        this.told.textContent = error.message;
      }
      await this.refresh();
    };
    return el("button", { type: "button", class: "button plain", onclick: press }, text);
  }
}

/** What is only to come is not said to be done. */
function told(word, text) {
  return `${ARMING.includes(word) ? "Armed" : "Done"}: ${text[0].toLowerCase()}${text.slice(1)}.`;
}

function group(name, ...parts) {
  return el("fieldset", {}, el("legend", {}, name), ...parts);
}

function shown(line) {
  return el("li", { class: line.kind },
    el("time", {}, exact(line.at)),
    el("span", { class: "way" }, LABELS[line.kind]),
    el("b", {}, line.what),
    el("span", { class: "what" }, line.about),
    el("span", { class: line.good === false ? "bad" : "good" }, line.result));
}
