"""A project with much in it that the bridge does not understand, and things to put into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge.domain.audio import Audio
from bridge.host.base import NewItem, ProjectView
from bridge.media import wav

VIDEO_GUID = "{11111111-0000-0000-0000-000000000001}"
PROJECT = r"""<REAPER_PROJECT 0.1 "7.78/linux-x86_64" 1700000000 0
  <NOTES 0 2
    |do not touch
    |<TRACK not a track
  >
  RECORD_PATH "Audio Files" ""
  CURSOR 11.25
  SAMPLERATE 44100 1 0
  <RENDER_CFG
    ZXZhdxgAAQ==
  >
  MARKER 1 2 "my own" 0 0 1 B {AAAAAAAA-0000-0000-0000-000000000001} 0
  MARKER 1 5.5 "a region" 1 0 1 R {AAAAAAAA-0000-0000-0000-000000000002} 0
  MARKER 1 9 "" 1
  MARKER 7 20 foley 0 0 1 B {AAAAAAAA-0000-0000-0000-000000000003} 0
  <PROJBAY
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000001}
    NAME Folder
    MUTESOLO 0 0 0
    ISBUS 1 1
    AUXRECV 2 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
    AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000002}
    NAME "Picture track"
    MUTESOLO 0 0 0
    ISBUS 2 -1
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
    >
    <ITEM
      POSITION 10
      SNAPOFFS 0
      LENGTH 2
      LOOP 1
      MUTE 0 0
      SEL 0
      IGUID {11111111-0000-0000-0000-000000000001}
      NAME "the stick"
      VOLPAN 1 0 1 -1
      SOFFS 0.5
      PLAYRATE 1.25 1 0 -1 0 0.0025
      CHANMODE 0
      GUID {11111111-0000-0000-0000-000000000002}
      <SOURCE SECTION
        LENGTH 1.5
        MODE 2
        STARTPOS 0.25
        OVERLAP 0.01
        <SOURCE VIDEO
          FILE "Video Files\stick one.mp4"
        >
      >
      <TAKEFX
        WNDRECT 0 0 0 0
      >
    >
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000003}
    NAME Last
    MUTESOLO 0 0 0
    ISBUS 0 0
  >
  <EXTSTATE
    <SOMEBODY_ELSE
      key value
    >
  >
>
"""


def sound(folder: Path, name: str = "take.wav") -> str:
    return str(wav.write(folder / name, Audio.silence(length_samples=88_200, rate_hz=44_100)))


def new_item(view: ProjectView, path: str, **changes: Any) -> NewItem:
    item = view.items[0]
    given: dict[str, Any] = {
        "below_track_guid": item.track_guid,
        "track_name": "Foley: wood",
        "video_item_guid": item.guid,
        "position_s": item.position_s,
        "length_s": item.length_s,
        "audio_path": path,
        "take_name": "stick wood 1",
        "recipe": json.dumps({"prompt": "wood"}),
    }
    return NewItem(**(given | changes))


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().split("\r\n")
