"""The protocol on a pack whose sound starts exactly at the onsets it is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import MediaError
from bridge.packs.store import PackFiles
from onnx_export.evaluate import greatest_hits, media, protocol
from onnx_export.evaluate.greatest_hits import Hit, Video
from onnx_export.evaluate.nets import Nets
from onnx_export.evaluate.protocol import LENGTH, Plan
from tests.onnx_export.evaluate.conftest import FIRST, HITS, LATE, SECOND

PLAN = Plan(steps=2)


class Listening(Nets):
    """Remembers what it was asked for."""

    def __init__(self, files: PackFiles) -> None:
        super().__init__(files, provider="cpu", threads=1)
        self.examples: list[NDArray[np.float32]] = []
        self.words: list[str] = []
        self.tracks: list[NDArray[np.float32]] = []

    def heard(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        self.examples.append(sound)
        return super().heard(sound)

    def understood(self, text: str) -> NDArray[np.float32]:
        self.words.append(text)
        return super().understood(text)

    def made(self, track: NDArray[np.float32], *rest: NDArray[np.float32], **manner) -> NDArray[np.float32]:
        self.tracks.append(track)
        return super().made(track, *rest, **manner)


def of(data: Path, name: str) -> tuple[Video, NDArray[np.float32]]:
    video = next(video for video in greatest_hits.find(data).videos if video.name == name)
    return video, media.sound(video.path)


def test_compare_when_annotated_onsets_are_given_then_the_sound_starts_there(data: Path, nets: Nets) -> None:
    video, sound = of(data, FIRST)
    one = protocol.compare(video, sound, nets, PLAN)
    assert (one.given, one.recorded, one.made, one.same_count) == (3, 3, 3, True)
    assert (one.ap, one.hit_rate, one.ap_50, one.hit_rate_50) == (1.0, 1.0, 1.0, 1.0)
    assert (one.strict_f, one.strict_ap, one.recording_f, one.recording_ap) == (1.0, 1.0, 1.0, 1.0)
    assert one.envelope_correlation > 0.5
    assert one.made_embeddings.shape == one.recorded_embeddings.shape == (3, 4)


def test_compare_when_other_onsets_are_found_in_the_picture_then_the_figures_fall(data: Path, nets: Nets) -> None:
    video, sound = of(data, FIRST)
    one = protocol.compare(video, sound, nets, PLAN, given_s=np.array([0.3, 0.9]))
    assert (one.given, one.same_count, one.strict_f, one.hit_rate) == (2, False, 0.0, 0.0)


def test_compare_when_no_onset_was_found_in_the_picture_then_the_track_is_empty(data: Path, pack: PackFiles) -> None:
    video, sound = of(data, SECOND)
    nets = Listening(pack)
    one = protocol.compare(video, sound, nets, PLAN, given_s=np.zeros(0))
    assert not nets.tracks[0].any()
    assert (one.given, one.made, one.ap) == (0, 0, 0.0)


def test_compare_when_asked_twice_then_the_same_and_another_seed_another_sound(data: Path, nets: Nets) -> None:
    video, sound = of(data, FIRST)
    first, again = (protocol.compare(video, sound, nets, PLAN) for _ in range(2))
    assert np.array_equal(first.made_embeddings, again.made_embeddings)
    other = protocol.compare(video, sound, nets, Plan(steps=2, seed=1))
    assert other.envelope_l1 != first.envelope_l1


def test_compare_when_an_example_is_taken_then_it_runs_from_one_onset_to_the_next(data: Path, pack: PackFiles) -> None:
    video, sound = of(data, FIRST)
    marks = [int(time_s * 48_000) for time_s in HITS[FIRST]]
    spans = list(zip(marks, [*marks[1:], LENGTH], strict=True))
    seen = set()
    for seed in range(12):
        nets = Listening(pack)
        protocol.compare(video, sound, nets, Plan(steps=1, guidance=1.0, seed=seed))
        seen.add(next(span for span in spans if np.array_equal(nets.examples[0], sound[span[0] : span[1]])))
    assert len(seen) > 1


def test_compare_when_words_are_given_then_a_label_without_none(data: Path, pack: PackFiles) -> None:
    video, sound = of(data, FIRST)
    nets = Listening(pack)
    one = protocol.compare(video, sound, nets, Plan(steps=1, conditioning="text"))
    assert nets.words == [one.words] == ["wood hit static"]


def test_compare_when_no_label_is_known_then_no_words(data: Path, pack: PackFiles) -> None:
    video, sound = of(data, FIRST)
    unknown = tuple(Hit(time_s=hit.time_s, label="None hit static") for hit in video.hits)
    nets = Listening(pack)
    bare = Video(name=video.name, path=video.path, suffix=video.suffix, hits=unknown)
    protocol.compare(bare, sound, nets, Plan(steps=1, conditioning="text"))
    assert nets.words == [""]


def test_compare_when_table_2_then_both_are_silent_before_the_first_onset_in_official_figures_only(
    data: Path, pack: PackFiles
) -> None:
    video, sound = of(data, SECOND)
    early = sound.copy()
    early[9_600:16_800] += sound[38_400:45_600]
    nets = Listening(pack)
    one = protocol.compare(video, early, nets, PLAN)
    assert one.recorded == 2
    assert one.recording_f == pytest.approx(4 / 5)
    other = protocol.compare(video, early, nets, PLAN, given_s=np.array(HITS[SECOND]))
    assert other.recorded == 3


def test_compare_when_sounds_are_kept_then_they_are_not_made_again_unless_something_changed(
    data: Path, pack: PackFiles, tmp_path: Path
) -> None:
    video, sound = of(data, SECOND)
    keep = tmp_path / "kept"
    first, again, other = Listening(pack), Listening(pack), Listening(pack)
    once = protocol.compare(video, sound, first, PLAN, keep=keep)
    twice = protocol.compare(video, sound, again, PLAN, keep=keep)
    assert (len(first.tracks), len(again.tracks)) == (1, 0)
    assert np.array_equal(once.made_embeddings, twice.made_embeddings)
    assert once.envelope_l1 == twice.envelope_l1
    protocol.compare(video, sound, other, Plan(steps=3), keep=keep)
    protocol.compare(video, sound, other, PLAN, given_s=np.array([0.8]), keep=keep)
    assert len(other.tracks) == 2
    assert len(list(keep.glob(f"{SECOND}_*.wav"))) == 3


def test_compare_when_a_kept_sound_is_damaged_then_its_file_is_named(
    data: Path, pack: PackFiles, tmp_path: Path
) -> None:
    video, sound = of(data, SECOND)
    nets = Listening(pack)
    protocol.compare(video, sound, nets, PLAN, keep=tmp_path)
    (kept,) = tmp_path.glob("*.wav")
    kept.write_bytes(b"RIFF")
    with pytest.raises(MediaError, match=kept.name):
        protocol.compare(video, sound, nets, PLAN, keep=tmp_path)


def test_why_not_when_a_video_cannot_take_part_then_why(data: Path) -> None:
    video, sound = of(data, FIRST)
    assert protocol.why_not(video, sound) == ""
    assert "5.46 s" in protocol.why_not(video, sound[: LENGTH - 1])
    late, sound = of(data, LATE)
    assert "no onset in the first 2 s" in protocol.why_not(late, sound)


def test_see_when_a_video_has_a_rest_then_its_whole_chunks_are_judged(data: Path, nets: Nets) -> None:
    video, _ = of(data, FIRST)
    seen = protocol.see(video, nets)
    assert [chunk.start_s for chunk in seen.chunks] == [0.0, 2.0, 4.0]
    assert [int(chunk.labels.sum()) for chunk in seen.chunks] == [3, 1, 1]
    assert np.all((seen.found_s >= 0) & (seen.found_s < 6.0))
    assert seen.exact == (False, True, True)  # one rise is seen twice
    assert seen.strict_f == pytest.approx(10 / 11)
    assert seen.strict_ap > 0.9
