"""A short soak in the suite: every kind of event leaves as many threads, files and sockets as before; and the judge."""

from __future__ import annotations

from pathlib import Path

from tests.soak import COUNTED, Sample, day, judge


def sample(events: int, **changed: float) -> Sample:
    values = {"rss_mib": 200.0, "threads": 9, "files": 10, "sockets": 2, "journal_kib": 4.0}
    return Sample(events=events, **{**values, "leftovers": 0, "reaper_sockets": 3, **changed})  # pyright: ignore


def test_day_when_each_kind_of_event_happened_then_nothing_is_left_behind(tmp_path: Path, film: Path) -> None:
    with day(tmp_path, film=film) as hands:
        for _, act in hands.kinds.values():
            act()
            hands.idle()
            hands.desk.undo_back_to(hands.steps)
            hands.desk.reaper.set_cursor(10.1)
        before = hands.sample()
        for name in ("REAPER restarted", "variation", "cancel", "bad packets", "free", "strangers in REAPER"):
            for _ in range(2):
                hands.kinds[name][1]()
                hands.idle()
                hands.desk.undo_back_to(hands.steps)
        after = hands.sample()
        assert after.leftovers == 0
        assert after.sockets <= before.sockets
        assert after.files <= before.files
        assert after.threads <= before.threads + 1
        assert after.reaper_sockets <= before.reaper_sockets


def test_judge_when_something_grows_then_it_is_seen_and_when_nothing_does_not() -> None:
    steady = [sample(10 * number, rss_mib=200 + number % 3) for number in range(30)]
    assert judge(steady).good
    leaking = [sample(10 * number, rss_mib=200 + 0.3 * number) for number in range(30)]
    assert not judge(leaking).good
    for name in COUNTED:
        assert not judge([sample(10 * number, **{name: 3 + number}) for number in range(30)]).good
