// The interactive elements, in messages and in forms. `place` carries out what somebody does with them.

import { multiple, single } from "./combobox.js";
import { el, freshId } from "./dom.js";
import { allChannels, mentionable } from "./people.js";
import { unknown, words } from "./words.js";

const TYPED = { plain_text_input: "text", number_input: "text", email_text_input: "email", url_text_input: "url" };
const PICKED = { datepicker: ["date", "selected_date"], timepicker: ["time", "selected_time"] };
const KNOWN = {
  button, overflow, static_select: select, checkboxes: boxes, radio_buttons: boxes,
  external_select: supplied, users_select: listed, conversations_select: listed, channels_select: listed,
  multi_static_select: several, multi_external_select: several, multi_users_select: several,
  multi_conversations_select: several, multi_channels_select: several,
};

/** An element of `block` at `place`; one that is not known is shown as such. */
export function element(shown, block, place) {
  if (TYPED[shown.type]) return typed(shown, block, place);
  if (PICKED[shown.type]) return picked(shown, block, place);
  return KNOWN[shown.type]?.(shown, block, place) ?? unknown("element", shown.type);
}

function button(shown, block, place) {
  const style = shown.style ?? "plain";
  const label = shown.accessibility_label;
  const props = { type: "button", class: `button ${style}`, "data-focus": shown.action_id, "aria-label": label };
  return el("button", { ...props, onclick: (event) => press(event.currentTarget, shown, block, place) }, shown.text.text);
}

async function press(node, shown, block, place) {
  if (shown.confirm && !(await place.confirms(shown.confirm, node))) return;
  node.setAttribute("aria-busy", "true");
  try {
    await place.act(shown, block, undefined);
  } finally {
    node.removeAttribute("aria-busy");
  }
}

function overflow(shown, block, place) {
  const choose = (option) => place.act(shown, block, option.value);
  return el("details", { class: "overflow" },
    el("summary", { "aria-label": "More" }, "⋯"),
    el("div", { class: "menu" },
      shown.options.map((option) =>
        el("button", { type: "button", onclick: () => choose(option) }, words(option.text)))));
}

function typed(shown, block, place) {
  const props = {
    ...common(shown, block, place),
    value: place.state(shown, block)?.value ?? "",
    placeholder: shown.placeholder?.text ?? "",
    oninput: (event) => place.enter(shown, block, event.target.value, { later: true }),
  };
  if (shown.multiline) return el("textarea", { ...props, rows: 4 });
  const numeric = shown.type === "number_input" ? { inputMode: shown.is_decimal_allowed ? "decimal" : "numeric" } : {};
  return el("input", { ...props, ...numeric, type: TYPED[shown.type], autocomplete: "off" });
}

function picked(shown, block, place) {
  const [type, name] = PICKED[shown.type];
  const value = place.state(shown, block)?.[name] ?? "";
  return el("input", { ...common(shown, block, place), type, value,
    onchange: (event) => place.enter(shown, block, event.target.value || null) });
}

function select(shown, block, place) {
  const chosen = place.state(shown, block)?.selected_option?.value;
  const option = (each) => el("option", { value: each.value, selected: each.value === chosen }, each.text.text);
  const groups = shown.option_groups?.map((group) => el("optgroup", { label: group.label.text }, group.options.map(option)));
  const first = chosen === undefined || place.optional(block);
  return el("select", {
    ...common(shown, block, place),
    onchange: (event) => place.enter(shown, block, event.target.value || null),
  }, first && el("option", { value: "" }, shown.placeholder?.text ?? "Choose an option"), groups ?? shown.options.map(option));
}

function boxes(shown, block, place) {
  const type = shown.type === "checkboxes" ? "checkbox" : "radio";
  const state = place.state(shown, block);
  const chosen = (state?.selected_options ?? [state?.selected_option]).filter(Boolean).map((each) => each.value);
  const name = freshId("boxes");
  const all = () => [...group.querySelectorAll(":checked")].map((box) => box.value);
  const changed = () => place.enter(shown, block, type === "checkbox" ? all() : all()[0]);
  const group = el("div", { class: "boxes", role: type === "radio" ? "radiogroup" : "group", ...place.named(block) },
    shown.options.map((option) =>
      el("label", {},
        el("input", { type, name, value: option.value, checked: chosen.includes(option.value), onchange: changed,
          "data-focus": `${block.block_id}/${option.value}` }),
        el("span", {}, words(option.text), option.description && el("small", {}, words(option.description))))));
  return group;
}

function supplied(shown, block, place) {
  return single({
    ...common(shown, block, place),
    placeholder: shown.placeholder?.text ?? "Type to search",
    chosen: choice(place.state(shown, block)?.selected_option),
    find: (query) => found(shown, block, place, query),
    choose: (option) => place.enter(shown, block, option?.raw ?? null),
  });
}

function listed(shown, block, place) {
  const state = place.state(shown, block) ?? {};
  const id = Object.entries(state).find(([name]) => name !== "type")?.[1];
  return single({
    ...common(shown, block, place),
    placeholder: shown.placeholder?.text ?? "Type to search",
    chosen: offered(shown).find((option) => option.value === id) ?? null,
    find: async (query) => fitting(offered(shown), query),
    choose: (option) => place.enter(shown, block, option?.value ?? null),
  });
}

function several(shown, block, place) {
  const state = place.state(shown, block) ?? {};
  const values = Object.entries(state).find(([name]) => name !== "type")?.[1] ?? [];
  const isRaw = shown.type === "multi_external_select";
  const chosen = values.map((value) =>
    typeof value === "object" ? choice(value) : offered(shown).find((each) => each.value === value) ?? { value, text: value });
  return multiple({
    ...common(shown, block, place),
    placeholder: shown.placeholder?.text ?? "Type to search",
    chosen,
    find: (query) => (isRaw ? found(shown, block, place, query) : Promise.resolve(fitting(offered(shown), query))),
    choose: (options) => place.enter(shown, block, options.map((option) => (isRaw ? option.raw : option.value))),
  });
}

async function found(shown, block, place, query) {
  if (query.length < (shown.min_query_length ?? 3)) return [];
  return (await place.search(shown, block, query)).map(choice);
}

function offered(shown) {
  if (shown.type.endsWith("users_select")) return mentionable().map((user) => ({ value: user.id, text: user.real_name }));
  if (shown.options) return shown.options.map(choice);
  if (shown.option_groups) return shown.option_groups.flatMap((group) => group.options).map(choice);
  const kinds = shown.type.endsWith("channels_select") ? ["public"] : shown.filter?.include ?? ["public", "private"];
  const isFit = (channel) => kinds.includes(channel.kind) && !channel.is_archived &&
    !(shown.filter?.exclude_external_shared_channels && channel.is_ext_shared);
  return allChannels().filter(isFit).map((channel) => ({ value: channel.id, text: `#${channel.name}` }));
}

const fitting = (options, query) => options.filter((each) => each.text.toLowerCase().includes(query.toLowerCase()));
const choice = (option) => (option ? { value: option.value, text: option.text.text, raw: option } : null);

function common(shown, block, place) {
  return { ...place.named(block), "data-focus": `${block.block_id}/${shown.action_id}` };
}
