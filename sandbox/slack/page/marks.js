// How far each person has read, kept in the browser.

const key = (user) => `read ${user}`;
const now = () => (Date.now() / 1000).toFixed(6);

/** What a person has read: by conversation and thread, and since when anything counts as new. */
export function marks(user) {
  const kept = localStorage.getItem(key(user));
  if (kept) return JSON.parse(kept);
  const fresh = { read: {}, since: now() };
  keep(user, fresh);
  return fresh;
}

/** Say that a person has read a conversation or thread up to `ts`; whether that is new. */
export function readUpTo(user, place, ts) {
  const mine = marks(user);
  if ((mine.read[place] ?? "") >= ts) return false;
  mine.read[place] = ts;
  keep(user, mine);
  return true;
}

function keep(user, mine) {
  localStorage.setItem(key(user), JSON.stringify(mine));
}
