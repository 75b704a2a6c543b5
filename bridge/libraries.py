"""The libraries that read pictures, run graphs and measure sound, loaded when they are first needed.

They take a second or more, which the daemon spends in the background: it listens before. Convention: whoever needs them
calls ``load`` and imports from the modules behind it afterwards. One thread loads and the others wait, because Python
gives two threads that import the same library from two ends each the other's unfinished half.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import EngineError

LARGE_BYTES = 1 << 20
_READ_BYTES = 1 << 20
_lock = threading.Lock()


def load() -> None:
    """Imports them; every caller waits for the same import.

    Raises:
        EngineError: one is missing, or lacks something of the system's; tried again at the next call.
    """
    with _lock:
        try:
            for name in ("cv2", "av", "onnxruntime", "scipy"):
                if name not in sys.modules:
                    _read(name)
            import bridge.engine.engine
            import bridge.engine.loader
            import bridge.jobs.doing  # noqa: F401
        except (ImportError, OSError) as error:
            raise EngineError(
                f"A library is missing: {error}",
                hint="Install foley-bridge again; on Linux without a desktop also libgl1 and libglib2.0-0",
            ) from error


def _read(package: str) -> None:
    """Reads a package's large native libraries into the system's memory.

    While the system loads a native library no other thread of the program can run, and after a cold start that takes as
    long as the disk: without this the first answers came after 0.2 s and more. Reading holds nobody up.
    """
    block = bytearray(_READ_BYTES)
    for path in _native(package):
        try:
            with path.open("rb", buffering=0) as file:
                while file.readinto(block):
                    pass
        except OSError:
            continue  # the import will say it better


def _native(package: str) -> Iterator[Path]:
    """A package's native libraries and those that came with it, without the providers, which are loaded on demand."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return
    home = Path(spec.origin).parent
    for folder in (home, *home.parent.glob(f"*{package.removesuffix('2')}*.libs")):
        for path in folder.rglob("*"):
            native = {".so", ".pyd", ".dll", ".dylib"} & set(path.suffixes)
            if native and "_providers_" not in path.name and path.is_file() and path.stat().st_size >= LARGE_BYTES:
                yield path
