"""The faults of the matrix: what each does at the moment when a job is held at a step, and how it is mended.

Convention: a strike leaves processes dead or broken; ``run`` (in ``matrix``) lets the others go on, starts again what
died, and calls ``mend`` before the key is pressed again.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.hooks import INSIDE, READ_S, WRITE_S
from tests.faults.shop import Shop

NAP_S = 1.0
SLEEP_S = WRITE_S + READ_S + 2.0
"""Longer than the daemon waits for a change and for the question after it."""

Strike = Callable[[Shop, str], None]


def _nothing(shop: Shop, step: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        name: as the table has it. strike: does it. mend: takes it away.
        starts: variables that the daemon has to be started with. kills_daemon, kills_reaper: what is dead after it.
        frees: the models are closed before the key is pressed.
    """

    name: str
    strike: Strike
    mend: Strike = _nothing
    starts: tuple[tuple[str, str], ...] = ()
    frees: bool = False


def _kill_daemon(shop: Shop, step: str) -> None:
    shop.kill_daemon()


def _kill_reaper(shop: Shop, step: str) -> None:
    shop.kill_reaper(asleep=step == "sent")


def _kill_both(shop: Shop, step: str) -> None:
    shop.kill_reaper(asleep=step == "sent")
    shop.kill_daemon()


def _term(shop: Shop, step: str) -> None:
    daemon = shop.daemon
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGTERM)
    time.sleep(0.6)  # it looks for signals every half second
    shop.go()
    shop.until(lambda: not daemon.alive(), "the daemon stops by itself", seconds=15)


def _undo(shop: Shop, step: str) -> None:
    """The daemon dies, and the designer undoes what it made before the next one looks."""
    shop.kill_daemon()
    shop.reaper.let_go()
    assert shop.reaper.undo()


def _redo(shop: Shop, step: str) -> None:
    assert shop.reaper.redo()
    _check_sounds(shop, "redone")


def _older(shop: Shop, step: str) -> None:
    """REAPER's auto-save has the change, the project as it was saved has not, and that is opened first."""
    shop.kill_daemon()
    shop.reaper.let_go()
    shop.reaper.save(_copy(shop))
    shop.kill_reaper()


def _newer(shop: Shop, step: str) -> None:
    shop.reaper.open(_copy(shop))
    _check_sounds(shop, "opened from the copy")
    shop.show()


def _copy(shop: Shop) -> Path:
    return shop.path(shop.project).with_name("show-autosave.rpp")


def _check_sounds(shop: Shop, how: str) -> None:
    items = [item for track in shop.reaper.state()["tracks"] for item in track["items"] if "foley" in item["ext"]]
    paths = [Path(take["source"]["path"]) for item in items for take in item["takes"]]
    assert paths, f"nothing is {how}"
    assert not [path for path in paths if not path.exists()], f"a sound is gone that an item plays, {how}"


def _broken(name: str) -> Strike:
    def strike(shop: Shop, step: str) -> None:
        assert shop.daemon is not None
        shop.daemon.order(**{"break": name, "where": str(shop.path(shop.project).parent)})

    return strike


def _healed(shop: Shop, step: str) -> None:
    assert shop.daemon is not None
    shop.daemon.order(heal=True)


def _kill_and_clock(shop: Shop, step: str) -> None:
    shop.kill_daemon()
    shop.start_daemon(FAULTS_BREAK="clock - 1 day")


def _folder_gone(shop: Shop, step: str) -> None:
    shutil.rmtree(shop.foley, ignore_errors=True)


def _project_gone(shop: Shop, step: str) -> None:
    shutil.rmtree(shop.path(shop.project).parent, ignore_errors=True)


def _project_back(shop: Shop, step: str) -> None:
    kept = shop.folder / f"kept {'variation' if shop.project == 'variation' else 'generate'}"
    shutil.copytree(kept, shop.path(shop.project).parent, dirs_exist_ok=True)


def _nap_daemon(shop: Shop, step: str) -> None:
    assert shop.daemon is not None
    os.kill(shop.daemon.pid, signal.SIGSTOP)
    time.sleep(NAP_S)
    os.kill(shop.daemon.pid, signal.SIGCONT)


def _sleep_reaper(shop: Shop, step: str) -> None:
    pid = shop.reaper.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        if shop.daemon is not None:
            shop.daemon.order(go="")
        time.sleep(SLEEP_S)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _dialog(seconds: float) -> Strike:
    def strike(shop: Shop, step: str) -> None:
        if step in INSIDE:
            raise AssertionError("no dialog opens while REAPER is amidst a change")
        shop.reaper.open_modal()
        if shop.daemon is not None:
            shop.daemon.order(go="")
        time.sleep(seconds)
        shop.reaper.close_modal()

    return strike


def _damage_journal(shop: Shop, step: str) -> None:
    path = shop.endpoint / "journal.sqlite"
    path.write_bytes(b"this is no journal any more " * 400)
    for suffix in ("-wal",):
        other = path.with_name(path.name + suffix)
        if other.exists():
            other.write_bytes(b"nor is this " * 400)


def _spoil_pack(how: str) -> Strike:
    def strike(shop: Shop, step: str) -> None:
        path = shop.pack / "decoder.onnx"
        if how == "deleted":
            path.unlink()
        elif how == "cut":
            path.write_bytes(path.read_bytes()[:1000])
        else:  # a few numbers of the weights, so that it still opens
            data = bytearray(path.read_bytes())
            middle = len(data) // 2
            data[middle : middle + 400] = bytes(400)
            path.write_bytes(data)

    return strike


def _mend_pack(shop: Shop, step: str) -> None:
    for path in (shop.folder / "whole pack").iterdir():
        shutil.copy2(path, shop.pack / path.name)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(name="kill daemon", strike=_kill_daemon),
        Fault(name="kill REAPER", strike=_kill_reaper),
        Fault(name="kill both", strike=_kill_both),
        Fault(name="kill daemon, undo, redo", strike=_undo, mend=_redo),
        Fault(name="kill both, older copy", strike=_older, mend=_newer),
        Fault(name="SIGTERM", strike=_term),
        Fault(name="disk full", strike=_broken("disk full"), mend=_healed),
        Fault(name="file limit", strike=_broken("file limit"), mend=_healed),
        Fault(name="read only", strike=_broken("read only"), mend=_healed),
        Fault(name="folder gone", strike=_folder_gone),
        Fault(name="project gone", strike=_project_gone, mend=_project_back),
        Fault(name="clock + 1 day", strike=_broken("clock + 1 day"), mend=_healed),
        Fault(name="clock - 1 day", strike=_broken("clock - 1 day"), mend=_healed),
        Fault(name="kill, clock back", strike=_kill_and_clock, mend=_healed),
        Fault(name="graph: no memory", strike=_broken("no memory for a graph"), mend=_healed, frees=True),
        Fault(name="graph: MemoryError", strike=_broken("no memory at all"), mend=_healed),
        Fault(name="sound: no memory", strike=_broken("no memory for sound"), mend=_healed),
        Fault(name="graph fails", strike=_broken("graph fails"), mend=_healed),
        Fault(name="device fails", strike=_broken("device fails"), mend=_healed, starts=(("FAULTS_DEVICE", "1"),)),
        Fault(name="pack deleted", strike=_spoil_pack("deleted"), mend=_mend_pack, frees=True),
        Fault(name="pack cut", strike=_spoil_pack("cut"), mend=_mend_pack, frees=True),
        Fault(name="pack altered", strike=_spoil_pack("altered"), mend=_mend_pack, frees=True),
        Fault(name="daemon sleeps", strike=_nap_daemon),
        Fault(name="REAPER sleeps", strike=_sleep_reaper),
        Fault(name="dialog, short", strike=_dialog(0.8)),
        Fault(name="dialog, long", strike=_dialog(SLEEP_S)),
        Fault(name="journal damaged", strike=_damage_journal),
        Fault(name="journal unwritable", strike=_broken("journal unwritable"), mend=_healed),
    )
}
