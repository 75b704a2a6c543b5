"""Foley: Cancel: stops what the bridge is working on; the project stays as it is."""

from foley_inside import press

press.press("cancel")
