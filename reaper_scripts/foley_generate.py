"""Foley: Generate: a new track below the video's with the sound of its markers; asks for the prompt once."""

from foley_inside import press

press.generate()
