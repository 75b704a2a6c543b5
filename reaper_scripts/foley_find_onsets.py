"""Foley: Find onsets: markers at the onsets of the video item under the edit cursor."""

from foley_inside import press

press.press("detect")
