"""The two libraries that the official metrics are defined by, imported where they are first needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from bridge.errors import RequestError


def library(name: str) -> ModuleType:
    """``librosa.onset`` or ``sklearn.metrics``.

    Raises:
        RequestError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or name).partition(".")[0]
        raise RequestError(
            f"{missing} is not installed", hint='Install what evaluating needs: pip install "foley-bridge[evaluate]"'
        ) from error
