// Links to messages, as Slack makes them: here they lead to the same screen, and never to a workspace out there.

const PERMALINK = /^https:\/\/[\w-]+\.slack\.com\/archives\/(\w+)\/p(\d{10})(\d{6})(?:\?thread_ts=([\d.]+))?/;

/** The channel and the thread to which `href` leads; `null` where it leads elsewhere. */
export function target(href) {
  const [, channel, seconds, fraction, thread] = PERMALINK.exec(href) ?? [];
  return channel ? { channel, thread: thread ?? `${seconds}.${fraction}` } : null;
}
