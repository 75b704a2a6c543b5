"""Foley: Set prompt: asks what should be heard and remembers it in the project."""

from foley_inside import press

press.set_prompt()
