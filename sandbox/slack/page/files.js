// Files that were shared: their name, what a table in them says, and a way to keep them.

import { el } from "./dom.js";

const MOST_ROWS = 6;

/** A shared file. */
export function file(shared) {
  const bytes = Uint8Array.from(atob(shared.content), (sign) => sign.charCodeAt(0));
  const keep = () => save(shared.name, bytes);
  return el("figure", { class: "file" },
    el("figcaption", {},
      el("span", { class: "kind", "aria-hidden": "true" }, shared.filetype.toUpperCase()),
      el("span", { class: "name" }, el("b", {}, shared.title || shared.name), el("small", {}, `${shared.name} · ${size(shared.size)}`)),
      el("button", { type: "button", class: "button plain", "data-focus": shared.id, "aria-label": `Download ${shared.name}`, onclick: keep }, "Download")),
    shared.filetype === "csv" && preview(new TextDecoder().decode(bytes)));
}

function save(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const size = (bytes) => (bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KB`);

function preview(text) {
  const [head, ...rows] = parsed(text);
  if (!head) return null;
  const more = rows.length - MOST_ROWS;
  const row = (cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)));
  return el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Preview" },
    el("table", {},
      el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, cell)))),
      el("tbody", {}, rows.slice(0, MOST_ROWS).map(row))),
    more > 0 && el("p", { class: "more" }, `and ${more} more ${more === 1 ? "row" : "rows"}`));
}

/** The rows of a CSV; cells in quotes may hold commas, quotes and lines. */
function parsed(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1 || row[0]) rows.push(row);
    row = [];
  }
  return rows;
}
