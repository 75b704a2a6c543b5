"""A pack in memory: verified once, its graphs opened when they are first needed and kept.

Convention: one ``LoadedPack`` per process and pack; every thread may use it. Each role's graph is opened once, under
its own lock, so that a warm-up and a key press do not open it twice and do not wait for each other's graphs. Released
graphs open again at their next use, on the provider that was asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from bridge.engine.devices import providers_for
from bridge.engine.graph import Graph
from bridge.engine.runtime import ONNX_RUNTIME, Runtime
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.store import PackFiles, Store


def _quiet(sentence: str) -> None:
    pass


class LoadedPack:
    """A verified pack whose graphs can be called.

    Args:
        files: from ``Store.open``.
        providers: ONNX Runtime's names, best first.
        threads: threads for one operator; 0 lets ONNX Runtime choose.
        progress: is told in words what is being opened.
        runtime: opens the graphs.
        verify: looks at the pack's files once more, before a graph is opened: they may have changed since the pack was
            loaded, all the more where the graphs were released and open again days later. Raises PackError.
    """

    def __init__(
        self,
        files: PackFiles,
        *,
        providers: tuple[str, ...],
        threads: int = 0,
        progress: Callable[[str], None] = _quiet,
        runtime: Runtime = ONNX_RUNTIME,
        verify: Callable[[], None] = lambda: None,
    ) -> None:
        self._files = files
        self._verify = verify
        self._providers = providers
        self._threads = threads
        self._progress = progress
        self._runtime = runtime
        self._notices: list[str] = []
        self._notices_lock = threading.Lock()
        self._graphs: dict[str, Graph] = {}
        self._locks = {role: threading.Lock() for role in files.manifest.graphs}

    @property
    def manifest(self) -> Manifest:
        """What the pack's ``pack.json`` says."""
        return self._files.manifest

    @property
    def digest(self) -> str:
        """SHA-256 of ``pack.json``, hex: names the pack's exact content."""
        return self._files.digest

    def path(self, name: str) -> Path:
        """Absolute path of a file that the pack lists.

        Raises:
            PackError: it lists no such file.
        """
        return self._files.path(name)

    def graph(self, role: str) -> Graph:
        """The graph that plays a role, opened on first use.

        Raises:
            PackError: the pack has none, the graph does not fit what the pack says of it, or the files on disk are not
                any more what they were.
        """
        entry = self.manifest.entry(role)
        with self._locks[role]:
            if role not in self._graphs:
                self._verify()
                self._progress(f'Loading "{role}" of pack "{self.manifest.name}"')
                self._graphs[role] = Graph(
                    self._files.graph_path(role),
                    spec=entry.spec,
                    where=f'pack "{self.manifest.name}", graph "{role}"',
                    providers=self._providers,
                    threads=self._threads,
                    often=role == contract.DENOISER,
                    notice=self._note,
                    runtime=self._runtime,
                )
            return self._graphs[role]

    def providers(self) -> dict[str, str]:
        """ONNX Runtime's name of the provider that each open graph runs on, by role."""
        return {role: graph.providers[0] for role, graph in sorted(self._graphs.copy().items())}

    def release(self) -> tuple[str, ...]:
        """Closes every graph and forgets it; one that runs at this moment closes when it is done.

        Returns:
            The roles whose graphs were open.
        """
        closed = []
        for role, lock in self._locks.items():
            with lock:
                if self._graphs.pop(role, None) is not None:
                    closed.append(role)
        return tuple(closed)

    def take_notices(self) -> tuple[str, ...]:
        """What the designer should know and was not told yet, in sentences; each is given once."""
        with self._notices_lock:
            notices, self._notices = tuple(self._notices), []
        return notices

    def _note(self, sentence: str) -> None:
        with self._notices_lock:
            self._notices.append(sentence)


def load(
    store: Store,
    name: str,
    *,
    provider: str = "auto",
    threads: int = 0,
    progress: Callable[[str], None] = _quiet,
    runtime: Runtime = ONNX_RUNTIME,
) -> LoadedPack:
    """Finds, verifies and wraps a pack; graphs open later, one by one.

    Args:
        store: where to look.
        name: the pack's name.
        provider: one of ``providers.PROVIDERS``.
        threads: threads for one operator; 0 lets ONNX Runtime choose.
        progress: is told in words what is being done.
        runtime: what the graphs run on.

    Raises:
        PackError: there is no such pack, or it is damaged.
        EngineError: the provider cannot be used here.
    """
    providers = providers_for(provider, runtime=runtime)
    progress(f'Checking pack "{name}"')
    files = store.open(name)

    def verify() -> None:
        if store.open_folder(files.folder).digest != files.digest:
            raise PackError(
                f'pack "{name}" was replaced by another version while it was in use',
                hint="Stop foley-bridge serve and start it again",
            )

    return LoadedPack(files, providers=providers, threads=threads, progress=progress, runtime=runtime, verify=verify)
