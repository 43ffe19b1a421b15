"""Everything that people read: pure functions that give messages and forms in Block Kit, and the sentences in them."""
