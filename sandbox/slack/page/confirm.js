// The question before something that cannot be taken back.

import { el, freshId } from "./dom.js";
import { words } from "./words.js";

/** Asks on one person's screen. */
export class Question {
  #answer = null;

  constructor(screen) {
    this.screen = screen;
    this.node = el("dialog", { class: "form question", role: "alertdialog",
      onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); this.#give(false); } } });
  }

  get isOpen() {
    return this.#answer !== null;
  }

  /** Whether the person agrees to `asked`, a confirmation object; the focus returns to `from`. */
  async asks(asked, from) {
    this.#give(false);
    const title = el("h2", { id: freshId("question") }, asked.title.text);
    const text = el("div", { class: "text", id: freshId("question") }, words(asked.text));
    const yes = el("button", { type: "button", class: `button ${asked.style ?? "primary"}`, onclick: () => this.#give(true) }, asked.confirm?.text ?? "Yes");
    const no = el("button", { type: "button", class: "button plain", onclick: () => this.#give(false) }, asked.deny?.text ?? "No");
    this.node.replaceChildren(el("header", {}, title), text, el("footer", {}, no, yes));
    this.node.setAttribute("aria-labelledby", title.id);
    this.node.setAttribute("aria-describedby", text.id);
    const answer = new Promise((give) => { this.#answer = give; });
    this.node.show();
    this.screen.covered();
    yes.focus();
    const agreed = await answer;
    if (from.isConnected) from.focus();
    return agreed;
  }

  #give(answer) {
    const give = this.#answer;
    if (give === null) return;
    this.#answer = null;
    this.node.close();
    this.screen.covered();
    give(answer);
  }
}
