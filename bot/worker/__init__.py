"""The machine's half: plans requests, sends their calls, watches and settles them."""
