"""What waits to be told: what gives way is over, and what there is no room for is not."""

from __future__ import annotations

from functools import partial

from bridge.host.untold import LONGEST, Untold


def test_untold_when_progress_gives_way_then_it_is_over_once_and_what_is_newer_is_not() -> None:
    untold, over = Untold(), list[str]()
    for text in ("the sound follows", "50 %", "90 %"):
        untold.add(text, "progress", partial(over.append, text))
    assert over == ["the sound follows", "50 %"]
    untold.add("6 onsets sounded", "info", partial(over.append, "6 onsets sounded"))
    assert over == ["the sound follows", "50 %", "90 %"]
    sentence = untold.first()
    assert sentence is not None
    untold.told(sentence)
    assert over[3:] == ["6 onsets sounded"]
    assert untold.first() is None


def test_untold_when_progress_gives_way_while_it_is_being_shown_then_it_is_over_once() -> None:
    untold, over = Untold(), list[str]()
    untold.add("50 %", "progress", partial(over.append, "50 %"))
    shown = untold.first()
    assert shown is not None
    untold.add("90 %", "progress")
    untold.told(shown)
    assert over == ["50 %"]


def test_untold_when_there_is_no_room_then_the_oldest_goes_and_is_not_taken_for_told() -> None:
    untold, over = Untold(), list[str]()
    for number in range(LONGEST + 3):
        untold.add(f"Error {number}", "error", partial(over.append, f"Error {number}"))
    assert over == []
    first = untold.first()
    assert first is not None
    assert first.text == "Error 3"
