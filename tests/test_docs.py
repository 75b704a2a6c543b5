"""The documentation says what the program does: tables are complete and hold nothing else, links lead somewhere."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest

from bridge.config import Settings
from bridge.domain.controls import TITLES
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.install.kb import shortcut
from bridge.install.scripts import LETTERS
from bridge.jobs import label
from bridge.jobs.verbs import VERBS
from bridge.media import mux, wav
from bridge.osc import messages
from tests.guide_drawing import Shot, draw
from tests.sentences import ROOT, of_source, sentences

DOCS = ROOT / "bridge" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
REACH_REAPER = (
    *("reaper_scripts", "bridge/jobs", "bridge/host", "bridge/media", "bridge/engine", "bridge/domain", "bridge/dsp"),
    *("bridge/app.py", "bridge/packs/store.py", "bridge/osc/server.py", "bridge/osc/messages.py"),
    *("bridge/osc/surface.py", "bridge/libraries.py"),
)
TERMINAL = (
    *("bridge/config.py", "bridge/commands", "bridge/demo.py", "bridge/listing.py", "bridge/health/report.py"),
    *("bridge/install", "bridge/osc/door.py", "bridge/osc/peers.py", "bridge/packs/catalogue.py"),
    *("bridge/packs/pull.py", "bridge/packs/download.py"),
)
SHOWS_ANYTHING = "reaper_scripts/foley_inside/say.py"
"""Where sentences of others are shown; it has none of its own."""
LARGEST_PICTURE = 60_000


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of a page's tables, below a heading if one is named, without escapes and code marks."""
    text = (DOCS / page).read_text("utf-8")
    if heading:
        text = re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    header = {number - 1 for number, row in enumerate(cells) if set("".join(row)) <= set("-:")}
    return [row for number, row in enumerate(cells) if number not in header and number - 1 not in header]


def plain(cell: str) -> str:
    """A cell as it reads."""
    return re.sub(r"\\(.)", r"\1", cell)


def code(cell: str) -> list[str]:
    """What a cell holds between code marks."""
    return re.findall(r"`([^`]+)`", cell)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_errors_when_compared_with_the_source_then_every_sentence_has_a_cure_and_none_is_invented() -> None:
    told = [plain(row[0]) for row in rows("errors.md")]
    source = [one for one in sentences(*REACH_REAPER, *TERMINAL) if one.file != SHOWS_ANYTHING]
    missing = {f"{one.file}:{one.line}: {one.text}" for one in source if one.text not in told}
    assert not missing, "not in bridge/docs/errors.md:\n" + "\n".join(sorted(missing))
    invented = set(told) - {one.text for one in source}
    assert not invented, "in bridge/docs/errors.md, but no longer said:\n" + "\n".join(sorted(invented))
    assert len(told) == len(set(told)), "told twice"
    assert all(len(row) == 2 and len(row[1]) > 5 for row in rows("errors.md"))


def test_sentences_when_read_from_source_then_names_choices_and_filled_in_parts_are_seen() -> None:
    source = """
BUSY = "REAPER is busy"
def work(path, many):
    what = "no files" if many else f"no file {path} of"
    raise RequestError(what + f" {1 + 1} in there", hint="Look again")
def other():
    say(HostError(BUSY), MediaError(str(error)), Refusal("a '{}' is gone".format(name), "Press it"), ValueError("x"))
"""
    found = [(one.text, one.hint) for one in of_source(source, "a.py")]
    assert found == [
        ("no files … in there", "Look again"),
        ("no file … of … in there", "Look again"),
        ("REAPER is busy", ""),
        ("a '…' is gone", "Press it"),
    ]


# -- actions -----------------------------------------------------------------------------------------------------------


def pressed(script: Path) -> str:
    """The verb that a script sends; "" for the server."""
    calls = [node for node in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(node, ast.Call)]
    for call in calls:
        text = ast.unparse(call)
        if found := re.fullmatch(r"press\.press\('(\w+)'\)", text):
            return found[1]
        if text in ("press.generate()", "press.set_prompt()", "press.controls()"):
            return {"set_prompt": "prompt"}.get(text[6:-2], text[6:-2])
    return ""


def test_actions_when_compared_with_the_scripts_then_each_stands_there_with_its_verb_and_key() -> None:
    table = {code(row[1])[0]: row for row in rows("actions.md", "The keys")}
    scripts = {path.name: path for path in (ROOT / "reaper_scripts").glob("foley_*.py")}
    assert set(table) == set(scripts)
    for name, row in table.items():
        assert code(row[4]) == ([pressed(scripts[name])] if pressed(scripts[name]) else []), name
        assert row[3] == (shortcut(LETTERS[name]) if name in LETTERS else "none"), name


def test_verbs_when_compared_with_the_actions_then_every_one_is_told_of() -> None:
    keys = {word for row in rows("actions.md", "The keys") for word in code(row[4])}
    others = {code(row[0])[0] for row in rows("actions.md", "Verbs without a key")}
    assert keys | others == set(VERBS) | set(messages.VERBS)
    assert not keys & others


def test_undo_titles_when_compared_with_the_source_then_every_one_is_told_of() -> None:
    said = {
        node.value
        for path in (ROOT / "bridge" / "jobs").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch("Foley: [a-z ]+", node.value)
    }
    both = rows("actions.md", "The keys"), rows("actions.md", "Verbs without a key")
    assert {word for table in both for row in table for word in code(row[-1])} == said


# -- settings ----------------------------------------------------------------------------------------------------------


def test_settings_when_compared_with_the_program_then_each_stands_there_with_its_default() -> None:
    table = {code(row[0])[0]: row for row in rows("settings.md", "Settings")}
    assert set(table) == {field.name for field in fields(Settings)}
    for field in fields(Settings):
        if field.name != "packs_dir":
            default = getattr(Settings(), field.name)
            assert code(table[field.name][1]) == ([str(default)] if default != "" else []), field.name


def test_controls_when_compared_with_the_dialog_then_each_stands_there() -> None:
    assert [row[0].lower() for row in rows("settings.md", "Controls of a track")] == list(TITLES.values())


def test_recipe_when_compared_with_the_program_then_each_field_stands_there() -> None:
    told = {word for row in rows("settings.md", "The recipe") for word in code(row[0])}
    names = {field.name for field in fields(Recipe)} | {f"request.{field.name}" for field in fields(Request)}
    assert told == (names - {"request"}) | {"schema"}


def test_marker_names_when_read_by_the_program_then_they_mean_what_the_table_says() -> None:
    table = rows("settings.md", "Markers as the score")
    assert len(table) >= 8
    for name, onset, words, level in table:
        said = label.read(code(name)[0])
        assert ("yes" if said.labelled else "no") == onset, name
        if said.labelled:
            assert said.prompt == (code(words)[0] if code(words) else ""), name
            assert said.strength == pytest.approx(float(level), abs=0.005), name


def test_door_when_compared_with_the_program_then_every_wordless_verb_stands_there() -> None:
    told = {word for row in rows("settings.md", "The controller door") for word in code(row[0])}
    wordless = {name for name, kind in VERBS.items() if kind.wordless} | {"cancel", "free", "status"}
    assert told == {f"/foley/{name}" for name in wordless} | {"/foley/answer", "/foley/progress", "/foley/state"}


# -- pages -------------------------------------------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """The fragment with which a heading is linked to."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_when_followed_then_they_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith("http"):
            continue
        name, _, fragment = target.partition("#")
        path = page.parent / name if name else page
        assert path.is_file(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            assert fragment in [anchor(heading) for heading in headings], target


def test_guide_when_read_then_its_pictures_are_there_and_small_and_none_is_left_over() -> None:
    shown = re.findall(r"!\[[^\]]+\]\((guide-[^)]+)\)", (DOCS / "guide.md").read_text("utf-8"))
    assert sorted(shown) == sorted(path.name for path in DOCS.glob("guide-*.png"))
    assert 4 <= len(shown) <= 6
    for name in shown:
        assert (DOCS / name).stat().st_size < LARGEST_PICTURE
        assert cv2.imread(str(DOCS / name)) is not None


def test_guide_when_read_then_every_action_is_told_of() -> None:
    guide = " ".join((DOCS / "guide.md").read_text("utf-8").lower().split())
    names = [row[0].lower() for row in rows("actions.md", "The keys")]
    assert [name for name in names if f"*{name}*" not in guide] == []


def state(sound: Path, film: Path) -> dict[str, object]:
    """A project with a video, a marker and a foley item with a level on its track."""

    def track(name: str, path: Path, envelopes: list[object]) -> dict[str, object]:
        take = {"name": name, "source": {"path": str(path)}}
        item = {"position_s": 2.0, "length_s": 1.0, "takes": [take], "active_take": 0}
        return {"name": name, "folder_depth": 0, "items": [item], "envelopes": envelopes}

    curve = {"visible": True, "points": [[2.0, 1.0, 0, 0, False], [3.0, 0.25, 0, 0, False]]}
    return {
        "tracks": [track("Video", film, []), track("Foley: wood", sound, [curve])],
        "markers": [{"position_s": 2.5, "name": "foley: metal plate @0.5"}],
        "time_selection": [2.2, 2.7],
    }


def test_picture_when_drawn_twice_then_the_same_bytes_and_other_ones_for_another_marker(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    film = mux.encode_frames(tmp_path / "film.mp4", [picture] * 20, 20.0)
    sound = tmp_path / "sound.wav"
    wav.write_blocks(sound, iter([np.full((1, 48000), 0.5, np.float32)]), rate_hz=48000, channels=1)
    shown = state(sound, film)
    one = draw(tmp_path / "one.png", Shot(title="Generate", sentence="Done.", state=shown, film=film))
    two = draw(tmp_path / "two.png", Shot(title="Generate", sentence="Done.", state=shown, film=film))
    moved = {**shown, "markers": [{"position_s": 2.8, "name": "foley: metal plate @0.5"}]}
    three = draw(tmp_path / "three.png", Shot(title="Generate", sentence="Done.", state=moved, film=film))
    assert one.read_bytes() == two.read_bytes() != three.read_bytes()
