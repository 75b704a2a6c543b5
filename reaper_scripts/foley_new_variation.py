"""Foley: New variation: another take, with another seed, on the foley item of the video under the edit cursor."""

from foley_inside import press

press.press("variation")
