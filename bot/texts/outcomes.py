"""What became of a name, where MailAPI's own words do not say it: a few words that end no sentence."""

EXISTED = "existed already ({}), left as it is"
ASKED_FOR = "already asked for by another request"
NO_REASON = "MailAPI gave no reason"
NOTHING_SAID = "MailAPI said nothing about it"
TASK_GONE = "MailAPI no longer knows the task, and the mailbox is not listed"
