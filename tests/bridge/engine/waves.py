"""What tests of whole windows and of contacts share: packs with their calls counted, and requests by sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.loader import LoadedPack, load
from bridge.packs.store import Store
from tests.packs import NAME as TINY
from tests.packs import tiny_pack
from tests.wave_pack import NAME, RATE_HZ, wave_pack


def opened(folder: Path) -> LoadedPack:
    """The wave pack, written into a folder."""
    wave_pack(folder)
    return load(Store([folder]), NAME, provider="cpu", threads=1)


class Counting:
    """The pack, noting each call of a graph and its first input's batch; ``fields`` change its numbers.

    Its graphs run on ``provider``, they say.
    """

    def __init__(self, pack: LoadedPack, **fields: Any) -> None:
        self._pack, self.path, self.digest = pack, pack.path, pack.digest
        self.providers, self.release = pack.providers, pack.release
        self.manifest = replace(pack.manifest, what=replace(pack.manifest.require_what(), **fields))
        self.provider = ""
        self.roles: list[str] = []
        self.batches: dict[str, int] = {}

    def graph(self, role: str):
        def call(arrays):
            self.roles.append(role)
            self.batches[role] = len(next(iter(arrays.values())))
            return self._pack.graph(role)(arrays)

        call.providers = (self.provider,)  # pyright: ignore[reportFunctionMemberAccess]
        return call


def alone(folder: Path, **fields: Any) -> Counting:
    """The tiny pack, written into a folder, with a window for each onset."""
    tiny_pack(folder)
    return alone_in(folder, **fields)


def alone_in(folder: Path, **fields: Any) -> Counting:
    """The same of a tiny pack that is there."""
    pack = load(Store([folder]), TINY, provider="cpu", threads=1)
    return Counting(pack, **{"windows": "onset", "overlap_frames": 0, "likeness": 0.5, **fields})


def at(samples: Sequence[int], *, length: int, **fields: Any) -> Request:
    """A request with onsets at samples."""
    onsets = tuple(Onset(time_s=(sample + 0.25) / RATE_HZ) for sample in samples)
    given: dict[str, Any] = {"rate_hz": RATE_HZ, "onsets": onsets, "prompt": "wood", "seed": 3} | fields
    return Request(length_samples=length, **given)
