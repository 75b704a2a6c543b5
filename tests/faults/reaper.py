"""The simulated REAPER with places at which it stands still: amidst a change, and between a change and its answer.

Convention: a file ``hold-NAME`` in the folder that ``FAULTS_HOLD`` names makes it stop there, once; it says so by a
file ``held-NAME`` and goes on when the first file is gone. While it stands still it does nothing else, as REAPER's main
thread would.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.reaper_sim import ft
from tests.reaper_sim.__main__ import main
from tests.reaper_sim.client import ROOT, SimReaper

HOLD = "FAULTS_HOLD"
PLACES = {
    "AddTakeToMediaItem": "applying",
    "AddRegionOrMarker": "applying",
    "UpdateTimeline": "applied",
}
"""API function -> the step at whose call REAPER stands still."""


class HeldReaper(SimReaper):
    """A simulated REAPER that can be stopped amidst a change."""

    def _launch(self) -> None:
        env = {**os.environ, **self._env, HOLD: str(self.resource_dir)}
        env.setdefault("OMP_NUM_THREADS", "1")
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.reaper", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=env,
                bufsize=0,
            )
        self._pending = b""
        self.web_port = int(self._read(60.0)["web_port"])

    @classmethod
    def start(cls, *args: Any, **wanted: Any) -> HeldReaper:
        """As ``SimReaper.start``."""
        reaper = super().start(*args, **wanted)
        assert isinstance(reaper, HeldReaper)
        return reaper

    def hold(self, step: str) -> None:
        """Stops at a step, when it comes there."""
        (self.resource_dir / f"held-{step}").unlink(missing_ok=True)
        (self.resource_dir / f"hold-{step}").touch()

    def held(self, step: str) -> bool:
        """Whether it stands there now."""
        return (self.resource_dir / f"held-{step}").exists()

    def let_go(self) -> None:
        """Goes on, and stops nowhere."""
        for path in self.resource_dir.glob("hold-*"):
            path.unlink(missing_ok=True)
        for path in self.resource_dir.glob("held-*"):
            path.unlink(missing_ok=True)


def _wrapped(function: Any, step: str, folder: Path) -> Any:
    wanted, said = folder / f"hold-{step}", folder / f"held-{step}"

    def call(*args: Any) -> Any:
        if wanted.exists() and not said.exists():
            said.touch()
            while wanted.exists():
                time.sleep(0.005)
        return function(*args)

    return call


if __name__ == "__main__":
    import tests.reaper_sim.functions_app  # noqa: F401 (registers the last of the API)

    for name, step in PLACES.items():
        implementation, nullable = ft.IMPLEMENTED[name]
        ft.IMPLEMENTED[name] = (_wrapped(implementation, step, Path(os.environ[HOLD])), nullable)
    main()
