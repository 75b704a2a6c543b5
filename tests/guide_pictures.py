"""Draws the pictures of ``bridge/docs/guide.md``: keys pressed in the simulated REAPER, and what stands there then.

``python -m tests.guide_pictures`` presses the keys with the starter pack and writes the PNGs. What is drawn is the
project's state as the simulated REAPER tells it, the sound files that its takes name, and the sentence in its hint
line. Seeds are new each time, so the waveforms differ from run to run and nothing else does.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge import demo_scene
from bridge.media import mux
from tests.guide_drawing import Shot, draw
from tests.story import Studio, studio

FOLDER = Path(__file__).resolve().parents[1] / "bridge" / "docs"
POSITION_S = 2.0


@dataclass
class Album:
    """Takes a picture after a key, with the sentence that the key ended with."""

    desk: Studio
    folder: Path
    film: Path
    written: list[Path] = field(default_factory=list)

    def take(self, name: str, title: str, sentence: str) -> None:
        """Writes ``guide-NAME.png``."""
        shot = Shot(title=title, sentence=sentence, state=self.desk.reaper.state(), film=self.film)
        self.written.append(draw(self.folder / f"guide-{name}.png", shot))


def session(folder: Path, *, flags: Sequence[str] = ()) -> list[Path]:
    """Presses every key of the guide and writes its pictures."""
    with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        place = Path(scratch)
        scene = demo_scene.scene()
        film = mux.encode_frames(place / "hands.mp4", scene.frames(), scene.rate_hz)
        with studio(place, film, flags=flags, port=port, position_s=POSITION_S) as desk:
            album = Album(desk=desk, folder=folder, film=film)
            _hour(album)
            return album.written


def _hour(album: Album) -> None:
    desk, reaper = album.desk, album.desk.reaper
    album.take("find", "Ctrl+Alt+Shift+O: Find onsets", _pressed(desk, "find_onsets"))

    ours = [marker for marker in reaper.markers() if marker["name"].startswith("foley")]
    for extra in ours[:1] + ours[-1:]:
        reaper.delete_marker(extra["guid"])
    moved = ours[2]
    reaper.move_marker(moved["guid"], moved["position_s"] - 0.15)
    album.take("generate", "Two markers deleted, one moved; Ctrl+Alt+Shift+G: Generate", _pressed(desk, "generate"))

    _pressed(desk, "new_variation")
    title = "Ctrl+Alt+Shift+V: New variation, then Vary a little: takes of one item, the last one plays"
    album.take("takes", title, _pressed(desk, "vary_a_little"))

    _pressed(desk, "keep_this_take")
    reaper.set_time_selection(POSITION_S + 4.0, POSITION_S + 6.5)
    title = "With a time selection, New variation changes that part alone"
    album.take("selection", title, _pressed(desk, "new_variation"))

    reaper.set_time_selection(0.0, 0.0)
    title = "Ctrl+Alt+Shift+W: Draw level from picture, an envelope to edit"
    album.take("level", title, _pressed(desk, "draw_level_from_picture"))

    while len(reaper.tracks()) > 1:
        reaper.undo()
    reaper.set_time_selection(0.0, 0.0)
    for marker in [m for m in reaper.markers() if m["name"].startswith("foley")][1::3]:
        reaper.rename_marker(marker["guid"], "foley: metal plate")
    reaper.answer_next_inputs(["wood"])
    title = "Some markers renamed 'foley: metal plate', then Generate: a track for each"
    album.take("layers", title, _pressed(desk, "generate"))


def _pressed(desk: Studio, action: str) -> str:
    """Presses a key, waits for its undo step and for the sentence that ends it."""
    before = desk.reaper.help_text()
    desk.press_and_wait(action, seconds=180.0)
    desk.until(lambda: desk.reaper.help_text() not in ("", before) and "%" not in desk.reaper.help_text())
    desk.until(lambda: not desk.reaper.help_text().split(".")[0].endswith(("onsets", "sound", "variation", "little")))
    return desk.reaper.help_text()


def main() -> None:
    """Writes the pictures beside the guide."""
    parser = argparse.ArgumentParser(description="Draws the pictures of the guide.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    for path in session(parser.parse_args().out, flags=["--threads", "2"]):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
