"""Foley Bridge: a local daemon that makes foley from the picture, inside REAPER."""

__version__ = "0.5.0"
