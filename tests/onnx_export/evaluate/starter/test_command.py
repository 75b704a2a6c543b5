"""The real command line behind the measuring, on a pack that is worked out on paper, and the command around it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import soundfile

from bridge.errors import EngineError, RequestError
from bridge.packs.store import PackFiles, Store
from onnx_export.__main__ import main
from onnx_export.evaluate.starter import box as box_module
from onnx_export.evaluate.starter import command, figures, parts
from onnx_export.evaluate.starter.box import Box, program_digest
from onnx_export.evaluate.starter.parts import Order
from tests.onnx_export.evaluate.starter.conftest import HITS
from tests.packs import finder_pack, tiny_pack

FIRST = next(iter(HITS))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def box(pack: Path, tmp_path: Path) -> Box:
    return Box(Store(()).open_folder(pack), keep=tmp_path / "made", threads=1)


def test_box_when_asked_twice_then_made_once_and_the_users_settings_do_not_matter(
    box: Box, clips_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_BRIDGE_OSC_PORT", "no port")
    video = clips_folder / f"{FIRST}.mp4"
    wish = {"name": "x", "onsets": [(0.5, 1.0), (1.0, 0.5)], "end_s": 1.5, "prompt": "wood"}
    one = box.sound(video, **wish)
    assert one.rate_hz == 48_000
    assert len(one.samples) == 72_000
    assert not one.samples[:23_000].any()
    assert np.abs(one.samples[24_000:36_000]).max() > np.abs(one.samples[48_000:60_000]).max() > 0.0
    monkeypatch.setattr(Box, "run", None)
    assert box.sound(video, **wish).path == one.path


def test_box_when_the_program_or_a_file_of_the_stage_is_another_then_nothing_old_is_taken(
    box: Box, clips_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(Box, "_make", lambda self, path, words: made.append(path))
    monkeypatch.setattr(box_module, "read_peaks", lambda path: None)
    files = Store(()).open_folder(tiny_pack(tmp_path))
    video = clips_folder / f"{FIRST}.mp4"

    def asked() -> tuple[Path, Path]:
        again = Box(files, keep=tmp_path / "made", threads=1)
        again.peaks(video)
        with pytest.raises(soundfile.LibsndfileError):
            again.sound(video, name="x", onsets=[(0.5, 1.0)], end_s=1.0, prompt="wood")
        return made[-2], made[-1]

    first = asked()
    assert asked() == first
    with monkeypatch.context() as other:
        other.setattr(box_module, "program_digest", lambda: "another")
        assert not set(asked()) & set(first)
    assert files.manifest.what is not None
    beside = [str(value) for value in vars(files.manifest.what).values() if str(value) in files.manifest.files]
    for name in [*beside, *(entry.card for entry in files.manifest.graphs.values() if entry.card)]:
        before, files.manifest.files[name] = files.manifest.files[name], "0" * 64  # type: ignore[index]
        seen, heard = asked()
        assert seen == first[0]
        assert (heard == first[1]) is (name not in beside)
        files.manifest.files[name] = before  # type: ignore[index]


def _basis(files: PackFiles, tmp_path: Path) -> tuple[str, str, str]:
    box = Box(files, keep=tmp_path)
    return box.basis("when"), box.basis("what"), box.basis("")


def test_basis_when_a_setting_a_file_or_the_measuring_changes_then_another_for_the_stages_that_depend_on_it(
    pack: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files = Store(()).open_folder(pack)
    manifest = files.manifest
    assert manifest.when is not None
    assert manifest.what is not None
    when, what, both = _basis(files, tmp_path)
    assert len({when, what, both}) == 3
    assert _basis(Store(()).open_folder(pack), tmp_path) == (when, what, both)

    surer = replace(files, manifest=replace(manifest, when=replace(manifest.when, threshold=0.77)))
    rarer = replace(files, manifest=replace(manifest, when=replace(manifest.when, min_distance_s=0.5)))
    for other in (_basis(surer, tmp_path), _basis(rarer, tmp_path)):
        assert (other[0] == when, other[1] == what, other[2] == both) == (False, True, False)
    guided = replace(files, manifest=replace(manifest, what=replace(manifest.what, guidance=7.7)))
    other = _basis(guided, tmp_path)
    assert (other[0] == when, other[1] == what, other[2] == both) == (True, False, False)

    usual = box_module.program_digest
    for folder in ("evaluate", "train"):
        with monkeypatch.context() as patch:
            patch.setattr(
                box_module,
                "program_digest",
                lambda path=None, folder=folder: (
                    "another" if path and path.name == folder else usual(path) if path else usual()
                ),
            )
            assert not set(_basis(files, tmp_path)) & {when, what, both}
    assert _basis(files, tmp_path) == (when, what, both)


def test_basis_when_the_tokenizer_or_what_stands_for_no_prompt_changes_then_another_for_sound_only(
    pack: Path, tmp_path: Path
) -> None:
    manifest = Store(()).open_folder(pack).manifest
    what = manifest.require_what()
    named = {"tokenizer": "tokenizer.json", "null_embedding": "null_embedding.npy"}

    def of(**digests: str) -> tuple[str, str, str]:
        listed = {**manifest.files, **{name: digests.get(key, "1" * 64) for key, name in named.items()}}
        facts = {**vars(manifest), "files": listed, "what": replace(what, **named)}
        return _basis(cast(PackFiles, SimpleNamespace(manifest=SimpleNamespace(**facts))), tmp_path)

    first = of()
    assert of() == first
    for key in named:
        other = of(**{key: "2" * 64})
        assert [one == same for one, same in zip(other, first, strict=True)] == [True, False, False]


def test_report_when_a_setting_changed_then_what_was_measured_with_the_old_one_is_not_kept(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = order(pack, tmp_path)
    found = {
        name: figures.Part(name=name, title=name, figures={}, basis=before.box.basis(parts.PARTS[name].stage))
        for name in ("when", "what", "speed")
    }
    untold = replace(found["what"], name="quiet", basis="")
    report = replace(figures.Report.of(before.files, machine={}), parts={**found, "quiet": untold})
    (tmp_path / figures.NAME).write_text(figures.to_json(report), encoding="utf-8")
    assert set(command._begun(before, machine={}).parts) == {"when", "what", "speed"}
    assert "quiet: left out" in capsys.readouterr().err

    manifest = before.files.manifest
    assert manifest.when is not None
    files = replace(before.files, manifest=replace(manifest, when=replace(manifest.when, threshold=0.77)))
    after = replace(before, files=files, box=Box(files, keep=tmp_path))
    assert set(command._begun(after, machine={}, chosen=["when"]).parts) == {"what"}
    said = capsys.readouterr().err
    assert "speed: left out" in said
    assert "when: left out" not in said, "it is measured again right now"


def test_program_digest_when_a_source_changes_then_another_and_packs_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "a.py").write_text("1")
    one = program_digest(tmp_path)
    (tmp_path / "packs" / "pack.json").write_text("{}")
    assert program_digest(tmp_path) == one
    (tmp_path / "a.py").write_text("2")
    assert program_digest(tmp_path) != one


def test_box_when_pictures_are_asked_for_then_every_peak_with_confidence(box: Box, clips_folder: Path) -> None:
    found = box.peaks(clips_folder / f"{FIRST}.mp4")
    assert len(found.above(0.0).times_s) >= len(found.above(0.3).times_s) > 0
    assert np.all(np.diff(found.times_s) > 0.0)


def test_box_when_the_program_refuses_then_its_own_sentence(box: Box, clips_folder: Path) -> None:
    with pytest.raises(EngineError, match="xylophonist"):
        box.sound(clips_folder / f"{FIRST}.mp4", name="x", onsets=[(0.5, 1.0)], end_s=1.0, prompt="xylophonist")
    assert not list(box.keep.glob("*.wav"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it")
def test_run_when_watched_then_seconds_and_the_programs_own_memory(
    box: Box, clips_folder: Path, tmp_path: Path
) -> None:
    ballast = np.ones(100_000_000)
    run = box.run(["detect", str(clips_folder / f"{FIRST}.mp4"), "--end", "1", "--out", str(tmp_path / "a.csv")])
    assert 0.1 < run.seconds < 120.0
    assert 3e7 < run.peak_bytes < ballast.nbytes, "not what started it"


def test_command_when_run_part_after_part_then_one_report_of_all(
    pack: Path, clips_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "starter", "--pack", str(pack), "--clips", str(clips_folder), "--out", str(tmp_path)]
    words += ["--limit", "1", "--threads", "1", "--jobs", "2"]
    assert main([*words, "--only", "what", "sheet"]) == 0
    assert main([*words, "--only", "when"]) == 0
    found = figures.load(tmp_path / "figures.json")
    assert set(found.parts) == {"what", "when"}
    assert found.pack["name"] == "tiny"
    assert all(part.basis for part in found.parts.values())
    sound = found.parts["what"].figures
    assert sound["F of attacks, 50 ms, strength 1"].value == 1.0
    assert sound["before the first onset, strength 1"].reached is True
    assert sound["one seed twice, files equal to the byte"].value == 1.0
    assert sound["two seeds differ, RMS of the difference over RMS"].reached is True
    assert sound["envelope correlation, strengths of the recording"].value > 0.5
    assert found.parts["when"].figures["F, 50 ms"].count == 1
    shown = capsys.readouterr().out
    assert "## Sound from true onsets" in shown
    assert (tmp_path / "report.md").read_text() == shown[shown.rindex("# Measured") :]
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def order(pack: Path, tmp_path: Path) -> Order:
    files = Store(()).open_folder(pack)
    box = Box(files, keep=tmp_path)
    return Order(files=files, box=box, clips=(), sounds=tmp_path, judge=None, out=tmp_path)


def test_parts_when_the_pack_only_finds_onsets_then_nothing_of_sound(tmp_path: Path) -> None:
    finder = order(finder_pack(tmp_path), tmp_path)
    with pytest.raises(RequestError, match=r"embed cannot be measured: .* has no such stage"):
        parts.chosen(finder, ["embed"])
    with pytest.raises(RequestError, match="nothing can be measured"):
        parts.chosen(finder, None)


def test_parts_when_data_is_missing_then_left_out_or_refused_by_name(pack: Path, tmp_path: Path) -> None:
    assert parts.chosen(order(pack, tmp_path), None) == ("embed",)
    with pytest.raises(RequestError, match="material cannot be measured: it needs --clips"):
        parts.chosen(order(pack, tmp_path), ["material"])


def test_command_when_words_are_wrong_then_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "starter", "--pack", str(tmp_path), "--out", str(tmp_path), "--jobs", "0"]) == 2
    assert "must be a whole number from 1 on, not 0" in capsys.readouterr().err
    assert main(["evaluate", "starter", "--pack", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "there is no pack.json" in capsys.readouterr().err
