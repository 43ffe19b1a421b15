"""Slack messages as rows: owed together with the change that they tell, told by whoever claims them."""
