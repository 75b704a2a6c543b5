"""How the sound becomes a file: format, rate, loudness, ceiling, fades, and what the file tells of itself."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.dsp import loudness
from bridge.jobs import verbs
from bridge.media import wav
from bridge.media.output import Output
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    minutes = itertools.count()
    table.desk = replace(table.desk, now=lambda: datetime(2031, 5, 6, 7, next(minutes), 9))
    table.engine.hum = 0.1
    table.mark((10.25, "foley"), (10.75, "foley"))
    return table


def path(table: Table) -> Path:
    return Path(table.layer().audio_path)


def measured(table: Table) -> tuple[float, float]:
    """(LUFS, true peak in dB) of the active take's file."""
    return loudness.measured([table.samples()[None]], rate_hz=48000, channels=1)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_file_when_a_format_is_wished_then_every_take_has_it(table: Table, subtype: str) -> None:
    table.wish(output=Output(subtype=subtype))
    for verb in ("generate", "variation", "exactly"):
        table.press(verb)
        assert soundfile.info(str(path(table))).subtype == subtype


def test_file_when_the_projects_rate_is_wished_then_it_fills_the_item_at_it(table: Table) -> None:
    table.change(sample_rate_hz=44100)
    table.wish(project_rate=True)
    table.press("generate")
    info = soundfile.info(str(path(table)))
    assert (info.samplerate, info.frames) == (44100, 88200)
    assert int(np.argmax(np.abs(table.samples()))) in (11025, 33075)
    table.wish(project_rate=False)
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press("again")
    assert soundfile.info(str(path(table))).samplerate == 44100
    table.press("generate")
    assert soundfile.info(str(path(table))).samplerate == 48000


def test_place_when_the_projects_rate_is_wished_then_it_too(screening: Table, sound) -> None:
    screening.change(sample_rate_hz=44100, selected=sound(screening.folder / "knock.wav"))
    screening.wish(project_rate=True)
    screening.press("place")
    assert soundfile.info(screening.layer(None).audio_path).samplerate == 44100


def test_file_when_a_loudness_is_wished_then_it_has_it(table: Table) -> None:
    table.wish(output=Output(loudness_lufs=-30.0))
    table.press("generate")
    assert measured(table)[0] == pytest.approx(-30.0, abs=0.1)
    assert table.recipe().output["gain_db"] != 0.0


def test_file_when_a_ceiling_is_wished_then_nothing_is_above_and_quieter_sound_stays(table: Table) -> None:
    table.wish(output=Output(true_peak_db=-20.0))
    table.press("generate")
    assert -20.2 < measured(table)[1] <= -20.0
    table.wish(output=Output(true_peak_db=-1.0))
    table.press("variation")
    assert table.recipe().output["gain_db"] == 0.0


def test_file_when_the_ceiling_keeps_it_from_the_loudness_then_the_sentence_says_so(table: Table) -> None:
    table.wish(output=Output(loudness_lufs=-10.0, true_peak_db=-12.0))
    sentence = table.press("generate")
    assert "below -10 LUFS" in sentence
    assert "held at -12 dB" in sentence
    assert measured(table)[1] <= -12.0


def test_again_when_the_take_has_a_gain_then_the_new_part_gets_the_same_one(table: Table) -> None:
    table.engine.hum = 0.01
    table.wish(output=Output(loudness_lufs=-45.0))
    table.press("generate")
    gain, before = table.recipe().output["gain_db"], table.samples()
    table.wish(output=Output(loudness_lufs=-50.0))
    table.mark((10.25, "foley"), (10.75, "foley"), (11.5, "foley @0.5"))
    table.press("again")
    after = table.samples()
    assert (table.recipe().output["gain_db"], table.recipe().output["loudness_lufs"]) == (gain, -45.0)
    assert np.array_equal(after[:70000], before[:70000])
    assert gain < -1.0
    assert after[72000] == pytest.approx(after[12000] / 2, rel=0.15)
    table.press("variation")
    assert table.recipe().output["loudness_lufs"] == -50.0


def test_again_when_the_new_part_goes_beyond_the_ceiling_then_the_sentence_says_so(table: Table) -> None:
    table.engine.hum = 0.0
    table.wish(output=Output(true_peak_db=-30.0))
    table.mark((10.25, "foley @0.1"))
    table.press("generate")
    table.mark((10.25, "foley @0.1"), (11.0, "foley"))
    sentence = table.press("again")
    assert "above -30" in sentence
    assert "New variation" in sentence


def test_file_when_fades_are_wished_then_both_ends_and_no_seam_have_them(table: Table) -> None:
    table.press("generate")
    plain = table.samples()
    table.wish(output=Output(fade_in_ms=100.0, fade_out_ms=200.0))
    table.desk = replace(table.desk, new_seed=lambda: 1)
    table.press("generate")
    faded = table.samples()
    assert abs(faded[0]) < 1e-4 > abs(faded[-1])
    assert np.abs(faded[:2400]).max() < 0.6 * np.abs(plain[:2400]).max()
    assert np.array_equal(faded[4800:86400], plain[4800:86400])
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press("again")
    assert np.array_equal(table.samples()[:20000], faded[:20000])
    assert np.array_equal(table.samples()[60000:], faded[60000:])
    around = np.r_[35000:36000, 36001:38400, 38401:40000]
    assert np.abs(table.samples()[around] - faded[around]).max() < 1e-6


@pytest.mark.parametrize("verb", ["generate", "variation", "again", "exactly"])
def test_file_when_made_then_it_tells_what_the_take_tells(table: Table, verb: str) -> None:
    table.press("generate")
    if verb != "generate":
        table.mark((10.25, "foley"), (10.8, "foley"))
        table.press(verb)
    assert wav.read_provenance(path(table)) == json.loads(table.layer().recipe)


def test_recipe_when_made_then_it_holds_all_that_the_sound_depends_on(table: Table) -> None:
    table.press("generate", verbs.KeyPress(prompt="metal"))
    recipe = table.recipe()
    assert (recipe.pack, recipe.pack_version, recipe.pack_digest) == ("fake", "1", "d" * 64)
    assert (recipe.licence, recipe.commercial_use) == ("none", "unknown")
    assert (recipe.request.prompt, recipe.request.seed, len(recipe.request.onsets)) == ("metal", 1, 2)
    assert recipe.source_sha256 == hashlib.sha256(b"picture").hexdigest()
    assert (recipe.time_map["position_s"], recipe.time_map["length_s"]) == (10.0, 2.0)
    assert (recipe.video_item_guid, recipe.source_path) == ("{video}", str(table.video))
    assert set(recipe.controls) >= {"guidance", "variation"}
    assert recipe.output["subtype"] == "PCM_24"


def test_broadcast_when_made_then_place_slate_and_licence_are_told(table: Table) -> None:
    table.press("generate")
    told = wav.read_broadcast(path(table))
    assert told is not None
    assert told.time_reference_samples == 480000
    assert (told.description, told.originator, told.originator_reference) == ("Foley: wood", "Foley Bridge", "FB1")
    assert (told.date, told.time) == ("2031-05-06", "07:00:09")
    assert (told.project, told.scene, told.take) == ("show", "clip.mp4", "1")
    assert "pack fake, licence none" in told.note


def test_broadcast_when_the_item_begins_before_zero_then_the_place_is_zero(table: Table) -> None:
    (video,) = table.host.view.items
    table.change(items=(replace(video, position_s=-0.5),))
    table.press("generate")
    told = wav.read_broadcast(path(table))
    assert told is not None
    assert told.time_reference_samples == 0


def test_exactly_when_the_day_is_another_then_the_file_still_is_the_same(table: Table) -> None:
    table.press("generate")
    before = path(table).read_bytes()
    table.press("exactly")
    assert path(table).read_bytes() == before
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press("again")
    assert table.recipe().output["time"] > "07:00:09"


def test_file_when_made_then_its_name_tells_clip_prompt_and_seed(table: Table) -> None:
    table.press("generate", verbs.KeyPress(prompt="Metal shiny!/ä"))
    assert path(table) == table.folder / "Foley" / "clip metal-shiny-ä 1.wav"
    table.press("little")
    assert path(table).name == "clip metal-shiny-ä 1-2.wav"
    table.press("exactly")
    assert path(table).name.startswith("clip metal-shiny-ä 1-2")
    assert len(table.files()) == 3


@pytest.mark.parametrize("verb", ["generate", "variation", "again", "exactly", "little"])
def test_file_when_the_host_refuses_then_none_is_left(table: Table, verb: str) -> None:
    table.press("generate")
    table.mark((10.25, "foley"), (10.8, "foley"))
    files = table.files()
    table.host.refuse = "The item was moved"
    with pytest.raises(Exception, match="moved"):
        table.press(verb)
    assert table.files() == files
    assert not list((table.folder / "Foley").glob(".*"))
