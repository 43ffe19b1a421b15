// A list that stays at its end while it grows, until somebody scrolls away from it.

const NEAR = 80;
const atEnd = new WeakMap();

/** Keep `list` at its end, whatever becomes of its size. */
export function keepAtEnd(list) {
  atEnd.set(list, true);
  list.addEventListener("scroll", () => atEnd.set(list, list.scrollHeight - list.scrollTop - list.clientHeight < NEAR));
  new ResizeObserver(() => atEnd.get(list) && toEnd(list)).observe(list);
}

/** Change `list`; what is new and longer than the screen is read from its start. */
export function change(list, work) {
  const wasAtEnd = atEnd.get(list);
  const last = list.lastElementChild?.dataset.key;
  work();
  const newest = list.lastElementChild;
  const isLong = newest && newest.offsetHeight > list.clientHeight;
  if (!wasAtEnd || (isLong && newest.dataset.key === last)) return;
  if (isLong) list.scrollTop = newest.offsetTop;
  else toEnd(list);
}

/** Go to the end, and stay there. */
export function toEnd(list) {
  atEnd.set(list, true);
  list.scrollTop = list.scrollHeight;
}
