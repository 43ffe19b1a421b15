"""The bot between two sandboxes, killed again and again while people use it."""
