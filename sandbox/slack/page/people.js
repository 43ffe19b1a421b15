// Who is in the workspace, and how each is shown.

import { ask } from "./control.js";
import { el } from "./dom.js";

const users = new Map();
const channels = new Map();

/** Read the workspace's people and channels again. */
export async function learn() {
  const roster = await ask("roster");
  for (const user of roster.users) users.set(user.id, user);
  for (const channel of roster.channels) channels.set(channel.id, channel);
}

/** Whether somebody or some channel is known by this id. */
export function knows(id) {
  return users.has(id) || channels.has(id);
}

/** The people who can sit at a screen. */
export function everybody() {
  return [...users.values()].filter((user) => !user.is_bot && !user.deleted);
}

/** All who can be mentioned, the bot included. */
export function mentionable() {
  return [...users.values()].filter((user) => !user.deleted && user.name !== "slackbot");
}

/** The channels that exist, but for direct conversations. */
export function allChannels() {
  return [...channels.values()].filter((channel) => !["im", "mpim"].includes(channel.kind));
}

/** A person by id, also one whom nobody knows. */
export function person(id) {
  return users.get(id) ?? { id, name: id, real_name: id };
}

/** A channel's name by its id. */
export function channelName(id) {
  return channels.get(id)?.name ?? id;
}

/** The square with somebody's initials. */
export function avatar(id) {
  const user = person(id);
  const initials = user.is_bot ? "✉" : user.real_name.split(" ").map((word) => word[0]).slice(0, 2).join("");
  const tint = user.is_bot ? "bot" : Math.max(0, [...users.keys()].indexOf(id)) % 5;
  return el("span", { class: `avatar tint-${tint}`, "aria-hidden": "true" }, initials);
}

/** What somebody is in the workspace. */
export function role(user) {
  if (user.is_admin || user.is_owner) return "Admin";
  if (user.is_stranger) return "From elsewhere";
  return user.is_restricted ? "Guest" : "Member";
}
