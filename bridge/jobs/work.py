"""What a key press about sound works on: the video item, the layers that exist, the score, and what to ask for.

Convention: ``frame`` is the stretch of the item that the sound fits, all of it unless a time selection said otherwise
when it was made; onsets are in the frame's clip time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.domain.clip import Clip
from bridge.domain.clip import samples_of as clip_samples
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.errors import RequestError
from bridge.host.base import SAME_S, FoleyItemView, ItemView, MarkerView, ProjectView
from bridge.jobs import choose, level, onsets, score, seen
from bridge.jobs.desk import Desk
from bridge.jobs.runner import Context

Span = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Work:
    """One item's sound, as it is and as the score stands now.

    Attributes:
        view: the project. item: the video. whole: its time map. frame: the stretch that the sound fits.
        span: the part of the frame that the time selection leaves to work on, clip time of the frame; None for all.
        layers: the bridge's own items that are meant, with the recipes of their active takes.
        marks: the markers among which the score is.
        looked: what was seen in the picture by this key press, by the item's GUID.
    """

    view: ProjectView
    item: ItemView
    whole: Clip
    frame: Clip
    span: Span | None
    layers: tuple[tuple[FoleyItemView, Recipe], ...]
    marks: tuple[MarkerView, ...]
    looked: dict[str, seen.Seen] = field(default_factory=dict)

    def onsets(self) -> tuple[Onset, ...]:
        """The score's onsets in the frame, with their own words."""
        return score.onsets_in(self.frame, self.marks, self.view.regions)

    def together(self) -> tuple[FoleyItemView, ...]:
        """The layers that belong with those that are meant, themselves among them."""
        meant = tuple(layer for layer, _ in self.layers)
        first = meant[0]
        others = self.view.foley_items if first.set_id else ()
        return meant + tuple(
            item
            for item in others
            if (item.set_id, item.video_item_guid) == (first.set_id, first.video_item_guid)
            and item.layer not in {layer.layer for layer in meant}
        )

    def controls(self, layer: FoleyItemView | None) -> Controls:
        """Those of a layer's track; of tracks to come where it has none."""
        track = choose.track_of(self.view, layer.track_guid) if layer else None
        return Controls.from_json((track.controls if track else "") or self.view.controls)

    def sounding(
        self, desk: Desk, context: Context, layer: FoleyItemView | None, asked: tuple[Onset, ...]
    ) -> tuple[Onset, ...]:
        """Onsets of a layer as its controls, the picture and the track's envelope want them."""
        controls = self.controls(layer)
        track = choose.track_of(self.view, layer.track_guid) if layer else None
        motion = None
        if controls.follow > 0.0:
            motion = level.Motion(self.seen(desk, context), self.frame)
        return level.sounding(asked, self.frame, controls, motion, track.envelope if track else ())

    def seen(self, desk: Desk, context: Context) -> seen.Seen:
        """What was seen in the item; looked at now if nobody has."""
        guid = self.item.guid
        known = self.looked.get(guid) or seen.load(self.view.score).get(guid)
        if known is None:
            known = self.looked[guid] = onsets.look(desk, context, self.whole, None, None, 0.0, 0.3)
        return known

    def score_change(self) -> str | None:
        """What the project shall remember besides, if this key press looked at the picture; else None."""
        return seen.store({**seen.load(self.view.score), **self.looked}) if self.looked else None


def existing(desk: Desk, view: ProjectView) -> Work:
    """The work on foley that exists.

    Raises:
        RequestError: there is none, its video is gone, or was moved or trimmed since. MediaError: the video is offline.
    """
    layers = choose.foley_items(view)
    first, recipe = layers[0]
    item = next((one for one in (*view.items, *view.videos) if one.guid == first.video_item_guid), None)
    if item is None:
        raise RequestError(
            f"The video that this foley was made for ('{Path(recipe.source_path).name}') is gone from the project",
            hint="Put it back (Undo), or press Generate over another video",
        )
    whole = choose.clip_of(choose.online(item))
    frame = frame_of(item, whole, recipe)
    marks = score.markers_of(view, item, whole, in_take=desk.wishes.take_markers)
    return Work(
        view=view,
        item=item,
        whole=whole,
        frame=frame,
        span=choose.within(view, frame),
        layers=layers,
        marks=marks,
    )


def recorded(view: ProjectView) -> Work:
    """The work as the recipes alone tell it: the video need not be there any more, nor the markers.

    Raises:
        RequestError: there is no foley, or a recipe cannot be read.
    """
    layers = choose.foley_items(view)
    recipe = layers[0][1]
    try:
        frame = Clip.of_time_map(recipe.source_path, recipe.time_map)
    except TypeError as error:
        raise RequestError(
            f"The recipe for '{Path(recipe.source_path).name}' cannot be read", hint="Press New variation"
        ) from error
    item = ItemView(
        guid=recipe.video_item_guid,
        take_guid="",
        track_guid="",
        name=frame.name or Path(recipe.source_path).name,
        source_path=recipe.source_path,
        position_s=frame.position_s,
        length_s=frame.length_s,
    )
    return Work(view=view, item=item, whole=frame, frame=frame, span=None, layers=layers, marks=())


def frame_of(item: ItemView, whole: Clip, recipe: Recipe) -> Clip:
    """The stretch of a video item that a take was made for.

    Raises:
        RequestError: the item was moved or trimmed since.
    """
    before = recipe.time_map
    start_s, length_s = before.get("position_s", 0.0), before.get("length_s", 0.0)
    same = before.get("play_rate", 1.0) == whole.play_rate and whole.position_s - SAME_S <= start_s
    same = same and start_s + length_s <= whole.end_s + SAME_S and length_s > SAME_S
    if same:
        inside = abs(start_s - whole.position_s) > SAME_S or abs(length_s - whole.length_s) > SAME_S
        frame = whole.sub(start_s, start_s + length_s) if inside else whole
        same = abs(frame.start_offset_s - before.get("start_offset_s", 0.0)) <= SAME_S * max(1.0, whole.play_rate)
        if same:
            return frame
    raise RequestError(
        f"'{item.name}' was moved or trimmed since this foley was made",
        hint="Press Generate for a new track that fits it",
    )


def request_for(engine: Engine, desk: Desk, view: ProjectView, frame: Clip, **asked: object) -> Request:
    """A request for a frame at the rate that the user wishes."""
    rate_hz = view.sample_rate_hz if desk.wishes.project_rate else engine.rate_hz
    return Request(length_samples=frame.length_samples(rate_hz), rate_hz=rate_hz, **asked)  # pyright: ignore[reportArgumentType]


def resized(request: Request, before: Request, frame: Clip) -> Request:
    """A request as long as the one before it, where saving and loading moved its length by a rounding."""
    length = frame.length_samples(before.rate_hz)
    if abs(length - before.length_samples) <= 1:
        length = before.length_samples
    return replace(request, length_samples=length, rate_hz=before.rate_hz)


def samples_of(span: Span, request: Request) -> tuple[int, int]:
    """The samples of a request that a span of its clip time covers, at least one."""
    start, stop = (clip_samples(time_s, request.rate_hz) for time_s in span)
    return max(0, start), min(request.length_samples, max(stop, start + 1))


def words_of(words: str, item: ItemView, reference: Reference | None) -> str:
    """A prompt in one line.

    Raises:
        RequestError: it is empty, and there is no reference either.
    """
    prompt = " ".join(words.split())
    if not prompt and reference is None:
        raise RequestError(
            f"The prompt for '{item.name}' is empty",
            hint="Press Set prompt and say what should be heard, e.g. 'wood'",
        )
    return prompt


def check_words(engine: Engine, clip: Clip, asked: tuple[Onset, ...], prompt: str) -> tuple[str, ...]:
    """Words that are left out, of the prompt and of the onsets' own.

    Raises:
        RequestError: nothing is understood of them; the marker is named.
    """
    ignored = list(engine.check_prompt(prompt)) if prompt else []
    checked: dict[str, tuple[str, ...]] = {}
    for onset in asked:
        if onset.prompt and onset.prompt not in checked:
            try:
                checked[onset.prompt] = engine.check_prompt(onset.prompt)
            except RequestError as error:
                at_s = clip.position_s + onset.time_s
                raise RequestError(
                    f"Marker '{onset.prompt}' at {at_s:.3f} s: {error.message}", hint=error.hint
                ) from error
    return (*ignored, *(word for words in checked.values() for word in words))
