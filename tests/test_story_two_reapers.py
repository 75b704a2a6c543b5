"""Two REAPERs and one daemon: each key works where it was pressed, or says that its project is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.reaper_sim.client import SimReaper
from tests.story import SCRIPTS, Studio, tiny_studio


@pytest.fixture
def desk(tmp_path: Path, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path, film, profile="7.30") as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def other(desk: Studio, film: Path) -> Iterator[Studio]:
    """A second REAPER with a project of its own, started last."""
    env = {"FOLEY_BRIDGE_ENDPOINT": str(desk.folder / "endpoint")}
    with SimReaper.start(
        desk.folder / "reaper two", profile="6.80", env=env, startup_scripts=[SCRIPTS / "foley_server.py"]
    ) as reaper:
        item = reaper.place_video(film, 50.0, length_s=3.0)
        reaper.save(desk.folder / "project two" / "other.rpp")
        reaper.set_cursor(50.1)
        yield replace(desk, reaper=reaper, item=item)


def test_keys_when_two_reapers_run_then_each_works_where_it_was_pressed(desk: Studio, other: Studio) -> None:
    nothing = other.reaper.state()
    desk.press_and_wait("find_onsets")
    desk.press_and_wait("generate")
    desk.until_said("sounded for 'film.mp4'")
    assert all(10.0 <= position < 16.0 for position, _ in desk.markers())
    assert other.reaper.state() == nothing
    assert (other.reaper.console(), other.reaper.help_text()) == ("", "")
    mine, said = desk.reaper.state(), desk.reaper.help_text()

    other.reaper.answer_next_inputs(["glass"])
    other.press("find_onsets")
    desk.press("new_variation")
    other.until(lambda: other.markers())
    desk.until(lambda: len(desk.foley_items()[0]["takes"]) == 2)
    other.press_and_wait("generate")
    assert all(50.0 <= position < 53.0 for position, _ in other.markers())
    assert other.recipe().request.prompt == "glass"
    assert Path(other.active_audio(other.foley_items()[0])).is_relative_to(desk.folder / "project two")
    assert desk.reaper.state()["markers"] == mine["markers"]
    assert said != desk.reaper.help_text()

    other.reaper.quit()
    desk.press_and_wait("new_variation")
    assert len(desk.foley_items()[0]["takes"]) == 3


def test_key_when_its_project_is_closed_meanwhile_then_that_is_said_and_no_other_is_touched(
    desk: Studio, other: Studio
) -> None:
    reaper = desk.reaper
    nothing = other.reaper.state()
    reaper.new_tab()
    empty = reaper.state()
    reaper.switch_tab(0)
    desk.press("find_onsets")
    reaper.close_tab(0)
    desk.until_console("The project", "show.rpp' is not open any more", "Press the key again")
    assert reaper.state() == empty
    assert other.reaper.state() == nothing
    assert other.reaper.console() == ""
