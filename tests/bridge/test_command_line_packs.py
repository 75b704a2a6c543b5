"""``packs show``, and packs that share the work, on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from bridge import listing
from bridge.__main__ import main
from bridge.domain.render import Recipe
from bridge.media import mux, onset_table, wav
from bridge.packs.manifest import TrainingData
from onnx_export.bundle import bundle
from tests.packs import draft, finder_pack, sounder_pack, tiny_pack
from tests.wave_pack import draft as waves
from tests.wave_pack import wave_pack

CARD = (
    "# Onsets\n\nTrained on *nothing*.\n\n| data | F |\n|---|---|\n| none | 0.0 |\n\tIndented \x1b[31mred.\n\n"
    "## Limits\n\n- Misses what it cannot see. \x1b[31m\n- More.\n"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    for write in (tiny_pack, finder_pack, sounder_pack, wave_pack):
        write(folder)
    told = replace(
        draft(),
        name="told",
        training_data=(TrainingData(name="Clips", licence="CC-BY-4.0", commercial_use="unknown"),),
        files={**draft().files, "cards/onset.md": CARD.encode(), "ATTRIBUTION.md": b"Thanks.\n"},
    )
    bundle(told, folder / "told")
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A square that moves, stops, moves and stops."""
    wall = np.random.default_rng(1).integers(60, 120, (120, 200), np.uint8)

    def frame(number: int) -> np.ndarray:
        image = wall.copy()
        x = 20 + 6 * (min(number, 20) + max(0, min(number - 40, 15)))
        image[40:80, x : x + 40] = 250
        return np.repeat(image[..., None], 3, 2)

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return mux.encode_frames(path, (frame(number) for number in range(75)), 30.0)


def run(folder: Path, pack: str, *arguments: str, onset_pack: str = "") -> int:
    apart = ["--onset-pack", onset_pack] if onset_pack else []
    return main(["--packs-dir", str(folder), "--pack", pack, *apart, "--threads", "1", *arguments])


def test_show_when_a_pack_has_cards_then_everything_that_it_says_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "tiny", "packs", "show", "told", "--cards") == 0
    said = capsys.readouterr().out
    for words in (
        "told 1: Tiny, for tests",
        "kB in 8 files",
        "licence: MIT; commercial use: yes",
        "  Made by a test.",
        "  Clips: CC-BY-4.0; commercial use: unknown",
        str(folder / "told" / "ATTRIBUTION.md"),
        "settings in force, when: frontend motion_grid",
        "threshold 0.3",
        "settings in force, what: rate_hz 48000",
        "understands: wood, metal, glass, hit, scrape, and words that mean these",
        'graph "onset": onset.onnx',
        "  takes motion float32 [batch, time, 4, 16, 24]",
        "  gives activation float32 [batch, time]",
        'graph "decoder"',
    ):
        assert words in said
    for line in CARD.strip().splitlines():
        assert "\x1b" in line or f"    {line}".rstrip() in said.splitlines()
    assert "        Indented \ufffd[31mred." in said.splitlines()
    assert "\x1b" not in said
    assert said.count("it has no card") == 3
    assert "as you set it" not in said


def test_show_when_nothing_more_is_asked_then_a_summary_of_one_screen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "tiny", "packs", "show", "told") == 0
    said = capsys.readouterr().out
    for words in (
        "told 1: Tiny, for tests",
        "licence: MIT; commercial use: yes",
        "kB in 8 files, in ",
        "finds onsets, from an activation of 0.3\n",
        "understands: wood, metal, glass, hit, scrape, and words that mean these",
        "  Clips: CC-BY-4.0; commercial use: unknown",
        str(folder / "told" / "ATTRIBUTION.md"),
        "packs show told --cards",
    ):
        assert words in said
    (onset,) = (line for line in said.splitlines() if line.startswith("  onset "))
    assert onset.endswith(" kB  Misses what it cannot see. \ufffd[31m")
    assert "Trained on *nothing*" not in said
    assert "takes motion" not in said
    assert said.count("it has no card") == 3
    assert "\x1b" not in said


def test_show_when_the_pack_is_starter_then_the_summary_fits_a_screen_and_the_cards_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["packs", "show", "starter"]) == 0
    short = capsys.readouterr().out
    assert len(short.splitlines()) <= 24
    assert max(len(line) for line in short.splitlines() if "starter" not in line) <= listing.WIDTH
    for words in (
        "commercial use: unknown",
        "out of the picture, are missed.\n",
        "Greatest Hits",
        "22,200 English words",
    ):
        assert words in short
    assert main(["packs", "show", "starter", "--cards"]) == 0
    full = capsys.readouterr().out
    assert len(full) > 5 * len(short)
    assert "    ## Limits" in full.splitlines()


def test_show_when_the_user_has_a_threshold_then_it_is_the_one_in_force(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLEY_BRIDGE_THRESHOLD", "0.55")
    assert run(folder, "tiny", "packs", "show", "finder") == 0
    assert "from an activation of 0.55, as you set it" in capsys.readouterr().out
    assert run(folder, "tiny", "packs", "show", "finder", "--cards") == 0
    said = capsys.readouterr().out
    assert "the threshold is 0.55, as you set it" in said
    assert "understands" not in said
    assert "settings in force, what" not in said
    assert run(folder, "tiny", "packs", "show", "sounder") == 0
    assert "0.55" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda pack: (pack / "cards" / "onset.md").write_text("# Better\n"), ["cards/onset.md", "damaged"]),
        (lambda pack: (pack / "cards" / "onset.md").unlink(), ["cards/onset.md", "missing"]),
        (lambda pack: (pack / "pack.json").write_text("{"), ["pack.json", "not JSON"]),
        (lambda pack: (pack / "pack.json").unlink(), ['no pack "told"']),
    ],
)
def test_show_when_the_pack_is_damaged_or_missing_then_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage, words: list[str]
) -> None:
    files = {**draft().files, "cards/onset.md": CARD.encode()}
    damage(bundle(replace(draft(), name="told", files=files), tmp_path / "told").folder)
    assert run(tmp_path, "starter", "packs", "show", "told") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    for word in words:
        assert word in captured.err


def test_show_when_a_card_is_no_text_then_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {**draft().files, "cards/onset.md": b"\xff\xfe"}
    bundle(replace(draft(), files=files), tmp_path / "tiny")
    assert run(tmp_path, "tiny", "packs", "show", "tiny") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert '"cards/onset.md" is no text' in captured.err


def test_packs_when_listed_then_what_each_understands_and_which_does_what(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "wave", "packs", onset_pack="finder") == 0
    said = capsys.readouterr().out
    assert "* wave 1 (when + what)" in said
    assert "+ finder 1 (when)" in said
    assert "    understands: some 6 English words (others are named and left out); a reference sound" in said
    assert "  sounder 1 (what)" in said
    assert run(folder, "wave", "packs", onset_pack="gone") == 1
    assert "'gone', is not there" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (models.BPE({letter: number for number, letter in enumerate("<abcdefgh")}, []), "any English words"),
        (models.WordLevel({"[UNK]": 0, "2": 1, "wood": 2, "metal": 3}, "[UNK]"), "some 2 English words (others are"),
        (
            models.WordLevel({"[UNK]": 0} | {f"w{'ab'[n % 2]}{'x' * n}": n + 1 for n in range(1270)}, "[UNK]"),
            "some 1,300 English words (others are",
        ),
    ],
)
def test_show_when_a_tokenizer_has_a_token_for_unknown_words_then_it_says_how_many_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: models.Model, said: str
) -> None:
    tokenizer = Tokenizer(model)
    tokenizer.enable_truncation(8)
    bundle(replace(waves(), files={**waves().files, "tokenizer.json": tokenizer.to_str().encode()}), tmp_path / "wave")
    assert run(tmp_path, "wave", "packs", "show", "wave") == 0
    assert f"understands: {said}" in capsys.readouterr().out


def test_detect_when_another_pack_finds_onsets_then_the_sounds_pack_need_not_even_be_there(
    folder: Path, film: Path, tmp_path: Path
) -> None:
    tables = []
    for name, pack, onset_pack in (("a", "tiny", ""), ("b", "gone", "finder"), ("c", "finder", "")):
        out = tmp_path / f"{name}.csv"
        assert run(folder, pack, "detect", str(film), "--out", str(out), onset_pack=onset_pack) == 0
        tables.append(onset_table.read(out))
    assert tables[0] == tables[1] == tables[2] != ()


def test_render_when_another_pack_finds_onsets_then_the_recipe_names_it_and_a_table_needs_none(
    folder: Path, film: Path, tmp_path: Path
) -> None:
    render = ["render", str(film), "--prompt", "wood", "--out"]
    assert run(folder, "sounder", *render, str(tmp_path / "found.wav"), onset_pack="finder") == 0
    table = tmp_path / "onsets.csv"
    table.write_text("0.5\n")
    more = ["--onsets", str(table)]
    assert run(folder, "sounder", *render, str(tmp_path / "given.wav"), *more, onset_pack="gone") == 0
    found, given = (
        Recipe.from_json(json.dumps(wav.read_provenance(tmp_path / f"{name}.wav"))) for name in ("found", "given")
    )
    assert (found.pack, found.onset_pack, given.pack, given.onset_pack) == ("sounder", "finder", "sounder", "")


@pytest.mark.parametrize(
    ("pack", "onset_pack", "rc", "words"),
    [
        ("sounder", "finder", 0, ["ok pack: sounder 1 is whole", "ok onset pack: finder 1 is whole"]),
        ("tiny", "tiny", 0, ["ok pack: tiny 1 is whole and its graphs open; licence MIT\n"]),
        ("sounder", "", 0, ["ok pack: sounder 1", "finds no onsets: set onset_pack"]),
        ("finder", "", 0, ["ok pack: finder 1", "makes no sound"]),
        ("tiny", "sounder", 1, ["!! onset pack", "cannot find onsets", "Fix first: onset pack"]),
        ("finder", "tiny", 1, ["!! pack", "cannot make sound", "ok onset pack: tiny", "Fix first: pack"]),
        ("tiny", "gone", 1, ["ok pack: tiny", '!! onset pack: there is no pack "gone"']),
    ],
)
def test_doctor_when_packs_share_the_work_then_both_are_named_and_the_one_to_fix(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
    pack: str,
    onset_pack: str,
    rc: int,
    words: list[str],
) -> None:
    monkeypatch.setenv("FOLEY_BRIDGE_OSC_PORT", str(free_port))
    assert run(folder, pack, "doctor", onset_pack=onset_pack) == rc
    said = capsys.readouterr().out
    for word in words:
        assert word in said
    assert ("onset pack:" in said) == (onset_pack not in ("", pack))
