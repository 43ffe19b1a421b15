// Fields in which one finds by typing: the arrows move, Enter chooses, Escape closes.

import { el, freshId } from "./dom.js";

/** A list below `input` that shows what `find(query)` gives, and `choose`s from it. */
function listBelow(input, find, choose) {
  const list = el("ul", { class: "choices", role: "listbox", id: freshId("choices"), "aria-label": "Choices", hidden: true });
  let options = [];
  let at = -1;
  let latest = 0;

  const close = () => {
    latest += 1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    at = index;
    [...list.children].forEach((node, each) => node.setAttribute("aria-selected", each === at));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (list.children[at]?.id) input.setAttribute("aria-activedescendant", list.children[at].id);
  };
  const take = (index) => {
    if (!options[index]) return;
    close();
    choose(options[index]);
  };
  const open = async () => {
    const mine = (latest += 1);
    const found = await find(input.value);
    if (mine !== latest || document.activeElement !== input) return;
    options = found;
    list.replaceChildren(...options.map((option, index) =>
      el("li", { role: "option", id: freshId("choice"), "aria-selected": false,
        onmousedown: (event) => { event.preventDefault(); take(index); } }, option.text)));
    if (!options.length) list.append(el("li", { class: "none", role: "option", "aria-disabled": true }, "Nothing fits"));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(options.length ? 0 : -1);
  };
  const move = (event, step) => {
    event.preventDefault();
    if (list.hidden) return open();
    return options.length ? mark((at + step + options.length) % options.length) : undefined;
  };

  input.setAttribute("aria-controls", list.id);
  input.addEventListener("input", open);
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(event, 1);
    else if (event.key === "ArrowUp") move(event, -1);
    else if (event.key === "Enter" && !list.hidden) { event.preventDefault(); take(at); }
    else if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); }
  });
  return list;
}

function field(props) {
  const { chosen, find, choose, ...rest } = props;
  return el("input", { ...rest, type: "text", role: "combobox", autocomplete: "off", spellcheck: false,
    "aria-expanded": false, "aria-autocomplete": "list" });
}

/** A field for one choice; what is typed and not chosen is given up. */
export function single(props) {
  const input = field({ ...props, value: props.chosen?.text ?? "" });
  let chosen = props.chosen;
  const choose = (option) => {
    chosen = option;
    input.value = option?.text ?? "";
    props.choose(option);
  };
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", () => {
    if (!input.value && chosen) choose(null);
    input.value = chosen?.text ?? "";
  });
  const find = (query) => props.find(chosen && query === chosen.text ? "" : query);
  return el("div", { class: "combobox" }, input, listBelow(input, find, choose));
}

/** A field for several choices, each of which can be taken back. */
export function multiple(props) {
  const input = field(props);
  const chips = el("ul", { class: "chips" });
  let chosen = props.chosen;
  const put = (options) => {
    chosen = options;
    props.choose(chosen);
    show();
  };
  const remove = (option) => {
    put(chosen.filter((each) => each !== option));
    input.focus();
  };
  const show = () => chips.replaceChildren(...chosen.map((option) =>
    el("li", {}, option.text,
      el("button", { type: "button", "aria-label": `Remove ${option.text}`, onclick: () => remove(option) }, "×"))));
  const find = async (query) => {
    const found = await props.find(query);
    return found.filter((option) => !chosen.some((each) => each.value === option.value));
  };
  const choose = (option) => {
    input.value = "";
    put([...chosen, option]);
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Backspace" && !input.value && chosen.length) put(chosen.slice(0, -1));
  });
  show();
  return el("div", { class: "combobox several" }, chips, input, listBelow(input, find, choose));
}
