"""A pack's graphs as an evaluation calls them: one chunk of pictures, one prompt, one sound of a given length.

Convention: batch 1 throughout. The authors' evaluation pads the example sounds of a batch with zeros to the longest
before CLAP repeats them, so that an embedding depends on its batch mates (``collate_fn`` in main/dataset_diffusion.py,
mcomunita/syncfusion); alone, a sound has no mates. Graphs are wired by the daemon's own ``Diffusion``; noise comes in,
so that the same numbers give the same sound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bridge.engine import callbacks, samplers
from bridge.engine.devices import providers_for
from bridge.engine.diffusion import Diffusion, Layer, Manner, Watch
from bridge.engine.graph import Graph
from bridge.engine.tokens import clip_of_reference
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.store import PackFiles

RATE_HZ = 48_000

Array = NDArray[np.float32]


class Nets:
    """The graphs of one pack, each opened when it is first needed.

    Args:
        files: a verified pack. provider: one of ``providers.PROVIDERS``. threads: 0 lets ONNX Runtime choose.

    Raises:
        EngineError: the provider cannot be used here.
    """

    def __init__(self, files: PackFiles, *, provider: str = "auto", threads: int = 0) -> None:
        self.files = files
        self._providers = providers_for(provider)
        self._threads = threads
        self._graphs: dict[str, Graph] = {}

    @property
    def manifest(self) -> Manifest:
        """What the pack's ``pack.json`` says."""
        return self.files.manifest

    def check(self, *, sees: bool, sounds: bool, conditioning: str) -> None:
        """Refuses a pack that lacks what an evaluation needs.

        Args:
            sees: onsets are looked for in pictures. sounds: sound is made. conditioning: "audio" or "text".

        Raises:
            PackError: naming what is missing.
        """
        manifest = self.manifest
        if sees and manifest.require_when().frontend.kind != "pictures":
            raise PackError(
                f'pack "{manifest.name}" does not look at pictures, as SyncFusion does',
                hint="Name a pack that foley-export syncfusion made",
            )
        if sounds:
            what = manifest.require_what()
            if (what.hop_samples, what.latent_channels, what.rate_hz) != (1, 1, RATE_HZ):
                raise PackError(
                    f'pack "{manifest.name}" does not make waveforms at {RATE_HZ} Hz, as SyncFusion does',
                    hint="Name a pack that foley-export syncfusion made",
                )
            samplers.sampler(what.sampler)
            manifest.entry(contract.CLAP_AUDIO)
            if conditioning == "text":
                manifest.entry(contract.CLAP_TEXT)

    def graph(self, role: str) -> Graph:
        """The graph that plays a role, opened on first use.

        Raises:
            PackError: the pack has none.
        """
        if role not in self._graphs:
            manifest = self.manifest
            self._graphs[role] = Graph(
                self.files.graph_path(role),
                spec=manifest.entry(role).spec,
                where=f'pack "{manifest.name}", graph "{role}"',
                providers=self._providers,
                threads=self._threads,
            )
        return self._graphs[role]

    @property
    def provider(self) -> str:
        """ONNX Runtime's name of the provider that was asked for first."""
        return self._providers[0]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Rows and columns that the onset graph looks at."""
        sizes = self.manifest.sizes(contract.ONSET)
        return sizes[contract.ROWS], sizes[contract.COLUMNS]

    def activation(self, pictures: Array) -> NDArray[np.float64]:
        """What the onset graph says of a stretch of pictures.

        Args:
            pictures: (steps, 3, rows, columns), 0..1.

        Returns:
            0..1, (steps,).
        """
        answer = self.graph(contract.ONSET)({contract.PICTURES: pictures[None]})
        return answer[contract.ACTIVATION][0].astype(np.float64)

    def heard(self, sound: Array) -> Array:
        """CLAP's embedding of a sound at 48 kHz, (1, dim), as the daemon prepares a reference.

        The protocol's sounds are all shorter than CLAP's ten seconds, beyond which LAION's loader cuts at random.
        """
        length = self.manifest.sizes(contract.CLAP_AUDIO)[contract.CLIP]
        return self.graph(contract.CLAP_AUDIO)({contract.WAVEFORM: clip_of_reference(sound, length)})[
            contract.EMBEDDING
        ]

    def understood(self, text: str) -> Array:
        """CLAP's embedding of words, (1, dim); "" is allowed, as the protocol needs it, unlike for a designer."""
        encoded = self._tokenizer().encode(text)
        tokens, mask = np.array([encoded.ids], np.int64), np.array([encoded.attention_mask], np.int64)
        arrays = {contract.TOKENS: tokens, contract.ATTENTION_MASK: mask}
        return self.graph(contract.CLAP_TEXT)(arrays)[contract.EMBEDDING]

    def made(self, track: Array, embedding: Array, noise: Array, *, sampler: str, steps: int, guidance: float) -> Array:
        """A sound.

        Args:
            track: 1 at onsets, else 0, (samples,). embedding: (1, dim). noise: white, (samples,).
            sampler, steps, guidance: as in a manifest; guidance 1 asks the prompted net only.

        Returns:
            48 kHz, (samples,).
        """
        diffusion = Diffusion(self)
        manner = Manner(
            seed=0,
            steps=steps,
            guidance=guidance,
            sampler=samplers.sampler(sampler),
            times=diffusion.times(steps),
            null=None if guidance == 1.0 else diffusion.prepared(contract.EMBEDDING, self._null()),
        )
        layer = Layer(onsets={}, meaning=diffusion.prepared(contract.EMBEDDING, embedding))
        onsets = diffusion.prepared(contract.ONSET_TRACK, track[None, None].astype(np.float32))
        watch = Watch(progress=callbacks.ignore, cancelled=callbacks.never)

        def velocity(x: Array, sigma: float) -> Array:
            return diffusion.velocity(x, sigma, layer, onsets, manner, watch)

        return manner.sampler(velocity, noise[None], steps=steps)[0]

    def _tokenizer(self) -> Tokenizer:
        path = self.files.path(self.manifest.require_what().tokenizer)
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:
            raise PackError(f"{path} cannot be read ({error})", hint="Export the pack again") from error

    def _null(self) -> Array:
        """The embedding that stands for no prompt, (1, dim)."""
        path = self.files.path(self.manifest.require_what().null_embedding)
        try:
            return np.load(path, allow_pickle=False).astype(np.float32)
        except (OSError, ValueError, EOFError) as error:
            raise PackError(f"{path} cannot be read ({error})", hint="Export the pack again") from error
