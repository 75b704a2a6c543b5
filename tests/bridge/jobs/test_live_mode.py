"""Live mode: off by default; when the score rests, the sound follows in one take of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.domain.render import Recipe
from bridge.errors import HostError
from bridge.jobs import verbs
from bridge.jobs.live import Live
from tests.bridge.jobs.table import Table

PAUSE_S = 0.05


class Asked:
    """What live mode asked for."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self._heard = threading.Condition()

    def __call__(self, token: str) -> None:
        with self._heard:
            self.tokens.append(token)
            self._heard.notify()
        if token == "broken":
            raise RuntimeError("no")

    def waits_for(self, count: int) -> bool:
        with self._heard:
            return self._heard.wait_for(lambda: len(self.tokens) >= count, 5.0)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def live(asked: Asked) -> Iterator[Live]:
    live = Live(asked, pause_s=PAUSE_S)
    yield live
    live.close()


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley"))
    return table


def test_touched_when_thirty_come_in_a_drag_then_one_render_after_the_pause(live: Live, asked: Asked) -> None:
    live.switch("t1", on=True)
    for _ in range(30):
        live.touched("t1")
        time.sleep(PAUSE_S / 20)
    assert asked.tokens == []
    assert asked.waits_for(1)
    time.sleep(3 * PAUSE_S)
    assert asked.tokens == ["t1"]
    live.touched("t1")
    assert asked.waits_for(2)


def test_touched_when_it_never_ends_then_the_render_comes_all_the_same(asked: Asked) -> None:
    live = Live(asked, pause_s=4 * PAUSE_S, latest_s=8 * PAUSE_S)
    live.switch("t1", on=True)
    began = time.monotonic()
    while not asked.tokens:
        assert time.monotonic() - began < 5.0, "it is put off for ever"
        live.touched()
        time.sleep(PAUSE_S / 20)
    assert time.monotonic() - began > 7 * PAUSE_S
    assert asked.tokens == ["t1"]
    for _ in range(20):
        live.touched()
    time.sleep(PAUSE_S)
    assert asked.tokens == ["t1"], "the next one waits for its own pause"
    live.close()


def test_touched_when_live_mode_was_not_switched_on_then_nothing(live: Live, asked: Asked) -> None:
    assert not live.is_on("t1")
    live.touched("t1")
    live.touched()
    time.sleep(3 * PAUSE_S)
    assert asked.tokens == []


def test_touched_when_another_project_changes_then_it_is_passed_over(live: Live, asked: Asked) -> None:
    live.switch("t1", on=True)
    live.touched("t2")
    time.sleep(3 * PAUSE_S)
    assert asked.tokens == []
    live.switch("t2", on=True)
    live.touched()
    assert asked.waits_for(2)
    assert sorted(asked.tokens) == ["t1", "t2"]


def test_switch_when_off_again_then_what_waits_is_dropped(live: Live, asked: Asked) -> None:
    live.switch("t1", on=True)
    live.touched("t1")
    live.switch("t1", on=False)
    time.sleep(3 * PAUSE_S)
    assert (asked.tokens, live.is_on("t1")) == ([], False)


def test_follow_when_a_render_is_refused_then_live_mode_goes_on(live: Live, asked: Asked) -> None:
    live.switch("broken", on=True)
    live.touched("broken")
    assert asked.waits_for(1)
    live.touched("broken")
    assert asked.waits_for(2)


def test_close_when_something_waits_then_it_is_not_made(live: Live, asked: Asked) -> None:
    live.switch("t1", on=True)
    live.touched("t1")
    live.close()
    time.sleep(2 * PAUSE_S)
    assert asked.tokens == []


def test_live_when_toggled_then_host_and_daemon_know(table: Table, live: Live) -> None:
    table.desk = replace(table.desk, live=live)
    assert "Live mode is on" in table.press("live")
    assert (live.is_on("t1"), table.host.watched) == (True, [("t1", True)])
    assert table.press("live") == "Live mode is off."
    assert (live.is_on("t1"), table.host.watched[-1]) == (False, ("t1", False))
    assert table.host.undo_steps == []


def test_live_when_the_host_cannot_watch_then_it_stays_off(
    table: Table, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(project: str, *, on: bool) -> None:
        raise HostError("REAPER is away", hint="Start it")

    table.desk = replace(table.desk, live=live)
    monkeypatch.setattr(table.host, "watch", away)
    table.fails("live", "away", kind=HostError)
    assert not live.is_on("t1")


def test_following_when_markers_change_then_its_own_take_is_replaced_and_not_another_added(table: Table) -> None:
    table.press("generate")
    first = table.layer()
    assert table.press(verbs.LIVE) == ""
    for number, place in enumerate((10.8, 10.9, 11.0)):
        table.mark((10.25, "foley"), (place, "foley"))
        assert "follows" in table.press(verbs.LIVE)
        assert (table.layer().takes, table.layer().live) == (2, True)
        assert list(table.levels()) == [10.25, place]
        replaces = table.host.changes[-1].new_takes[0].replaces
        assert bool(replaces) == (number > 0)
        assert replaces != first.take_guid
    assert table.host.undo_steps[1:] == ["Foley: live"] * 3


def test_following_when_the_designer_made_a_take_in_between_then_that_one_stays(table: Table) -> None:
    table.press("generate")
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press(verbs.LIVE)
    table.press("variation")
    kept = table.layer()
    assert (kept.takes, kept.live) == (3, False)
    table.mark((10.25, "foley"), (10.9, "foley"))
    table.press(verbs.LIVE)
    assert (table.layer().takes, table.layer().live) == (4, True)
    assert table.host.changes[-1].new_takes[0].replaces == ""


def test_following_when_a_part_changed_then_only_that_is_made(table: Table) -> None:
    table.press("generate")
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press(verbs.LIVE)
    assert table.engine.remade == 1


def test_following_when_there_are_layers_then_new_words_make_a_track_and_unchanged_layers_rest(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: metal"))
    table.press("generate")
    table.mark((10.25, "foley"), (10.75, "foley: metal"), (11.0, "foley: glass"))
    table.press(verbs.LIVE)
    assert list(table.levels("glass")) == [11.0]
    assert [table.layer(words).takes for words in ("", "metal")] == [1, 1]


def test_following_when_the_cursor_and_the_selection_are_elsewhere_then_it_does_not_matter(table: Table) -> None:
    table.press("generate")
    table.mark((10.25, "foley"), (10.8, "foley"))
    video = table.host.view.items
    table.select(11.5, 11.9)
    table.change(cursor_s=0.0)
    assert "follows" in table.press(verbs.LIVE)
    assert list(table.levels()) == [10.25, 10.8]
    assert table.host.view.items == video


def test_following_when_two_videos_have_foley_then_both_follow_and_the_newest_track_of_each(table: Table) -> None:
    table.press("generate")
    (video,) = table.host.view.items
    other = replace(video, guid="{other}", position_s=50.0)
    table.change(items=(other,), foley_items=table.host.view.foley_items)
    table.change(markers=(*table.host.view.markers, replace(table.host.view.markers[0], guid="{x}", position_s=50.5)))
    table.press("generate")
    table.change(items=(video, other), videos=(video, other))
    moved = tuple(replace(marker, position_s=marker.position_s + 0.01) for marker in table.host.view.markers)
    table.change(markers=moved)
    table.press(verbs.LIVE)
    made = {item.video_item_guid: Recipe.from_json(item.recipe) for item in table.host.view.foley_items}
    assert [onset.time_s for onset in made["{other}"].request.onsets] == pytest.approx([0.51])
    assert [onset.time_s for onset in made["{video}"].request.onsets] == pytest.approx([0.26, 0.76])


def test_following_when_one_video_was_trimmed_then_the_other_still_follows(table: Table) -> None:
    table.press("generate")
    (video,) = table.host.view.items
    other = replace(video, guid="{other}", position_s=50.0)
    table.change(items=(other,))
    table.change(markers=(*table.host.view.markers, replace(table.host.view.markers[0], guid="{x}", position_s=50.5)))
    table.press("generate")
    trimmed = replace(other, length_s=1.0)
    table.change(items=(video, trimmed), videos=(video, trimmed))
    table.change(
        markers=tuple(replace(marker, position_s=marker.position_s + 0.01) for marker in table.host.view.markers)
    )
    assert "follows" in table.press(verbs.LIVE)
    made = {item.video_item_guid: item.takes for item in table.host.view.foley_items}
    assert made == {"{other}": 1, "{video}": 2}
