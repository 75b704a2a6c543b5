"""``foley-export evaluate syncfusion`` from the outside."""

from __future__ import annotations

import csv
import errno
import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from bridge.packs.stages import MAX_STEPS
from bridge.packs.store import PackFiles
from onnx_export.__main__ import main
from onnx_export.evaluate import greatest_hits
from tests import packs
from tests.onnx_export.evaluate.conftest import FIRST, HITS, LATE, SECOND, film

COMMON = ("evaluate", "syncfusion", "--provider", "cpu", "--steps", "2")
ONE = ("--partial", "--tables", "2", "--limit", "1")


def run(data: Path, pack: Path, *further: str) -> int:
    return main([*COMMON, "--greatest-hits", str(data), "--pack", str(pack), *further])


def test_evaluate_when_the_data_set_is_not_here_then_what_is_missing_and_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMON, "--greatest-hits", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "0 of the 196 test videos" in said
    assert "<id>_times.txt" in said
    assert greatest_hits.ADDRESS in said
    assert "--partial" not in said


def test_evaluate_when_some_videos_are_missing_then_it_takes_partial_to_go_on(
    data: Path, pack: PackFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, pack.folder) == 2
    assert "3 of the 196 test videos" in (said := capsys.readouterr().err)
    assert "--partial to evaluate the 3 that are there" in said


def test_evaluate_when_all_is_there_then_three_tables_beside_the_papers(
    data: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, pack.folder, "--partial", "--out", str(tmp_path / "a.json")) == 0
    said = capsys.readouterr()
    for words in ("Table 1", "Table 2", "Table 3", "49.39", "98.75", "56.87", "Only 3 of the 196", "ddim, 150 steps"):
        assert words in said.out
    assert "3 of 3" in said.err
    found = json.loads((tmp_path / "a.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert found["pack"]["digest"] == pack.digest
    assert (found["settings"]["seed"], found["settings"]["steps"], found["data"]["videos"]) == (0, 2, 3)
    assert list(found["tables"]) == ["table 1", "table 2", "table 3"]
    two = found["tables"]["table 2"]
    assert two["figures"]["count accuracy"]["value"] == 100.0
    assert two["figures"]["strict F, 50 ms"]["value"] == 100.0
    assert two["figures"]["FAD (CLAP)"]["value"] >= 0.0
    assert two["figures"]["AP"]["count"] == len(two["clips"]) == 2
    assert any("no onset in the first 2 s: 1" in note for note in two["notes"])
    other = found["tables"]["table 3"]["clips"][0]  # onsets found in the picture are not quite the annotated ones
    assert (other["video"], other["hit_rate"]) == (two["clips"][0]["video"], 1.0)
    assert other["envelope_l1"] != two["clips"][0]["envelope_l1"]
    assert found["tables"]["table 1"]["figures"]["bce"]["value"] > 0.0
    assert found["libraries"]["librosa"]


def test_evaluate_when_asked_again_then_the_same_bytes_whatever_else_is_evaluated(
    data: Path, pack: PackFiles, tmp_path: Path
) -> None:
    for name, limit in (("a", "1"), ("b", "1"), ("c", "3")):
        out = str(tmp_path / name)
        assert run(data, pack.folder, "--partial", "--tables", "2", "--limit", limit, "--out", out) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    one, more = (json.loads((tmp_path / name).read_text())["tables"]["table 2"]["clips"] for name in "ac")
    assert [clip["video"] for clip in one] == [FIRST]
    assert one[0] == more[0]


def test_evaluate_when_a_figure_cannot_be_told_then_null_and_a_dash(
    data: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "data"
    alone.mkdir()
    for path in data.glob(f"{LATE}_*"):
        shutil.copy(path, alone)
    assert run(alone, pack.folder, "--partial", "--tables", "2", "--out", str(tmp_path / "a.json")) == 0
    figures = json.loads((tmp_path / "a.json").read_text())["tables"]["table 2"]["figures"]
    assert figures["AP"]["value"] is None
    assert figures["FAD (CLAP)"]["value"] is None
    assert "nan" not in capsys.readouterr().out


def test_evaluate_when_words_are_asked_for_then_the_report_says_so(
    data: Path, pack: PackFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    further = ("--partial", "--tables", "2", "--limit", "1", "--conditioning", "text", "--sampler", "deis2")
    assert run(data, pack.folder, *further) == 0
    said = capsys.readouterr().out
    assert "annotated onsets, text" in said
    assert "sampler deis2" in said


def test_evaluate_when_the_pack_is_of_another_kind_then_it_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = packs.tiny_pack(tmp_path)
    assert run(data, tiny, "--partial") == 2
    assert "does not look at pictures" in capsys.readouterr().err
    assert run(data, tiny, "--partial", "--tables", "2") == 2
    assert "does not make waveforms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "number", "allowed"),
    [
        ("--limit", "0", "1 or more"),
        ("--seed", "-1", "0..2147483647"),
        ("--seed", "1099511627776", "0..2147483647"),
        ("--steps", "99999", f"1..{MAX_STEPS}"),
        ("--steps", "many", f"1..{MAX_STEPS}"),
    ],
)
def test_evaluate_when_a_number_makes_no_sense_then_one_sentence_says_what_does(
    data: Path, pack: PackFiles, capsys: pytest.CaptureFixture[str], name: str, number: str, allowed: str
) -> None:
    assert run(data, pack.folder, "--partial", name, number) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert name in said
    assert f"{allowed}, not {number}" in said


def test_evaluate_when_no_data_set_is_named_then_one_sentence_says_where_to_get_it(
    pack: PackFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*COMMON, "--pack", str(pack.folder)]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "--greatest-hits DIR" in said
    assert greatest_hits.ADDRESS in said


def test_evaluate_when_the_report_cannot_be_written_then_it_says_so_before_the_run(
    data: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken.json"
    taken.write_text("mine")
    for out, why in ((taken, "exists already"), (tmp_path / "no" / "a.json", "is not a folder")):
        assert run(data, pack.folder, "--partial", "--tables", "2", "--out", str(out)) == 2
        said = capsys.readouterr()
        assert why in said.err
        assert len(said.err.splitlines()) == 1
        assert said.out == ""
    assert taken.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["taken.json"]


def test_evaluate_when_writing_fails_at_the_end_then_the_report_is_on_the_screen(
    data: Path,
    pack: PackFiles,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, content: str, encoding: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert run(data, pack.folder, *ONE, "--out", str(tmp_path / "a.json")) == 2
    said = capsys.readouterr()
    assert "Table 2" in said.out
    assert "a.json cannot be written (No space left on device)" in said.err
    assert not list(tmp_path.iterdir())


def test_evaluate_when_the_screen_is_gone_then_the_report_is_in_the_file(
    data: Path, pack: PackFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(io.StringIO):
        def write(self, words: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        run(data, pack.folder, *ONE, "--out", str(tmp_path / "a.json"))
    assert list(json.loads((tmp_path / "a.json").read_text())["tables"]) == ["table 2"]


def test_evaluate_when_a_video_cannot_be_read_then_it_is_left_out_named_and_counted(
    data: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "data"
    shutil.copytree(data, damaged)
    (damaged / f"{SECOND}_denoised.mp4").write_bytes(b"this is no video")
    film(damaged / f"{LATE}_denoised.mp4", HITS[LATE], sound=False)
    assert run(damaged, pack.folder, "--partial", "--out", str(tmp_path / "a.json")) == 0
    said = capsys.readouterr()
    assert f"2 of 3: {SECOND} is left out" in said.err
    assert "cannot be read: 2" in said.out
    assert f"Left out: {SECOND}" in said.out
    assert "Only 1 of the 196" in said.out
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["data"] == {"videos": 1, "of": 196, "left out": 2, "*_denoised.mp4": 1}
    assert [[clip["video"] for clip in table["clips"]] for table in found["tables"].values()] == [[FIRST]] * 3


def test_evaluate_when_no_video_can_be_read_then_one_is_named(
    data: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(data / f"{FIRST}_times.txt", tmp_path)
    (tmp_path / f"{FIRST}_denoised.mp4").write_bytes(b"this is no video")
    assert run(tmp_path, pack.folder, "--partial") == 2
    said = capsys.readouterr()
    assert "none of the 1 videos can be read" in said.err
    assert f"{FIRST}_denoised.mp4" in said.err
    assert said.out == ""


@pytest.mark.clips
def test_evaluate_when_real_clips_are_laid_out_as_the_data_set_then_a_full_report(
    clips: Path, pack: PackFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("2015-02-16-17-35-07", "2015-10-06-18-02-12-1")
    with (clips / "greatest_hits_onsets.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["id"] in names]
    for name in names:
        shutil.copyfile(clips / "greatest_hits" / f"{name}.mp4", tmp_path / f"{name}_denoised.mp4")
        lines = [
            f"{row['time_s']} {row['material'] or 'None'} {row['action'] or 'None'} None\n"
            for row in rows
            if row["id"] == name
        ]
        (tmp_path / f"{name}_times.txt").write_text("".join(lines))
    assert run(tmp_path, pack.folder, "--partial", "--out", str(tmp_path / "a.json")) == 0
    assert "2 of 2" in capsys.readouterr().err
    tables = json.loads((tmp_path / "a.json").read_text())["tables"]
    assert len(tables["table 1"]["clips"]) == 2
    assert tables["table 2"]["figures"]["strict F, 50 ms"]["value"] > 90.0
    assert tables["table 2"]["figures"]["recording's strict F"]["value"] > 60.0
