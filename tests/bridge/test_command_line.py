"""The command line, as a user types it: files appear, mistakes are one sentence and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridge import demo_scene
from bridge.__main__ import main
from bridge.domain.render import Recipe
from bridge.host import endpoint
from bridge.media import mux, onset_table, wav
from bridge.osc.messages import Answer, Verb
from bridge.osc.server import OscServer
from tests.packs import tiny_pack
from tests.tokens import TOKEN


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = demo_scene.scene()
    return mux.encode_frames(tmp_path_factory.mktemp("film") / "film.mp4", scene.frames(), scene.rate_hz)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    pack = tiny_pack(tmp_path_factory.mktemp("packs"))
    return ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], *words: str) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("foley-bridge: ")
    assert len(said.strip().splitlines()) == 1
    for word in words:
        assert word in said


def test_detect_then_render_when_run_then_a_sound_of_the_asked_length_that_repeats_to_the_byte(
    film: Path, tiny: list[str], tmp_path: Path
) -> None:
    table = tmp_path / "onsets.csv"
    assert main([*tiny, "detect", str(film), "--out", str(table), "--start", "1", "--end", "4"]) == 0
    found = onset_table.read(table)
    assert found
    assert all(1 <= onset.time_s < 4 for onset in found)
    render = [*tiny, "render", str(film), "--onsets", str(table), "--prompt", "wood", "--start", "1", "--end", "4"]
    names = ["a.wav", "b.wav", "c.wav"]
    for name, seed in zip(names, ["7", "7", "8"], strict=True):
        assert main([*render, "--seed", seed, "--out", str(tmp_path / name)]) == 0
    first, second, third = (wav.read(tmp_path / name).samples for name in names)
    assert first.shape == (1, 3 * 48000)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)
    provenance = wav.read_provenance(tmp_path / "a.wav")
    assert provenance is not None
    assert provenance["request"]["seed"] == 7
    assert provenance["pack"] == "tiny"


def test_recipe_when_written_then_it_reads_back_equal(film: Path, tiny: list[str], tmp_path: Path) -> None:
    table = tmp_path / "onsets.csv"
    table.write_text("1.5,1\n2.5,0.5\n")
    arguments = ["render", str(film), "--onsets", str(table), "--prompt", "glass", "--out", str(tmp_path / "r.wav")]
    assert main([*tiny, *arguments]) == 0
    stored = wav.read_provenance(tmp_path / "r.wav")
    recipe = Recipe.from_json(json.dumps(stored))
    assert json.loads(recipe.to_json()) == stored
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert [onset.time_s for onset in recipe.request.onsets] == [1.5, 2.5]


def test_detect_when_all_peaks_are_asked_then_more_than_the_onsets(film: Path, tiny: list[str], tmp_path: Path) -> None:
    few, every = tmp_path / "few.csv", tmp_path / "all.csv"
    assert main([*tiny, "detect", str(film), "--out", str(few), "--threshold", "0.9"]) == 0
    assert main([*tiny, "detect", str(film), "--out", str(every), "--all"]) == 0
    assert len(onset_table.read(every)) > len(onset_table.read(few))


def test_mistakes_when_typed_then_one_sentence_that_names_them(
    film: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "o.csv")
    taken = tmp_path / "taken.wav"
    taken.write_bytes(b"mine")
    nothing = tmp_path / "none.csv"
    nothing.write_text("time_s,confidence\n")
    text = tmp_path / "notes.txt"
    text.write_text("not a video")
    fails(capsys, [*tiny, "detect", str(tmp_path / "gone.mp4"), "--out", out], "gone.mp4")
    fails(capsys, [*tiny, "detect", str(text), "--out", out], "notes.txt")
    fails(capsys, [*tiny, "detect", str(film), "--out", out, "--start", "60"], "film.mp4", "--start")
    fails(capsys, [*tiny, "detect", str(film), "--out", str(tmp_path / "no" / "o.csv")], "o.csv")
    fails(capsys, [*tiny, "render", str(film), "--prompt", "wood", "--out", str(taken)], "taken.wav", "exists")
    render = [*tiny, "render", str(film), "--out", str(tmp_path / "n.wav")]
    fails(capsys, [*render, "--prompt", "qwxyz"], "qwxyz", "wood")
    fails(capsys, [*render, "--prompt", "  "], "prompt")
    fails(capsys, [*render, "--prompt", "wood", "--onsets", str(nothing)], "no onsets")
    fails(capsys, [*render, "--prompt", "wood", "--seed", "-1"], "seed")
    for number in ("2", "-0.1", "nan"):
        fails(capsys, [*render, "--prompt", "wood", "--onsets", str(nothing), "--threshold", number], "0..1", number)
        fails(capsys, ["--pack", "absent", *render[len(tiny) :], "--threshold", number], "0..1", number)
        fails(capsys, ["--pack", "absent", "detect", str(film), "--out", out, "--threshold", number], "0..1", number)
    misspelt = tmp_path / "misspelt.csv"
    misspelt.write_text("time_s,stregth\n1,0.5\n")
    fails(capsys, [*render, "--prompt", "wood", "--onsets", str(misspelt)], "misspelt.csv", "'stregth'", "strength?")
    misspelt.unlink()
    fails(capsys, [*tiny, "detect", str(film), "--out", str(film)], "film.mp4", "exists")
    fails(capsys, [*tiny, "detect", str(film), "--out", out, "--end", "0.001"], "shorter than a frame")
    fails(capsys, [*tiny, "detect", str(film), "--out", out, "--end", "1e9"], "film.mp4", "--end")
    fails(capsys, [*tiny, "render", str(film), "--prompt", "wood", "--out", str(tmp_path / "n.mp3")], "n.mp3", ".wav")
    fails(capsys, [*tiny, "render", str(film), "--prompt", "wood", "--out", str(tmp_path / ("n" * 300))], "nnn")
    fails(capsys, [*tiny, "demo", "--out", str(taken / "demo")], "demo")
    fails(capsys, [*tiny, "demo", "--out", str(tmp_path / "d"), "--seed", "-1"], "seed")
    fails(capsys, [*tiny, "demo", "--out", str(tmp_path / "d"), "--prompt", "qwxyz"], "qwxyz")
    fails(capsys, ["--pack", "absent", "detect", str(film), "--out", out], "absent", "starter")
    assert taken.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none.csv", "notes.txt", "taken.wav"]


def test_threshold_when_set_then_detect_render_and_demo_follow_it(
    film: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_BRIDGE_THRESHOLD", "1")
    table = tmp_path / "none.csv"
    assert main([*tiny, "detect", str(film), "--out", str(table)]) == 0
    assert onset_table.read(table) == ()
    said = capsys.readouterr().out
    assert "0 onsets in" in said
    assert "a lower --threshold than 1 finds more; the surest peak has 0." in said
    fails(capsys, [*tiny, "render", str(film), "--prompt", "wood", "--out", str(tmp_path / "n.wav")], "no onsets")
    fails(capsys, [*tiny, "demo", "--video", str(film), "--out", str(tmp_path / "d")], "no onsets")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none.csv"]


def test_render_when_a_threshold_is_given_then_unsure_onsets_of_a_table_are_left_out(
    film: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "all.csv"
    table.write_text("time_s,confidence\n1.0,0.9\n2.0,0.1\n99.0,1.0\n")
    sounds, said = [], []
    for name, more in (("few", ["--threshold", "0.5"]), ("every", [])):
        out = tmp_path / f"{name}.wav"
        arguments = ["render", str(film), "--onsets", str(table), "--prompt", "wood", "--out", str(out), *more]
        assert main([*tiny, *arguments]) == 0
        sounds.append(wav.read(out).samples[0])
        said.append(capsys.readouterr().out)
    for few_or_every in said:
        assert "1 of 3 onsets lies outside the asked part of the video: left out" in few_or_every
    assert "1 of 3 onsets lies below the threshold, 0.5: left out" in said[0]
    assert "\n1 onset, " in said[0]
    assert "the threshold" not in said[1]
    assert "\n2 onsets, " in said[1]
    few, every = (np.abs(sound[2 * 48000 : 2 * 48000 + 4800]).max() for sound in sounds)
    assert few == 0 < every


def test_render_when_the_threshold_leaves_none_or_a_column_is_no_ones_then_that_is_said(
    film: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "noted.csv"
    table.write_text("time_s,confidence,note\n1.0,0.3,door\n")
    render = [*tiny, "render", str(film), "--onsets", str(table), "--prompt", "wood", "--out", str(tmp_path / "n.wav")]
    fails(capsys, [*render, "--threshold", "0.5"], "reach the threshold", "lower --threshold")
    assert main(render) == 0
    said = capsys.readouterr().out
    assert "noted.csv: passed over the column 'note'" in said
    assert "left out" not in said


def test_doctor_when_the_daemon_has_another_port_then_it_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_pack(tmp_path)
    with OscServer(lambda verb: Answer(ok=True, sentence="Ready."), token=TOKEN, port=0) as server:
        endpoint.announce_daemon(server.port, TOKEN)
        main(["--packs-dir", str(tmp_path), "--pack", "tiny", "doctor"])
    assert f"ok daemon: answers on 127.0.0.1:{server.port}" in capsys.readouterr().out


def test_free_when_a_daemon_runs_then_its_answer_is_printed_and_without_one_a_sentence(
    capsys: pytest.CaptureFixture[str], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_BRIDGE_OSC_PORT", str(free_port))
    fails(capsys, ["free"], str(free_port), "no daemon answers")
    asked: list[str] = []

    def handle(verb: Verb) -> Answer:
        asked.append(verb.NAME)
        return Answer(ok=len(asked) == 1, sentence=f"{len(asked)} freed.")

    with OscServer(handle, token=TOKEN, port=0) as server:
        endpoint.announce_daemon(server.port, TOKEN)
        assert [main(["free"]), main(["free"])] == [0, 1]
    assert asked == ["free", "free"]
    assert capsys.readouterr().out == "1 freed.\n2 freed.\n"


def test_doctor_when_the_pack_opens_then_it_says_where_graphs_run_and_why_not_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_pack(tmp_path)
    main(["--packs-dir", str(tmp_path), "--pack", "tiny", "--provider", "cpu", "doctor"])
    said = capsys.readouterr().out
    assert "ok pack: tiny 1 is whole and its graphs open; licence MIT" in said
    assert "ok provider: graphs run on the CPU. Not used: CUDA (not" in said
    for name in ("DirectML", "TensorRT", "Core ML"):
        assert name in said
    main(["--packs-dir", str(tmp_path), "--pack", "tiny", "--provider", "coreml", "doctor"])
    assert "!! provider: Core ML cannot be used" in capsys.readouterr().out


def test_render_when_a_word_is_unknown_then_it_is_said(
    film: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.wav"
    assert main([*tiny, "render", str(film), "--prompt", "qwxyz wood", "--out", str(out)]) == 0
    assert "left out: qwxyz" in capsys.readouterr().out


def test_packs_when_one_is_damaged_then_it_is_listed_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = tiny_pack(tmp_path)
    arguments = ["--packs-dir", str(tmp_path), "--pack", "tiny", "packs"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    for words in ("* tiny", "commercial use: yes", "starter"):
        assert words in said
    graph = pack / "onset.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    assert main(arguments) == 1
    assert "onset.onnx" in capsys.readouterr().out


def test_doctor_when_reaper_and_the_daemon_are_away_then_it_says_how_to_start_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_pack(tmp_path)
    monkeypatch.setenv("FOLEY_BRIDGE_OSC_PORT", str(free_port))
    for name in ("HOME", "USERPROFILE", "APPDATA"):  # a computer without REAPER
        monkeypatch.setenv(name, str(tmp_path / "home"))
    assert main(["--packs-dir", str(tmp_path), "--pack", "tiny", "doctor"]) == 0
    said = capsys.readouterr().out
    for words in ("ok pack: tiny", "-- daemon", "-- REAPER", "Fix first: daemon", "foley-bridge serve"):
        assert words in said
    assert main(["--packs-dir", str(tmp_path), "--pack", "gone", "doctor"]) == 1
    assert "Fix first: pack" in capsys.readouterr().out


def test_demo_when_run_then_the_folder_holds_sound_preview_picture_and_project(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert main([*tiny, "demo", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "known contacts" in said
    assert "timing error" in said
    for name in ("foley.wav", "preview.mp4", "picture.png", "project.RPP", "clip.mp4"):
        assert (out / name).stat().st_size > 1000, name
    project = (out / "project.RPP").read_text()
    assert project.count("<SOURCE WAVE") == 2
    assert project.count("<SOURCE VIDEO") == 1
    assert "MARKER" in project
    assert main([*tiny, "demo", "--out", str(out), "--video", str(out / "clip.mp4")]) == 0
    assert (tmp_path / "demo-2" / "foley.wav").is_file()


def test_reaper_when_asked_to_copy_then_every_action_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reaper", "--copy-to", str(tmp_path)]) == 0
    copied = {path.name for path in (tmp_path / "Foley Bridge").iterdir()}
    assert {"foley_server.py", "foley_generate.py", "foley_find_onsets.py", "foley_inside"} <= copied
    assert "foley_generate.py" in capsys.readouterr().out


def test_settings_when_said_before_or_after_the_command_mean_the_same_and_after_wins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_pack(tmp_path)
    folder = ["--packs-dir", str(tmp_path)]
    for arguments in (
        [*folder, "--pack", "tiny", "packs"],
        ["packs", *folder, "--pack", "tiny"],
        ["--pack", "starter", *folder, "packs", "--pack", "tiny"],
    ):
        assert main(arguments) == 0
        assert "* tiny" in capsys.readouterr().out
