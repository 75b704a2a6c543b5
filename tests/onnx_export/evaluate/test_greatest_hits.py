"""The data set is found in its layouts; what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import MediaError
from onnx_export.evaluate import greatest_hits as gh


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("1.0 wood hit static\n" if name.endswith(".txt") else "")


def test_test_ids_when_read_then_the_196_of_the_paper() -> None:
    ids = gh.test_ids()
    assert len(ids) == len(set(ids)) == 196
    assert ids == tuple(sorted(ids))


def test_find_when_files_lie_in_folders_below_then_they_are_found_in_the_splits_order(tmp_path: Path) -> None:
    put(tmp_path / "mic-mp4", "b_mic.mp4", "a_denoised.mp4", "b_denoised.mp4")
    put(tmp_path / "times-txt", "a_times.txt", "b_times.txt", "c_times.txt")
    split = gh.find(tmp_path, ["b", "a"])
    assert split.whole
    assert [(video.name, video.suffix) for video in split.videos] == [("b", "_mic.mp4"), ("a", "_denoised.mp4")]


def test_find_when_files_are_missing_then_each_kind_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a_mic.mp4", "a_times.txt", "b_times.txt", "c_denoised.mp4")
    split = gh.find(tmp_path, ["a", "b", "c", "d"])
    assert not split.whole
    assert [video.name for video in split.videos] == ["a"]
    assert "1 of the 4 test videos are complete" in split.missing
    assert "2 have no <id>_mic.mp4 or <id>_denoised.mp4 (b, d)" in split.missing
    assert "2 have no <id>_times.txt (c, d)" in split.missing
    assert gh.ADDRESS in split.way_out


def test_find_when_the_folder_is_not_there_then_it_says_where_to_get_the_data_set(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="andrewowens"):
        gh.find(tmp_path / "nowhere")


def test_read_hits_when_a_time_comes_twice_then_the_last_label_counts(tmp_path: Path) -> None:
    path = tmp_path / "a_times.txt"
    path.write_text("1.5 wood hit static\n2.0 None None None\n\n1.5 metal scratch static\n")
    hits = gh.read_hits(path)
    assert [(hit.time_s, hit.label) for hit in hits] == [(1.5, "metal scratch static"), (2.0, "None None None")]


@pytest.mark.parametrize("line", ["wood 1.5", "nan wood", "-1 wood", "1e15 wood", "inf wood"])
def test_read_hits_when_a_line_has_no_time_then_file_and_line_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a_times.txt"
    path.write_text(f"1.0 wood hit static\n{line}\n")
    with pytest.raises(MediaError, match=r"a_times\.txt, line 2"):
        gh.read_hits(path)
