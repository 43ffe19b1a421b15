// Times, as each reader's own clock shows them.

const format = (options) => new Intl.DateTimeFormat(undefined, options);
const TIME = format({ hour: "2-digit", minute: "2-digit" });
const SECONDS = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const FULL = format({ dateStyle: "full", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STYLES = {
  date_num: format({ year: "numeric", month: "2-digit", day: "2-digit" }),
  date: format({ dateStyle: "long" }),
  date_short: format({ dateStyle: "medium" }),
  date_long: format({ dateStyle: "full" }),
  time: TIME,
  time_secs: SECONDS,
};
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

const dateOf = (ts) => new Date(Number(ts) * 1000);

/** Hours and minutes. */
export const clock = (ts) => TIME.format(dateOf(ts));

/** Hours, minutes and seconds. */
export const exact = (ts) => SECONDS.format(dateOf(ts));

/** Everything about a moment, for who points at it. */
export const full = (ts) => FULL.format(dateOf(ts));

/** "2 minutes ago", or how long it is still to go. */
export function relative(ts) {
  const seconds = Number(ts) - Date.now() / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? [];
  return unit ? RELATIVE.format(Math.round(seconds / size), unit) : "just now";
}

/** "Today", "Yesterday", or the date. */
export function day(ts) {
  return pretty(ts) ?? STYLES.date_long.format(dateOf(ts));
}

/** A moment in Slack's own notation, such as `{date_short_pretty} at {time}`. */
export function styled(ts, style) {
  return style.replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "ago") return relative(ts);
    const plain = name.replace(/_pretty$/, "");
    const named = name.endsWith("_pretty") ? pretty(ts)?.toLowerCase() : undefined;
    return named ?? STYLES[plain]?.format(dateOf(ts)) ?? whole;
  });
}

function pretty(ts) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const days = Math.round((midnight(dateOf(ts)) - midnight(new Date())) / 86_400_000);
  return { [-1]: "Yesterday", 0: "Today", 1: "Tomorrow" }[days];
}
