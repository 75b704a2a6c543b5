"""Save and open of projects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .model import Project
from .state import restore, snapshot


def dump(project: Project, path: Path, profile: str) -> str:
    return json.dumps(snapshot(project))


def load(project: Project, text: str, path: Path, outside: Callable[..., Any]) -> None:
    restore(project, json.loads(text), -1, None)
