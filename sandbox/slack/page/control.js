// The server's control API, the only thing that the page talks to.

const LONGEST_PAUSE_S = 5;

/** The server does not answer. */
export class Gone extends Error {
  constructor() {
    super("The playground has ended.");
  }
}

/** The answer to a word of the control API; throws with the reason where it is refused, or `Gone`. */
export async function ask(word, asked = {}) {
  const response = await fetch(`/_sandbox/${word}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  }).catch(gone);
  const answer = await response.json().catch(() => (response.ok ? gone() : { error: `HTTP status ${response.status}` }));
  if (!response.ok) throw new Error(answer.error.replace(/^\w+: /, ""));
  return answer;
}

function gone() {
  throw new Gone();
}

/**
 * Tell `happened` of each new entry of the journal, for ever, and whether anything else may have changed too;
 * tell `ended` whether the server has ended. Nothing that goes wrong ends it.
 */
export async function follow(happened, ended) {
  let after = await ask("journal_end");
  let missed = 0;
  for (;;) {
    try {
      const entries = missed ? [] : await ask("journal", { after, wait: 20 });
      const end = entries.at(-1)?.seq ?? await ask("journal_end");
      const isOther = missed > 0 || end < after;
      if (isOther || entries.length) after = end;
      ended(false);
      await happened(entries, isOther);
      missed = 0;
    } catch (error) {
      missed += 1;
      if (error instanceof Gone) ended(true);
      else reportError(error);
      await new Promise((done) => setTimeout(done, Math.min(missed, LONGEST_PAUSE_S) * 1000));
    }
  }
}
