// The page: two people's screens side by side, and what goes on behind them.

import { Behind } from "./behind.js";
import { ask, follow, Gone } from "./control.js";
import { el } from "./dom.js";
import { relative } from "./moments.js";
import { everybody, knows, learn, person } from "./people.js";
import { Screen } from "./screen.js";

const THEMES = ["system", "light", "dark"];
const ENDED = "The playground has ended. Start it again, and this page goes on by itself.";
const byId = (id) => document.getElementById(id);

async function start() {
  const [playground] = await Promise.all([ask("playground"), learn()]);
  const [first, second] = seated();
  const screens = [first, second].map((user) => new Screen(user, playground, () => seat(screens)));
  const behind = new Behind(byId("behind"), playground);
  byId("panes").append(...screens.map((screen) => screen.node));
  switches(behind);
  await Promise.all(screens.map((screen) => screen.refresh()));
  seat(screens);
  document.body.dataset.ready = "yes";
  setInterval(tick, 20_000);
  await follow(async (entries, isOther) => {
    const isNew = (id) => id && !knows(id);
    if (isOther || entries.some((entry) => isNew(entry.channel) || isNew(entry.user))) await learn();
    await Promise.all(screens.map((screen) => (isOther ? screen.refresh() : screen.takesUp(entries))));
    await behind.refresh();
  }, (isGone) => {
    byId("ended").textContent = isGone ? ENDED : "";
    behind.isBlind = isGone;
  });
}

/** Who sat here last, or the first two. */
function seated() {
  const there = everybody().map((user) => user.id);
  const kept = JSON.parse(localStorage.getItem("seated") ?? "[]").filter((user) => there.includes(user));
  return kept.length === 2 ? kept : there.slice(0, 2);
}

function seat(screens) {
  localStorage.setItem("seated", JSON.stringify(screens.map((screen) => screen.user)));
  const panes = byId("panes");
  panes.dataset.front ??= 0;
  const tabs = byId("tabs");
  if (!tabs.children.length) tabs.append(...screens.map((screen, at) => el("button", { type: "button", onclick: () => bring(screens, at) })));
  screens.forEach((screen, at) => {
    const news = screen.news ? ` (${screen.news} new)` : "";
    tabs.children[at].textContent = person(screen.user).real_name + news;
    tabs.children[at].setAttribute("aria-pressed", at === Number(panes.dataset.front));
  });
}

async function bring(screens, at) {
  byId("panes").dataset.front = at;
  seat(screens);
  await screens[at].refresh();
}

function switches(behind) {
  const theme = el("button", { type: "button", onclick: () => dress(theme, THEMES[(THEMES.indexOf(themeNow()) + 1) % 3]) });
  dress(theme, themeNow());
  const open = el("button", { type: "button", "aria-expanded": false, "aria-controls": "behind",
    onclick: () => open.setAttribute("aria-expanded", behind.toggle()) }, "Behind the scenes");
  byId("switches").append(open, theme);
}

const themeNow = () => localStorage.getItem("theme") ?? "system";

function dress(button, theme) {
  localStorage.setItem("theme", theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  button.textContent = { system: "Colours: system", light: "Colours: light", dark: "Colours: dark" }[theme];
}

function tick() {
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = relative(node.dataset.since);
}

// Whatever was asked for without anybody who waits for it: the page says already that nobody answers.
addEventListener("unhandledrejection", (event) => { if (event.reason instanceof Gone) event.preventDefault(); });
await start();
