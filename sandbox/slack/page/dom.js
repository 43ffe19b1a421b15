// Nodes, never markup: whatever people and the bot say becomes text.

/** An element; `props` are its properties, `aria*`, `data*` and `role` among them, `on*` its listeners. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    const isAria = name.startsWith("aria");
    if (value === undefined || value === null || (value === false && !isAria)) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name in node && !isAria) node[name] = value;
    else node.setAttribute(name, value === true && !isAria ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Put `wanted` into `parent`: `[key, fingerprint, make]` in order. What has not changed stays, and keeps the focus. */
export function settle(parent, wanted) {
  const there = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const nodes = wanted.map(([key, fingerprint, make]) => {
    const old = there.get(key);
    if (old && old.fingerprint === fingerprint) return old;
    const fresh = make();
    fresh.dataset.key = key;
    fresh.fingerprint = fingerprint;
    if (old) handOver(old, fresh);
    return fresh;
  });
  const keep = new Set(nodes);
  for (const node of there.values()) if (!keep.has(node)) node.remove();
  nodes.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
}

function handOver(old, fresh) {
  const active = document.activeElement;
  if (!old.contains(active)) return;
  const name = active.dataset.focus;
  queueMicrotask(() => {
    const same = [...fresh.querySelectorAll("[data-focus]")].find((node) => node.dataset.focus === name);
    (same ?? focusable(fresh)[0])?.focus();
  });
}

const FOCUSABLE = "button, [href], input, select, textarea, [tabindex]:not([tabindex='-1'])";

/** What can take the focus in `node`. */
export function focusable(node) {
  return [...node.querySelectorAll(FOCUSABLE)].filter((each) => !each.disabled && each.getClientRects().length);
}

let count = 0;

/** An id that no other element has. */
export function freshId(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}

/** Tell screen readers something that has just happened. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}
