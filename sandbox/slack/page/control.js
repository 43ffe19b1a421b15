// The server's control API, the only thing that the page talks to.

/** The answer to a word of the control API; throws with the reason where it is refused. */
export async function ask(word, asked = {}) {
  const response = await fetch(`/_sandbox/${word}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.replace(/^\w+: /, ""));
  return answer;
}

/**
 * Tell `happened` of each new entry of the journal, for ever, and whether anything else may have changed too;
 * tell `gone` whether the server answers.
 */
export async function follow(happened, gone) {
  let after = await ask("journal_end");
  let isOther = false;
  for (;;) {
    try {
      const entries = await ask("journal", { after, wait: 20 });
      const end = entries.at(-1)?.seq ?? Math.min(after, await ask("journal_end"));
      gone(false);
      isOther ||= end < after;
      after = end;
      await happened(entries, isOther);
      isOther = false;
    } catch {
      gone(true);
      isOther = true;
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}
