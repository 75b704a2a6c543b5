"""A project that the file host wrote says the same to the simulated REAPER, and after REAPER saved it again."""

from __future__ import annotations

import json
from fractions import Fraction

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.host.base import Change, NewItem, NewMarker, NewTake
from bridge.host.rpp import RppHost
from bridge.media import wav
from tests.bridge.media.clips import at_rate, render
from tests.reaper_sim.client import SimReaper


def test_project_when_opened_and_saved_by_reaper_then_still_says_the_same(tmp_path):
    video = render(tmp_path / "a clip.mp4", times_s=at_rate(Fraction(25), 50))
    first, second = (
        str(wav.write(tmp_path / name, Audio.silence(length_samples=96_000, rate_hz=48_000)))
        for name in ("one.wav", "two.wav")
    )
    host = RppHost.create(tmp_path / "project.RPP", Clip.whole(str(video), 2.0, position_s=3.25, name="it's a clip"))
    view = host.read()
    new = NewItem(
        below_track_guid=view.items[0].track_guid,
        track_name="Foley: wood",
        video_item_guid=view.items[0].guid,
        position_s=3.25,
        length_s=2.0,
        audio_path=first,
        take_name="one",
        recipe=json.dumps({"prompt": 'it\'s `all` three "kinds"'}),
    )
    report = host.write(
        Change(
            token=view.token,
            undo_title="generate",
            prompt="wood",
            add_markers=(NewMarker(position_s=3.5, name="foley"), NewMarker(position_s=4.1, name="foley: metal plate")),
            new_items=(new,),
        )
    )
    take = NewTake(item_guid=report.item_guids[0], audio_path=second, take_name="two", recipe='{"seed": 2}')
    host.write(Change(token=host.read().token, undo_title="variation", new_takes=(take,)))
    with SimReaper.start(tmp_path / "reaper") as reaper:
        reaper.open(tmp_path / "project.RPP")
        tracks, markers = reaper.state()["tracks"], reaper.markers()
        reaper.save(tmp_path / "again.RPP")
    assert [track["name"] for track in tracks] == ["Video", "Foley: wood"]
    (item,) = tracks[1]["items"]
    assert [taken["name"] for taken in item["takes"]] == ["one", "two"]
    assert item["active_take"] == 1
    assert [marker["name"] for marker in markers] == ["foley", "foley: metal plate"]
    before, after = host.read(), RppHost(tmp_path / "again.RPP").read()
    for what in ("items", "chosen", "markers", "foley_items", "prompt", "cursor_s", "media_dir", "sample_rate_hz"):
        assert getattr(after, what) == getattr(before, what), what
    assert json.loads(before.foley_items[0].recipe) == {"seed": 2}
