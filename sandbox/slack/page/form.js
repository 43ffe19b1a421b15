// The forms that the bot opens, one on top of the other; the topmost is seen.

import { render } from "./blocks.js";
import { ask } from "./control.js";
import { el, focusable, freshId } from "./dom.js";
import { element } from "./elements.js";

const TYPING_MS = 250;

/** Shows what form one person has on top of the screen. */
export class FormDialog {
  #screen;
  #view = null;
  #opener = null;
  #typed = new Map();
  #fields = new Map();
  #later = null;

  constructor(screen) {
    this.#screen = screen;
    this.title = el("h2", { id: freshId("form") });
    this.body = el("div", { class: "fields" });
    this.wrong = el("p", { class: "alert error", role: "alert", hidden: true });
    this.foot = el("footer");
    this.form = el("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); this.#submit(); } },
      el("header", {}, this.title, el("button", { type: "button", class: "close", "aria-label": "Close form", onclick: () => this.#close() }, "×")),
      this.wrong, this.body, this.foot);
    this.node = el("dialog", { class: "form", "aria-labelledby": this.title.id,
      onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); this.#close(); } } }, this.form);
  }

  get isOpen() {
    return this.#view !== null;
  }

  /** Show `view`, or none. */
  show(view) {
    if (view === null) return this.#gone();
    const before = this.#view;
    if (before?.id === view.id && before.hash === view.hash) return undefined;
    if (before?.id !== view.id) this.#typed.clear();
    this.#view = view;
    this.#render(before);
    return undefined;
  }

  #render(before) {
    const view = this.#view;
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    this.#fields.clear();
    this.wrong.hidden = true;
    this.title.textContent = view.title.text;
    this.body.replaceChildren(...view.blocks.map((block) => render(block, this.#place())));
    const submit = el("button", { type: "submit", class: "button primary" }, view.submit?.text);
    this.foot.replaceChildren(
      el("button", { type: "button", class: "button plain", onclick: () => this.#close() }, view.close?.text ?? "Close"),
      ...(view.submit ? [submit] : []));
    if (!this.node.open) {
      this.#opener = document.activeElement;
      this.node.show();
      this.#screen.covered();
    }
    if (before?.id !== view.id) this.body.scrollTop = 0;
    if (this.#screen.hasAttention()) this.#focus(before?.id === view.id ? focused : undefined);
  }

  #focus(name) {
    const there = focusable(this.body);
    const fitting = name && there.find((node) => node.dataset.focus === name);
    const first = there.find((node) => node.matches("input, textarea, select")) ?? focusable(this.foot).at(-1);
    (fitting || first)?.focus();
  }

  #gone() {
    if (this.#view === null) return;
    const hadAttention = this.#screen.hasAttention();
    this.#view = null;
    this.node.close();
    this.#screen.covered();
    if (!hadAttention) return;
    if (this.#opener?.isConnected && this.#opener !== document.body) this.#opener.focus();
    else this.#screen.attend();
  }

  #place() {
    const where = { user: this.#screen.user, view_id: this.#view.id };
    const names = (shown, block) => ({ block_id: block.block_id, action_id: shown.action_id });
    return {
      input: (block) => this.#input(block),
      act: (shown, block, value) => this.#after(() =>
        ask("acts", { ...where, element: shown, block_id: block.block_id, value })),
      enter: (shown, block, value, { later = false } = {}) => {
        if (block.type !== "input" || (block.dispatch_action && !later)) return this.#place().act(shown, block, value);
        this.#typed.set(`${block.block_id}/${shown.action_id}`, { ...where, ...names(shown, block), value, later });
        if (!later) return this.#flush();
        clearTimeout(this.#later);
        this.#later = setTimeout(() => this.#flush(), TYPING_MS);
        return undefined;
      },
      search: (shown, block, query) => ask("searches", { ...where, element: shown, block_id: block.block_id, query }),
      state: (shown, block) => this.#state(shown, block),
      named: (block) => this.#fields.get(block.block_id)?.names ??
        { id: freshId("choice"), "aria-label": block.text?.text ?? "Choice" },
      optional: (block) => Boolean(block.optional),
      confirms: (asked, node) => this.#screen.confirms(asked, node),
    };
  }

  #state(shown, block) {
    const typed = this.#typed.get(`${block.block_id}/${shown.action_id}`);
    if (typed?.later) return { value: typed.value };
    return this.#view.state.values[block.block_id]?.[shown.action_id];
  }

  #input(block) {
    const id = freshId("field");
    const hint = block.hint && el("p", { class: "hint", id: `${id}-hint` }, block.hint.text);
    const wrong = el("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
    const described = [hint && hint.id, wrong.id].filter(Boolean).join(" ");
    const names = { id, "aria-labelledby": `${id}-label`, "aria-describedby": described };
    this.#fields.set(block.block_id, { names, wrong });
    const optional = block.optional && el("small", {}, " (optional)");
    const label = el("label", { id: `${id}-label`, htmlFor: id }, block.label.text, optional);
    return el("div", { class: "field" }, label, element(block.element, block, this.#place()), wrong, hint);
  }

  async #flush() {
    clearTimeout(this.#later);
    const typed = [...this.#typed.values()].filter((entry) => !entry.isSent);
    for (const entry of typed) {
      const { later: _later, ...asked } = entry;
      entry.isSent = true;
      await this.#screen.tries(() => ask("fills", asked));
    }
  }

  async #submit() {
    const button = this.foot.querySelector("[type=submit]");
    if (!button || button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    await this.#flush();
    this.#typed.clear();
    const answer = await this.#after(() => ask("submits", { user: this.#screen.user }));
    button.disabled = false;
    button.removeAttribute("aria-busy");
    if (answer) this.#complain(answer.wrong);
  }

  #complain(wrong) {
    for (const { names, wrong: line } of this.#fields.values()) {
      line.hidden = true;
      document.getElementById(names.id)?.removeAttribute("aria-invalid");
    }
    this.wrong.hidden = !wrong[""];
    this.wrong.textContent = wrong[""] ?? "";
    let first = null;
    for (const [block, text] of Object.entries(wrong)) {
      const field = this.#fields.get(block);
      if (!field) continue;
      field.wrong.hidden = false;
      field.wrong.textContent = text;
      const control = document.getElementById(field.names.id);
      control?.setAttribute("aria-invalid", "true");
      first ??= control;
    }
    first?.focus();
  }

  #close() {
    return this.#after(() => ask("closes", { user: this.#screen.user }));
  }

  /** Do something, then look at what is on the screen: the bot may have changed it. */
  async #after(work) {
    const answer = await this.#screen.tries(work);
    await this.#screen.look();
    return answer;
  }
}
