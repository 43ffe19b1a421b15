"""What Slack delivers: each delivery is taken apart, done once, and acknowledged, whatever happens."""
