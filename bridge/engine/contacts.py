"""Contacts that were made, kept for when they are wanted again: the least recently used go first.

Convention: a key holds everything that the samples depend on, so what is kept is what would be made.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

KEEP_BYTES = 64 << 20
"""Some 250 contacts of the starter pack."""

Array = NDArray[np.float32]


class Contacts:
    """Sounds by key, bounded in bytes. Safe to use from several threads.

    Args:
        keep_bytes: never holds more; 0 keeps nothing.
    """

    def __init__(self, keep_bytes: int = KEEP_BYTES) -> None:
        self._keep_bytes = keep_bytes
        self._sounds: OrderedDict[Hashable, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def get(self, key: Hashable) -> Array | None:
        """The sound of a key, read-only; None if it is not there."""
        with self._lock:
            sound = self._sounds.get(key)
            if sound is not None:
                self._sounds.move_to_end(key)
            return sound

    def made(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """The sound of a key, read-only: the one that is kept, else a new one, which is kept if it fits."""
        sound = self.get(key)
        if sound is not None:
            return sound
        sound = make()
        sound.flags.writeable = False
        if sound.nbytes > self._keep_bytes:
            return sound
        with self._lock:
            before = self._sounds.pop(key, None)
            self._bytes -= 0 if before is None else before.nbytes
            self._sounds[key] = sound
            self._bytes += sound.nbytes
            while self._bytes > self._keep_bytes:
                self._bytes -= self._sounds.popitem(last=False)[1].nbytes
        return sound
