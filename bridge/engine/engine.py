"""Both stages behind one door, made from whatever packs were loaded: one for both, or one for each.

The engine knows no model by name: the pack's manifest says what its graphs take and give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.engine.diffusion import Array
from bridge.engine.loader import LoadedPack
from bridge.engine.patches import Patch, Sound
from bridge.engine.spans import Span
from bridge.engine.what import Generator
from bridge.engine.when import Detection, Detector
from bridge.errors import RequestError
from bridge.media import video
from bridge.packs import contract

_NOT_TOLD: Mapping[str, str] = MappingProxyType({})


class Engine:
    """Loaded packs' *when* and *what* stages.

    Args:
        pack: makes the sound, and finds the onsets if no other pack does.
        onset_pack: finds the onsets; None if ``pack`` does.

    Raises:
        PackError: a pack lacks the stage that is asked of it, when it is first needed.
    """

    def __init__(self, pack: LoadedPack, *, onset_pack: LoadedPack | None = None) -> None:
        self.pack = pack
        self.onset_pack = pack if onset_pack is None else onset_pack
        self._packs = (pack,) if onset_pack is None else (pack, onset_pack)
        self._detector: Detector | None = None
        self._generator: Generator | None = None
        manifest = pack.manifest
        self.pack_name = manifest.name
        self.pack_version = manifest.version
        self.pack_digest = pack.digest
        self.licence = manifest.licence.name
        self.commercial_use = manifest.licence.commercial_use

    @property
    def detector(self) -> Detector:
        """The *when* stage, opened on first use."""
        if self._detector is None:
            self._detector = Detector(self.onset_pack)
        return self._detector

    @property
    def generator(self) -> Generator:
        """The *what* stage, opened on first use."""
        if self._generator is None:
            self._generator = Generator(self.pack)
        return self._generator

    @property
    def adds(self) -> bool:
        """Whether what sounds at one onset does not depend on the others; then making again is making at once."""
        return self.generator.adds

    @property
    def rate_hz(self) -> int:
        """Sampling rate that the pack makes sound at."""
        return self.generator.rate_hz

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of what the denoiser runs on now; "" before it was first needed."""
        return self.pack.providers().get(contract.DENOISER, "")

    @property
    def pack_names(self) -> tuple[str, ...]:
        """The pack that makes the sound, then the one that finds the onsets if it is another."""
        return tuple(pack.manifest.name for pack in self._packs)

    @property
    def found_by(self) -> Mapping[str, str]:
        """What a recipe says of the pack that found its onsets; nothing if it is the one that made the sound."""
        if self.onset_pack is self.pack:
            return _NOT_TOLD
        return {"onset_pack": self.onset_pack.manifest.name, "onset_pack_digest": self.onset_pack.digest}

    def providers(self) -> dict[str, str]:
        """ONNX Runtime's name of the provider that each open graph runs on, by role."""
        return {role: name for pack in self._packs for role, name in pack.providers().items()}

    def warm_up(self) -> None:
        """Opens every graph of the stages that there are, so that the first key press does not wait for it."""
        if self.pack.manifest.what is not None:
            self.generator.warm_up()
        if self.onset_pack.manifest.when is not None:
            self.detector.warm_up()

    def release(self) -> tuple[str, ...]:
        """Closes every graph and drops what the stages keep; the next use opens again.

        Returns:
            The roles whose graphs were open.
        """
        self._detector = self._generator = None
        return tuple(role for pack in self._packs for role in pack.release())

    def take_notices(self) -> tuple[str, ...]:
        """What the designer should know of the graphs and was not told yet; see ``LoadedPack.take_notices``."""
        return tuple(notice for pack in self._packs for notice in pack.take_notices())

    def check_prompt(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt that the pack does not understand and leaves out.

        Raises:
            RequestError: it understands none of them; the message names what it does.
        """
        return self.generator.check_prompt(prompt)

    def check_reference(self, reference: Reference) -> None:
        """Looks whether the pack can listen to an example sound; see ``Generator.check_reference``."""
        self.generator.check_reference(reference)

    def check_sampler(self, name: str | None) -> None:
        """Looks whether there is a sampler of that name; see ``Generator.check_sampler``."""
        self.generator.check_sampler(name)

    def recipe(
        self,
        request: Request,
        clip: Clip,
        *,
        video_item_guid: str = "",
        previous_digest: str = "",
        found_by: Mapping[str, str] = _NOT_TOLD,
        **told: Any,
    ) -> Recipe:
        """How a request's sound for a clip was made with this pack; see ``Recipe``.

        Args:
            found_by: the engine's or an earlier recipe's, if it is known where the onsets are from.
            told: more of the recipe's fields: ``within``, ``parts``, ``controls``, ``output``, ``source_sha256``.
        """
        return Recipe(
            request=request,
            pack=self.pack_name,
            pack_version=self.pack_version,
            pack_digest=self.pack_digest,
            licence=self.licence,
            commercial_use=self.commercial_use,
            video_item_guid=video_item_guid,
            source_path=clip.source_path,
            time_map=clip.time_map,
            provider=self.provider,
            previous_digest=previous_digest,
            **found_by,
            **told,
        )

    def check_clip(self, clip: Clip) -> None:
        """Looks whether a clip can be worked on; see ``check_clip``."""
        check_clip(clip)

    def detect(
        self,
        clip: Clip,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
        threshold: float | None = None,
    ) -> Detection:
        """Onsets of a clip's visible part; see ``Detector.detect``."""
        return self.detector.detect(clip, progress=progress, cancelled=cancelled, threshold=threshold)

    def render(
        self,
        request: Request,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Audio:
        """Sound for a request; see ``Generator.render``."""
        return self.generator.render(request, progress=progress, cancelled=cancelled)

    def stream(
        self,
        request: Request,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Iterator[Array]:
        """The samples of ``render`` as blocks (n,), one after the other; see ``Generator.stream``."""
        return self.generator.stream(request, progress=progress, cancelled=cancelled)

    def changes(
        self,
        request: Request,
        *,
        previous_request: Request,
        previous: Sound,
        within: Span | None = None,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> list[Patch]:
        """What must be put into a sound whose request changed; see ``Generator.changes``."""
        return self.generator.changes(
            request,
            previous_request=previous_request,
            previous=previous,
            within=within,
            progress=progress,
            cancelled=cancelled,
        )


def check_clip(clip: Clip) -> None:
    """Looks whether a clip can be worked on, before anything is begun.

    Raises:
        MediaError: its file is no video that can be read.
        RequestError: it shows less than one frame.
    """
    rate_hz = video.probe(clip.source_path).average_fps
    frame_s = 1.0 / rate_hz if rate_hz > 0 else 0.0
    if clip.length_s * clip.play_rate < frame_s:
        raise RequestError(
            f"{clip.title} is shorter than a frame: {1000 * clip.length_s * clip.play_rate:.1f} ms of picture, "
            f"where a frame lasts {1000 * frame_s:.1f} ms",
            hint="Lengthen the item and press the key again",
        )
