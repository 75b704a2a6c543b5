"""Project files: the tree that gives back every byte, and the host that reads and writes one."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.host.base import Change, NewItem, NewMarker, ProjectView
from bridge.host.rpp import RppHost
from bridge.jobs.choose import clip_of
from bridge.media import rpp
from tests.fuzz.cases import bent, chances
from tests.fuzz.files import folder
from tests.fuzz.target import Target

VIDEO, FOLEY = "{AAAAAAAA-0000-0000-0000-00000000000A}", "{BBBBBBBB-0000-0000-0000-00000000000B}"
GOOD = f"""<REAPER_PROJECT 0.1 "7.78/linux-x86_64" 1700000000 0
  RIPPLE 0
  CURSOR 10.5
  RECORD_PATH "Audio Files" ""
  SAMPLERATE 48000 0 0
  MARKER 1 10.25 "foley: wood" 0 0 1 B {{C0FFEE00-0000-0000-0000-000000000001}} 0
  MARKER 2 11 foley 0 0 1 B {{C0FFEE00-0000-0000-0000-000000000002}} 0
  MARKER 3 9 "" 1 0 1 R {{C0FFEE00-0000-0000-0000-000000000003}} 0
  MARKER 3 12 "" 1
  <TRACK {{11111111-0000-0000-0000-000000000001}}
    NAME Video
    MUTESOLO 0 0 0
    FREEMODE 2
    LANESOLO 1 0 0 0 0 0 0 0
    ISBUS 2 -1
    AUXRECV 0 0 1
    <ITEM
      POSITION 10
      LENGTH 2
      LOOP 1
      YPOS 0 0.5
      IGUID {VIDEO}
      NAME clip.mp4
      SOFFS 0.5
      PLAYRATE 1 1 0 -1 0 0.0025
      SM 0 0 + 1 1
      GUID {{22222222-0000-0000-0000-000000000002}}
      <SOURCE SECTION
        LENGTH 3
        MODE 2
        STARTPOS 0.25
        <SOURCE VIDEO
          FILE "clip.mp4"
        >
      >
      TAKE SEL
      NAME "other \\"one\\""
      <SOURCE VIDEO
        FILE `it's "this".mp4`
      >
    >
  >
  <TRACK {{33333333-0000-0000-0000-000000000003}}
    NAME Foley
    <ITEM
      POSITION 10
      LENGTH 2
      IGUID {FOLEY}
      <EXT
        foley {VIDEO}
      >
      NAME "clip foley"
      <SOURCE WAVE
        FILE "a.wav"
      >
      <TAKEEXT
        foley_recipe '{{"schema": 1}}'
      >
    >
  >
  <EXTSTATE
    <FOLEY
      prompt "wood on stone"
      markers "{{C0FFEE00-0000-0000-0000-000000000001}}=0.25"
    >
  >
>
""".encode()
ODD = [
    b"<ITEM\n",
    b">\n",
    b"<SOURCE SECTION\nLENGTH 1e308\nMODE 2\nSTARTPOS -1e308\n",
    b"POSITION 1e308\n",
    b"LENGTH -5\n",
    b"MARKER 999999999999999999 1e308 x 18446744073709551615\n",
    b"PLAYRATE 0\n",
    b"PLAYRATE -1e-320\n",
    b"SAMPLERATE 1e7\n",
    b'FILE "a\0b"\n',
    b"FILE /dev/zero\n",
    b"FILE ..\\..\\x.mp4\n",
    b"YPOS 1e308 1e-308\n",
    b"LANESOLO -999999999999999999\n",
    b"AUXRECV 999999999999999999999999999\n",
    b"ISBUS 2 -999999999999999999\n",
    b"NAME \xff\xfe\n",
    b"\xef\xbb\xbf",
    b"\r\n",
]


NUMBERS = (b"1e308", b"-1", b"nan", b"1e-320", b"9" * 30, b"9" * 400, b'"', b"'", b"", b"inf", b"0", b"-0.0")


@st.composite
def hostile(draw: Any) -> bytes:
    """A good project whose lines were dropped, doubled, moved or given odd numbers; now and then bent as bytes, too."""
    chance = draw(chances)
    rows = GOOD.splitlines(keepends=True)
    for _ in range(chance.randint(1, 6)):
        at, way = chance.randrange(len(rows)), chance.randrange(5)
        if way == 0 and len(rows) > 1:
            del rows[at]
        elif way == 1:
            rows.insert(at, chance.choice(rows))
        elif way == 2:
            rows.insert(at, chance.choice(ODD))
        elif way == 3:
            words = rows[at].split(b" ")
            words[chance.randrange(len(words))] = chance.choice(NUMBERS)
            rows[at] = b" ".join(words)
        else:
            rows[at] = chance.choice(ODD)
    data = b"".join(rows)
    return draw(bent([data])) if chance.randrange(3) == 0 else data


@functools.cache
def sound() -> Path:
    """A sound file to insert."""
    import numpy as np

    from bridge.domain.audio import Audio
    from bridge.media import wav

    return wav.write(folder() / "new.wav", Audio(samples=np.zeros((1, 480), np.float32), rate_hz=48_000))


def check_tree(case: bytes) -> bool:
    """A project file that is taken is given back byte for byte."""
    document = rpp.parse(case, "show.rpp")
    assert document.encode() == case
    return document.root.name == "REAPER_PROJECT" or bool(document.root.args)


def check_host(case: bytes) -> bool:
    """A project that can be read can be written: a marker and an item are added, and it is still a project."""
    path = folder() / "project" / "show.rpp"
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    path.write_bytes(case)
    host = RppHost(path)
    view = host.read()
    assert isinstance(view, ProjectView)
    for item in view.items:
        with contextlib.suppress(BridgeError):  # its file is not there, or its numbers make no clip
            clip_of(item)
    tracks = [item.track_guid for item in view.items]
    items = [
        NewItem(
            below_track_guid=guid,
            track_name="x",
            video_item_guid=VIDEO,
            position_s=1.0,
            length_s=0.01,
            audio_path=str(sound()),
            take_name="y",
            recipe="{}",
        )
        for guid in tracks[:1]
    ]
    change = Change(
        token=view.token,
        undo_title="Foley: fuzz",
        add_markers=(NewMarker(position_s=1.5, name="foley", origin="0.5"),),
        delete_markers=tuple(marker.guid for marker in view.markers[:1]),
        new_items=tuple(items),
        prompt="glass",
    )
    host.write(change)
    again = host.read()
    assert any(marker.position_s == 1.5 and marker.name == "foley" for marker in again.markers)
    assert again.prompt == "glass"
    return True


TARGETS = [
    Target(name="rpp", check=check_tree, hostile=hostile() | bent([GOOD]), valid=st.just(GOOD)),
    Target(name="rpp_host", quick=40, check=check_host, hostile=hostile(), valid=st.just(GOOD)),
]
