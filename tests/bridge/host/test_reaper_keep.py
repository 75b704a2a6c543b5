"""Keeping a take: what is kept is the designer's, also where live mode made it."""

from __future__ import annotations

from pathlib import Path

from bridge.host.base import Change, NewTake
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, look, new_item
from tests.reaper_sim.client import SimReaper


def test_kept_take_when_live_mode_made_it_then_live_does_not_own_it_until_the_keeping_is_undone(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    made = host.write(Change(token=view.token, undo_title="Foley", new_items=(new_item(view.items[0], sounds("a")),)))
    take = NewTake(
        item_guid=made.item_guids[0], audio_path=str(sounds("b")), take_name="wood 2", recipe="{}", live=True
    )
    host.write(Change(token=view.token, undo_title="Foley: live", new_takes=(take,)))
    assert [item.live for item in host.read().foley_items] == [True]

    host.write(Change(token=view.token, undo_title="Foley: keep", keep_takes=made.item_guids))
    assert [(item.takes, item.live) for item in host.read().foley_items] == [(1, False)]

    assert reaper.undo() == "Foley: keep"
    assert [(item.takes, item.live) for item in host.read().foley_items] == [(2, True)]
