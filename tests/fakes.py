"""A project in memory that keeps the Host's promises, and an engine whose sound shows what it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.onsets import Activation, Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.patches import Patch, joined, stretches
from bridge.engine.when import Detection
from bridge.errors import HostError, HostUnsure, JobCancelled, RequestError
from bridge.host.base import (
    Change,
    FoleyItemView,
    FoleyTrackView,
    ItemView,
    MarkerView,
    NewEnvelope,
    PointView,
    ProjectView,
    Report,
    TakeMarkers,
)

KNOWN_WORDS = {"wood", "metal", "glass"}


@dataclass
class FakeHost:
    """Applies changes to a ProjectView.

    ``refuse`` makes the next write fail after its checks; with ``silent`` it is applied and never answered; ``away`` is
    raised by ``landed``; when ``deaf`` no sentence is ever shown.
    """

    view: ProjectView
    refuse: str = ""
    told: list[tuple[str, str]] = field(default_factory=list)
    undo_steps: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    watched: list[tuple[str, bool]] = field(default_factory=list)
    away: HostError | None = None
    deaf: bool = False
    silent: bool = False
    _guids: Callable[[], str] = field(default_factory=lambda: map("{{{}}}".format, count(1)).__next__)

    def read(self, *, cursor_s: float | None = None, mouse_track_guid: str = "", project: str = "") -> ProjectView:
        return self.view if cursor_s is None else replace(self.view, cursor_s=cursor_s)

    def write(self, change: Change) -> Report:
        if self.refuse:
            raise HostError(self.refuse, hint="Press the key again")
        if change.expect_item is not None and change.expect_item not in self.view.items:
            raise HostError(f"'{change.expect_item.name}' was moved", hint="Press the key again")
        gone = set(change.delete_markers)
        made = [
            MarkerView(guid=self._guids(), position_s=new.position_s, name=new.name, ours=True, origin=new.origin)
            for new in change.add_markers
        ]
        markers = [marker for marker in self.view.markers if marker.guid not in gone] + made
        foley = list(self.view.foley_items)
        tracks = {track.guid: track for track in self.view.foley_tracks}
        for new in change.new_items:
            track = FoleyTrackView(
                guid=self._guids(),
                name=new.track_name,
                index=1 + len(tracks),
                video_item_guid=new.video_item_guid,
                controls=new.controls,
            )
            tracks[track.guid] = track
            foley.insert(
                0,
                FoleyItemView(
                    guid=self._guids(),
                    track_guid=track.guid,
                    video_item_guid=new.video_item_guid,
                    position_s=new.position_s,
                    length_s=new.length_s,
                    takes=1,
                    recipe=new.recipe,
                    audio_path=new.audio_path,
                    layer=new.layer,
                    set_id=new.set_id,
                    take_guid=self._guids(),
                ),
            )
        for new in change.new_takes:
            at = next(i for i, item in enumerate(foley) if item.guid == new.item_guid)
            number = foley[at].takes + (0 if new.replaces else 1)
            foley[at] = replace(
                foley[at],
                takes=number,
                recipe=new.recipe,
                audio_path=new.audio_path,
                live=new.live,
                take_guid=new.replaces or self._guids(),
            )
        for guid in change.keep_takes:
            at = next(i for i, item in enumerate(foley) if item.guid == guid)
            foley[at] = replace(foley[at], takes=1)
        for new in change.track_controls:
            tracks[new.track_guid] = replace(tracks[new.track_guid], controls=new.controls)
        for new in change.envelopes:
            points = _drawn(tracks[new.track_guid].envelope, new)
            tracks[new.track_guid] = replace(tracks[new.track_guid], envelope=points)
        items = tuple(_marked(item, change.take_markers) for item in self.view.items)
        self.view = replace(
            self.view,
            items=items,
            markers=tuple(sorted(markers, key=lambda marker: marker.position_s)),
            foley_items=tuple(foley),
            foley_tracks=tuple(tracks.values()),
            videos=items,
            **{
                key: getattr(self.view if getattr(change, key) is None else change, key)
                for key in ("prompt", "reference", "score", "controls")
            },
        )
        self.changes.append(change)
        self.undo_steps.append(change.undo_title)
        if self.silent:
            raise HostUnsure("REAPER does not answer", hint="Close it")
        return Report(marker_guids=tuple(marker.guid for marker in made))

    def show(self, text: str) -> None:
        self.shown.append(text)

    def watch(self, project: str, *, on: bool) -> None:
        self.watched.append((project, on))

    def landed(self, token: str, marks: tuple[str, ...]) -> tuple[str, ...]:
        if self.away:
            raise self.away
        return tuple(mark for mark in marks if mark in [change.mark for change in self.changes])

    def tell(self, sentence: str, *, kind: str = "info", told: Callable[[], None] | None = None) -> None:
        self.told.append((kind, sentence))
        if told is not None and not self.deaf:
            told()

    def close(self) -> None:
        pass


def _drawn(envelope: tuple[PointView, ...], new: NewEnvelope) -> tuple[PointView, ...]:
    kept = [point for point in envelope if not new.start_s <= point.time_s <= new.end_s]
    return tuple(sorted((*kept, *new.points), key=lambda point: point.time_s))


def _marked(item: ItemView, changes: tuple[TakeMarkers, ...]) -> ItemView:
    for change in changes:
        if change.item_guid == item.guid:
            kept = [marker for marker in item.take_markers if marker not in change.delete]
            markers = sorted((*kept, *change.add), key=lambda marker: marker.played_s)
            item = replace(item, take_markers=tuple(markers))
    return item


class FakeEngine:
    """Finds what it was told to find; sound is one click per onset whose height tells seed, prompt and strength.

    ``finds`` are clip times at which it is sure; ``sees`` are (place in what the take plays, activation, strength).
    """

    pack_name, pack_version, pack_digest, licence, commercial_use = "fake", "1", "d" * 64, "none", "unknown"
    provider = "CPUExecutionProvider"
    found_by: Mapping[str, str] = {}
    rate_hz = 48000
    adds = True

    def __init__(self, finds: tuple[float, ...] = (0.5, 1.25), strengths: tuple[float, ...] = (1.0, 1.0)) -> None:
        self.finds = finds
        self.strengths = strengths
        self.sees: tuple[tuple[float, float, float], ...] = ()
        self.looked = 0
        self.hum = 0.0
        self.remade = 0
        self.references: list[Reference] = []
        self.thresholds: list[float | None] = []

    def check_prompt(self, prompt: str) -> tuple[str, ...]:
        words = prompt.lower().split()
        if not KNOWN_WORDS & set(words):
            raise RequestError(f"'{prompt}' is not understood", hint="Say wood, metal or glass")
        return tuple(word for word in words if word not in KNOWN_WORDS)

    recipe = Engine.recipe

    def check_clip(self, clip: Clip) -> None:
        if clip.length_s < 0.04:
            raise RequestError(f"{clip.title} is shorter than a frame", hint="Lengthen the item")

    def detect(self, clip: Clip, *, progress=lambda f: None, cancelled=lambda: False, threshold=None) -> Detection:
        self.thresholds.append(threshold)
        self.looked += 1
        progress(1.0)
        if self.sees:
            return self._seen(clip, 0.5 if threshold is None else threshold)
        onsets = tuple(
            Onset(time_s=time_s, confidence=0.9, strength=self.strengths[number % len(self.strengths)])
            for number, time_s in enumerate(self.finds)
            if time_s < clip.length_s
        )
        activation = Activation(values=np.zeros(30, np.float32), rate_hz=30.0)
        return Detection(activation=activation, onsets=onsets, peaks=onsets, threshold=0.5)

    def _seen(self, clip: Clip, threshold: float) -> Detection:
        found = [
            Onset(time_s=float(project_s) - clip.position_s, confidence=activation, strength=strength)
            for place, activation, strength in self.sees
            for project_s in clip.shown_at(place)
        ]
        peaks = tuple(sorted(found, key=lambda onset: onset.time_s))
        return Detection(
            activation=Activation(values=np.zeros(30, np.float32), rate_hz=30.0),
            onsets=tuple(onset for onset in peaks if onset.confidence >= threshold),
            peaks=peaks,
            threshold=threshold,
        )

    def render(self, request: Request, *, progress=lambda f: None, cancelled=lambda: False) -> Audio:
        samples = np.zeros((1, request.length_samples), np.float32)
        for onset in request.onsets:
            if cancelled():
                raise JobCancelled("cancelled")
            seed = request.seed + sum(seed for seed, _ in request.mix)
            height = (len(request.prompt_of(onset)) * 16 + seed % 16) / 256
            samples[0, round(onset.time_s * request.rate_hz)] = height * onset.strength
        samples += np.float32(self.hum) * np.sin(np.arange(request.length_samples, dtype=np.float32))
        progress(1.0)
        return Audio(samples=samples, rate_hz=request.rate_hz)

    def stream(self, request: Request, *, progress=lambda f: None, cancelled=lambda: False):
        yield self.render(request, progress=progress, cancelled=cancelled).samples[0]

    def check_reference(self, reference: Reference) -> None:
        self.references.append(reference)

    def changes(
        self,
        request: Request,
        *,
        previous_request,
        previous,
        within=None,
        progress=lambda f: None,
        cancelled=lambda: False,
    ) -> list[Patch]:
        """What the requests' difference asks for, joined as the real one joins it."""
        self.remade += 1
        assert previous.length_samples == previous_request.length_samples
        new = self.render(request, progress=progress, cancelled=cancelled).samples[0]
        found = stretches(request, previous_request, previous, within=within, tail_s=0.1, adds=self.adds)
        requests = (previous_request, request)
        return [joined(one, new[one.span[0] : one.span[1]].copy(), previous, requests) for one in found]


def video_item(path: str, **fields) -> ItemView:
    """A two-second video item at 10 s."""
    given = {
        "guid": "{video}",
        "take_guid": "{take}",
        "track_guid": "{track}",
        "name": "clip.mp4",
        "source_path": path,
        "source_length_s": 4.0,
        "position_s": 10.0,
        "length_s": 2.0,
    }
    return ItemView(**{**given, **fields})


def project(folder: str, *items: ItemView, **fields) -> ProjectView:
    """A saved project whose cursor is over the given items."""
    given = {
        "token": "t1",
        "path": f"{folder}/show.rpp",
        "media_dir": folder,
        "change_count": 1,
        "cursor_s": 10.5,
        "sample_rate_hz": 48000,
        "prompt": "wood",
        "items": items,
        "chosen": "track" if items else "",
    }
    return ProjectView(**{**given, **fields})
