"""The token of the daemons that tests start."""

TOKEN = "token-of-a-test-" * 2
