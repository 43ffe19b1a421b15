// Where people write: commands with completion, mentions, messages.

import { ask } from "./control.js";
import { el, freshId } from "./dom.js";
import { allChannels, mentionable, person } from "./people.js";

const MOST_OFFERED = 8;

/** A field to write in; `thread()` is the `ts` of its thread, if it has one. */
export class Composer {
  #screen;
  #thread;
  #offers = [];
  #at = -1;

  constructor(screen, label, thread = () => undefined) {
    this.#screen = screen;
    this.#thread = thread;
    const [list, note] = [freshId("offers"), freshId("note")];
    this.list = el("ul", { class: "choices", role: "listbox", id: list, "aria-label": "Completions", hidden: true });
    this.note = el("p", { class: "note", id: note, role: "status" });
    this.field = el("textarea", {
      rows: 1, role: "combobox", "aria-label": label, "aria-controls": list, "aria-describedby": note,
      "aria-expanded": false, "aria-autocomplete": "list", spellcheck: false, placeholder: label,
      oninput: () => this.#typed(), onkeydown: (event) => this.#key(event), onblur: () => this.#offer([]),
      onfocus: () => this.#typed(),
    });
    const send = el("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send" }, "➤");
    this.node = el("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.#send(); } },
      this.list, el("div", { class: "box" }, this.field, send), this.note);
  }

  /** Name it after where it writes to; `advice` is seen as long as nothing is written. */
  named(label, advice) {
    this.field.setAttribute("aria-label", label);
    this.field.placeholder = label + advice;
  }

  focus() {
    this.field.focus();
  }

  #typed() {
    const text = this.field.value;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 140)}px`;
    const { usages } = this.#screen.playground;
    const said = text.toLowerCase();
    const named = /(?:^|\s)@(\w*)$/.exec(text.slice(0, this.field.selectionStart));
    const usage = usages.findLast((each) => text.startsWith(`${start(each)} `));
    this.note.textContent = usage ? `${usage.usage} · ${usage.summary}` : "";
    if (named) return this.#offer(people(named[1]), 0);
    if (!text.startsWith("/") || this.#thread()) return this.#offer([]);
    return this.#offer(usages.filter((each) => start(each).startsWith(said) && start(each) !== said.trimEnd()).map(asOffer));
  }

  #offer(offers, at = -1) {
    this.#offers = offers.slice(0, 40);
    this.list.hidden = !offers.length;
    this.field.setAttribute("aria-expanded", offers.length > 0);
    this.list.replaceChildren(...this.#offers.map((offer, index) =>
      el("li", { role: "option", id: freshId("offer"), "aria-selected": false,
        onmousedown: (event) => { event.preventDefault(); this.#take(index); } },
      el("b", {}, offer.shown), el("small", {}, offer.about))));
    this.#mark(offers.length ? at : -1);
  }

  #mark(at) {
    this.#at = at;
    [...this.list.children].forEach((node, each) => node.setAttribute("aria-selected", each === at));
    const marked = this.list.children[at];
    marked?.scrollIntoView({ block: "nearest" });
    if (marked) this.field.setAttribute("aria-activedescendant", marked.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  #take(index) {
    const { from, put } = this.#offers[index];
    const end = this.field.selectionStart;
    const head = this.field.value.slice(0, end).replace(from, (_whole, before) => before + put);
    this.field.value = head + this.field.value.slice(end);
    this.field.setSelectionRange(head.length, head.length);
    this.#typed();
  }

  #key(event) {
    const count = this.#offers.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (count && step) {
      event.preventDefault();
      this.#mark((Math.max(this.#at, step > 0 ? -1 : 0) + step + count) % count);
    } else if (count && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      this.#take(Math.max(this.#at, 0));
    } else if (event.key === "Escape" && count) {
      event.stopPropagation();
      this.#offer([]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (this.#at >= 0) this.#take(this.#at);
      else this.#send();
    }
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.#typed();
    const { user, channel, playground } = this.#screen;
    const [name] = text.split(/\s/);
    const thread_ts = this.#thread();
    this.#screen.hasSpoken(Boolean(thread_ts));
    if (!text.startsWith("/")) {
      this.#keep(text, await this.#screen.tries(() => ask("says", { user, channel, thread_ts, text: escaped(text, "") })));
    } else if (thread_ts) {
      this.#refuse(text, `${name} does not work in threads. Mention @${person(playground.bot).name} instead.`);
    } else if (name === "/invite") {
      await this.#screen.invites(text);
    } else if (name !== playground.command) {
      this.#refuse(text, `${name} is not a command here. Try ${playground.command}.`);
    } else {
      this.#keep(text, await this.#screen.tries(() => ask("types", { user, channel, line: escaped(text, "|") })));
    }
  }

  /** Give back what could not be sent, unless something else was begun meanwhile. */
  #keep(text, answer) {
    if (answer === undefined && !this.field.value) this.field.value = text;
  }

  #refuse(text, why) {
    this.field.value = text;
    this.note.textContent = why;
  }
}

/** The words with which a line begins, before what is to be filled in. */
function start({ usage }) {
  return usage.replace(/ (?:\[|[A-Z]{2,}|--|").*$/, "");
}

function asOffer(usage) {
  const takesMore = start(usage) !== usage.usage;
  return { shown: usage.usage, about: usage.summary, from: /^()\/.*$/s, put: start(usage) + (takesMore ? " " : "") };
}

function people(begun) {
  const said = begun.toLowerCase();
  const fits = (user) => user.name !== said && [user.name, user.real_name].some((name) => name.toLowerCase().startsWith(said));
  return mentionable().filter(fits).slice(0, MOST_OFFERED)
    .map((user) => ({ shown: `@${user.name}`, about: user.real_name, from: /(^|\s)@\w*$/, put: `@${user.name} ` }));
}

/** A text as Slack sends it to an app; `bar` separates a mention's id from its name, where the name is sent at all. */
function escaped(text, bar) {
  const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const name = (each) => (bar ? bar + each.name : "");
  return safe.replace(/(^|\s)([@#])([\w-]+)/g, (whole, before, sign, word) => {
    const all = sign === "@" ? mentionable() : allChannels();
    const found = all.find((each) => each.name === word.toLowerCase());
    return found ? `${before}<${sign}${found.id}${name(found)}>` : whole;
  });
}
