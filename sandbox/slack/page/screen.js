// One person's screen: channels, the open channel, the open thread, and the forms in front of them.

import { showConversations } from "./channels.js";
import { Composer } from "./composer.js";
import { Question } from "./confirm.js";
import { ask } from "./control.js";
import { announce, el } from "./dom.js";
import { change, keepAtEnd, toEnd } from "./end.js";
import { FormDialog } from "./form.js";
import { marks, readUpTo } from "./marks.js";
import { showMessages } from "./message.js";
import { spoken } from "./mrkdwn.js";
import { avatar, everybody, learn, person, role } from "./people.js";
import { target } from "./permalinks.js";

const VIEW_KINDS = ["view_opened", "view_updated", "view_closed"];

/** What one person sees and does; `changed` is told when that may be somebody else, or when there may be news. */
export class Screen {
  channel = null;
  #thread = null;
  #conversations = [];

  constructor(user, playground, changed) {
    this.user = user;
    this.playground = playground;
    this.changed = changed;
    this.form = new FormDialog(this);
    this.question = new Question(this);
    this.composer = new Composer(this, "Message");
    this.threadComposer = new Composer(this, "Reply", () => this.#thread);
    this.#build();
  }

  #build() {
    this.who = el("select", { "aria-label": "Who you are", onchange: (event) => this.becomes(event.target.value) });
    this.face = el("span", { class: "face" });
    this.role = el("small");
    this.list = el("ul");
    this.nav = el("nav", { class: "channels" }, this.list);
    this.name = el("h2");
    this.about = el("p", { class: "about" });
    this.menu = el("button", { type: "button", class: "burger", "aria-label": "Channels", "aria-expanded": false, onclick: () => this.#drawer() }, "☰");
    this.me = el("span", { class: "me" });
    this.messages = el("ol", { class: "messages", tabIndex: 0 });
    this.replies = el("ol", { class: "messages", tabIndex: 0, "aria-label": "Messages of the thread" });
    keepAtEnd(this.messages);
    keepAtEnd(this.replies);
    this.room = el("div", { class: "room", role: "region" },
      el("header", {}, this.menu, this.name, this.about, this.me), this.messages, this.composer.node);
    this.side = el("div", { class: "thread", role: "region", hidden: true },
      el("header", {}, el("h2", {}, "Thread"), el("button", { type: "button", class: "close", "aria-label": "Close thread", onclick: () => this.#closeThread() }, "×")),
      this.replies, this.threadComposer.node);
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.inside = el("div", { class: "inside" },
      el("div", { class: "left" }, el("div", { class: "who" }, this.face, el("div", {}, this.who, this.role)), this.nav), this.room, this.side);
    this.node = el("section", { class: "pane", onkeydown: (event) => this.#key(event), onclick: (event) => this.#follow(event) },
      this.inside, this.form.node, this.question.node, this.trouble);
  }

  /** Sit down as `user`. */
  async becomes(user) {
    this.user = user;
    this.channel = null;
    this.#thread = null;
    this.side.hidden = true;
    this.node.classList.remove("with-thread");
    this.list.replaceChildren();
    this.messages.replaceChildren();
    await this.refresh();
  }

  /** How much is new for this person. */
  get news() {
    return this.#conversations.reduce((sum, each) => sum + Math.max(each.new, each.calling), 0);
  }

  /** Show everything as it is now. */
  async refresh() {
    const name = person(this.user).real_name;
    this.node.setAttribute("aria-label", `The screen of ${name}`);
    this.nav.setAttribute("aria-label", `Channels of ${name}`);
    this.side.setAttribute("aria-label", `Thread, ${name}`);
    this.face.replaceChildren(avatar(this.user));
    this.me.replaceChildren(avatar(this.user), name.split(" ")[0]);
    this.who.replaceChildren(...everybody().map((each) =>
      el("option", { value: each.id, selected: each.id === this.user }, each.real_name)));
    this.role.textContent = role(person(this.user));
    await this.#showConversations();
    const first = this.#conversations.find((each) => each.has_bot && !each.archived && each.kind !== "im");
    if (!this.channel) this.channel = (first ?? this.#conversations[0])?.id ?? null;
    await Promise.all([this.#showRoom(), this.#showThread(), this.look()]);
    await this.#showConversations();
  }

  /** Take up what happened. */
  async takesUp(entries) {
    const here = entries.filter((entry) => entry.channel && (!entry.to || entry.to === this.user));
    if (entries.some((entry) => VIEW_KINDS.includes(entry.kind) && entry.user === this.user)) await this.look();
    if (here.some((entry) => entry.channel === this.channel)) await Promise.all([this.#showRoom(), this.#showThread()]);
    if (here.length) await this.#showConversations();
    this.#announce(here.findLast((entry) => entry.kind.endsWith("_posted") && entry.user !== this.user));
  }

  #announce(entry) {
    if (!entry || entry.channel !== this.channel || !this.hasAttention()) return;
    announce(`${person(entry.user).real_name}: ${spoken(entry.text)}`.slice(0, 300));
  }

  /** Look which form is in front. */
  async look() {
    this.form.show(await ask("view", { user: this.user }));
  }

  /** What is behind a form or a question cannot be reached. */
  covered() {
    this.inside.inert = this.form.isOpen || this.question.isOpen;
    this.form.node.inert = this.question.isOpen;
  }

  /** Whether the keyboard is here, or nowhere. */
  hasAttention() {
    return this.node.contains(document.activeElement) || document.activeElement === document.body;
  }

  /** Whoever has said something wants to see what comes of it. */
  hasSpoken(inThread) {
    toEnd(inThread ? this.replies : this.messages);
  }

  /** Put the keyboard where one writes. */
  attend() {
    this.composer.focus();
  }

  confirms(asked, from) {
    return this.question.asks(asked, from);
  }

  /** Do `work`, and show why where it is not possible. */
  async tries(work) {
    try {
      const answer = await work();
      this.trouble.hidden = true;
      if (answer?.error && !answer.text) this.#complain(`Mailroom did not answer: ${answer.error}`);
      return answer;
    } catch (error) {
      return this.#complain(error.message);
    }
  }

  #complain(text) {
    this.trouble.textContent = text;
    this.trouble.hidden = false;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.trouble.hidden = true; }, 8000);
  }

  /** `/invite @somebody`, which is Slack's own command. */
  async invites(text) {
    const name = text.split(/\s+@?/)[1] ?? "";
    const bot = person(this.playground.bot);
    const isBot = name.toLowerCase() === bot.name;
    const guest = everybody().find((each) => each.name === name.toLowerCase());
    if (!isBot && !guest) return this.#complain(`There is nobody called “${name}”.`);
    await this.tries(() => ask("set_members", { channel: this.channel, joins: [isBot ? "bot" : guest.id] }));
    await learn();
    announce(`${name} was added.`);
    return this.refresh();
  }

  async #showConversations() {
    this.#conversations = await ask("sidebar", { user: this.user, ...marks(this.user) });
    const bot = person(this.playground.bot).real_name;
    showConversations(this.list, this.#conversations, { here: this.channel, bot, enter: (id) => this.#enter(id) });
    const here = this.#conversations.find((each) => each.id === this.channel);
    if (here) this.#nameRoom(here);
    this.changed(this);
  }

  #nameRoom(here) {
    const isDirect = here.kind === "im";
    const bot = person(this.playground.bot).real_name;
    this.name.textContent = isDirect ? bot : `#${here.name}`;
    this.about.textContent = here.archived ? "Archived" : here.has_bot || isDirect ? "" : `${bot} is not here`;
    const closed = here.archived ? "This channel is archived." : isDirect && this.playground.read_only
      ? "Sending messages to this app has been turned off." : "";
    this.composer.node.hidden = Boolean(closed);
    const { command } = this.playground;
    this.room.setAttribute("aria-label", `${this.name.textContent}, ${person(this.user).real_name}`);
    this.messages.setAttribute("aria-label", `Messages in ${this.name.textContent}`);
    this.composer.named(`Message ${this.name.textContent}`, `, or type ${command}`);
    this.threadComposer.named("Reply", `, or ask @${person(this.playground.bot).name}`);
    this.room.dataset.closed = closed;
  }

  async #enter(channel) {
    this.channel = channel;
    this.#closeThread();
    if (this.node.classList.contains("with-drawer")) this.#drawer(false);
    this.messages.replaceChildren();
    toEnd(this.messages);
    await this.#showConversations();
    await this.#showRoom();
    await this.#showConversations();
    if (!this.composer.node.hidden) this.composer.focus();
  }

  #drawer(open = !this.node.classList.contains("with-drawer")) {
    this.node.classList.toggle("with-drawer", open);
    this.menu.setAttribute("aria-expanded", open);
    (open ? this.list.querySelector("[aria-current]") : this.menu)?.focus();
  }

  async #showRoom() {
    const { user, channel } = this;
    if (!channel) return;
    const found = await ask("conversation", { user, channel, ...marks(user) });
    if (user !== this.user || channel !== this.channel) return;
    change(this.messages, () => showMessages(this.messages, found, this, (ts) => this.#openThread(ts)));
    this.messages.classList.toggle("empty", !found.length);
    if (found.length && this.node.checkVisibility()) readUpTo(user, channel, found.at(-1).ts);
  }

  async #openThread(ts) {
    this.#thread = ts;
    this.replies.replaceChildren();
    toEnd(this.replies);
    this.side.hidden = false;
    this.node.classList.add("with-thread");
    await this.#showThread();
    this.threadComposer.focus();
    await this.#showRoom();
    await this.#showConversations();
  }

  async #follow(event) {
    const there = target(event.target.closest("a")?.href ?? "");
    if (!there || !this.#conversations.some((each) => each.id === there.channel)) return;
    event.preventDefault();
    if (there.channel !== this.channel) await this.#enter(there.channel);
    await this.#openThread(there.thread);
  }

  #closeThread() {
    if (this.#thread === null) return;
    const name = `thread ${this.#thread}`;
    this.#thread = null;
    this.side.hidden = true;
    this.node.classList.remove("with-thread");
    const link = [...this.messages.querySelectorAll("[data-focus]")].find((node) => node.dataset.focus === name);
    (link ?? this.composer.field).focus();
  }

  async #showThread() {
    const { user, channel } = this;
    const thread = this.#thread;
    if (!thread) return;
    const found = await ask("conversation", { user, channel, thread, ...marks(user) });
    if (thread !== this.#thread || user !== this.user) return;
    change(this.replies, () => showMessages(this.replies, found, this, null));
    if (found.length && this.node.checkVisibility() && readUpTo(user, `${channel}/${thread}`, found.at(-1).ts)) await this.#showRoom();
  }

  #key(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (this.node.classList.contains("with-drawer")) this.#drawer(false);
    else this.#closeThread();
  }
}
