"""Foley: Make again from markers: after an edit of the markers, a take in which only that differs."""

from foley_inside import press

press.press("again")
