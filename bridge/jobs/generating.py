"""The verbs that make a new track: generate, and place this sound."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.wording import counted
from bridge.engine.engine import check_clip
from bridge.errors import RequestError
from bridge.host.base import Change, ItemView, MarkerView, NewItem, ProjectView
from bridge.jobs import asides, choose, examples, level, onsets, score, seen, settings
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.making import Made, Making
from bridge.jobs.runner import Context
from bridge.jobs.work import check_words, request_for, words_of

LOOKING = 0.3
"""The share of a job's progress that looking for onsets takes, where there are none yet."""
EDGE_FADE_S = 0.01
"""An item that is a part of the picture fades in and out within this."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What a new track begins with."""

    view: ProjectView
    item: ItemView
    whole: Clip
    frame: Clip
    span: tuple[float, float] | None
    marks: tuple[MarkerView, ...]
    onsets: tuple[Onset, ...]
    found: dict[str, Onset]
    seen: seen.Seen | None
    known: dict[str, seen.Seen]

    def score_change(self, desk: Desk) -> dict[str, object]:
        """The fields of a Change that write what was found as markers."""
        if self.seen is None:
            return {}
        add = [score.new_marker(self.whole, onset, name) for name, onset in self.found.items()]
        return {
            "score": onsets.remembered(self.known, self.item, self.seen, self.found),
            **score.edit(self.item, self.whole, (), add, in_take=desk.wishes.take_markers),
        }


def generate(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Generate*: a new track below the video's with one item that fits it, made from the markers.

    Markers with different words make layers: one track for each in a folder track.
    """
    view = desk.read(key)
    item = choose.video_item(view)
    reference = settings.project_reference(view)
    folder = choose.audio_folder(view, item.name)
    prompt = " ".join((key.prompt or view.prompt).split())
    engine = desk.engine()
    if reference is not None:
        engine.check_reference(reference)
    ignored = engine.check_prompt(prompt) if prompt else ()
    engine.check_clip(choose.clip_of(item))
    controls = Controls.from_json(view.controls)
    start = _begin(desk, context, view, item, controls)
    ignored += check_words(engine, start.frame, start.onsets, "")
    groups = score.layers(_sounding(start, controls), prompt)
    if "" in groups:
        words_of(prompt, item, reference)
    set_id, seed = secrets.token_hex(4), desk.new_seed()
    begun = LOOKING if start.seen else 0.0
    with Making(desk, context, view, item, start.frame, folder) as making:
        made: list[tuple[str, Made]] = []
        for number, (words, asked) in enumerate(groups.items()):
            heard = reference if not words else None
            request = request_for(
                engine,
                desk,
                view,
                start.frame,
                onsets=asked,
                prompt=words or prompt,
                seed=seed,
                reference=heard,
                guidance=controls.guidance or None,
            )
            share = (0.95 - begun) / len(groups)
            progress = context.part(
                begun + number * share, begun + (number + 1) * share, f"Making sound for '{item.name}'"
            )
            found_by = engine.found_by if start.found else {}
            made.append((words, making.fresh(request, controls=controls, found_by=found_by, progress=progress)))
        desk.host.write(
            Change(
                token=view.token,
                undo_title="Foley: generate",
                new_items=tuple(
                    _new_item(
                        start,
                        one,
                        words,
                        set_id,
                        controls,
                        name=_named(words or prompt, heard_of(one)),
                        layered=len(groups) > 1,
                    )
                    for words, one in made
                ),
                prompt=prompt or None,
                expect_item=item,
                **start.score_change(desk),  # pyright: ignore[reportArgumentType]
            )
        )
    told = asides.left_out(ignored) + asides.unread(desk, start.frame, start.marks) + making.notes
    layers = f" in {len(groups)} layers" if len(groups) > 1 else ""
    what = f"'{prompt}'" if reference is None else f"'{Path(reference.path).name}'"
    return f"{counted(len(start.onsets), 'onset')} sounded for '{item.name}' as {what}{layers}{told}."


def place(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Place this sound*: a new track with the reference itself on every onset, no two neighbours alike; no model."""
    view = desk.read(key)
    item = choose.video_item(view)
    reference = examples.brought_in(context, view, _to_place(view))
    return _placed(desk, context, view, item, reference)


def _placed(desk: Desk, context: Context, view: ProjectView, item: ItemView, reference: Reference) -> str:
    folder = choose.audio_folder(view, item.name)
    check_clip(choose.clip_of(item))
    controls = Controls.from_json(view.controls)
    start = _begin(desk, context, view, item, controls)
    asked = tuple(replace(onset, prompt="") for onset in _sounding(start, controls))
    rate_hz = view.sample_rate_hz if desk.wishes.project_rate else PLACED_RATE_HZ
    name = Path(reference.path).name
    with Making(desk, context, view, item, start.frame, folder) as making:
        request = making.placing(asked, reference, desk.new_seed(), rate_hz)
        begun = LOOKING if start.seen else 0.0
        made = making.fresh(
            request, controls=controls, found_by={}, progress=context.part(begun, 0.95, f"Placing '{name}'")
        )
        new = _new_item(start, made, "", "", controls, name=f"Foley: {name}", layered=False)
        desk.host.write(
            Change(
                token=view.token,
                undo_title="Foley: place this sound",
                new_items=(replace(new, layer=None),),
                expect_item=item,
                **start.score_change(desk),  # pyright: ignore[reportArgumentType]
            )
        )
    told = asides.unread(desk, start.frame, start.marks) + making.notes
    return f"'{name}' placed on {counted(len(asked), 'onset')} of '{item.name}'{told}."


PLACED_RATE_HZ = 48000
"""Rate of placed sounds where the project's own is not wished for."""


def heard_of(made: Made) -> Reference | None:
    """The example sound that a render follows."""
    return made.recipe.request.reference


def _begin(desk: Desk, context: Context, view: ProjectView, item: ItemView, controls: Controls) -> _Start:
    whole = choose.clip_of(item)
    span = choose.within(view, whole)
    frame = whole if span is None else whole.sub(whole.position_s + span[0], whole.position_s + span[1])
    marks = score.markers_of(view, item, whole, in_take=desk.wishes.take_markers)
    asked = score.onsets_in(frame, marks, view.regions)
    known = seen.load(view.score)
    found: dict[str, Onset] = {}
    one = None
    if not asked:
        one = onsets.look(desk, context, whole, span, known.get(item.guid), 0.0, LOOKING)
        found = onsets.above(one, whole, span)
        left = span[0] if span else 0.0
        asked = tuple(replace(onset, time_s=max(0.0, onset.time_s - left), confidence=1.0) for onset in found.values())
    elif controls.follow > 0.0 and item.guid not in known:
        one = onsets.look(desk, context, whole, None, None, 0.0, LOOKING)
    if not asked:
        raise RequestError(
            f"No onsets were found in '{item.name}', and no marker named 'foley' stands in it",
            hint="Put a marker named 'foley' at each event and press the key again",
        )
    return _Start(
        view=view,
        item=item,
        whole=whole,
        frame=frame,
        span=span,
        marks=marks,
        onsets=asked,
        found=found,
        seen=one,
        known=known,
    )


def _sounding(start: _Start, controls: Controls) -> tuple[Onset, ...]:
    one = start.seen or start.known.get(start.item.guid)
    motion = level.Motion(one, start.frame) if one is not None and controls.follow > 0.0 else None
    return level.sounding(start.onsets, start.frame, controls, motion, ())


def _new_item(
    start: _Start, made: Made, words: str, set_id: str, controls: Controls, *, name: str, layered: bool
) -> NewItem:
    fade_s = EDGE_FADE_S if start.span else 0.0
    return NewItem(
        below_track_guid=start.item.track_guid,
        track_name=name,
        video_item_guid=start.item.guid,
        position_s=start.frame.position_s,
        length_s=start.frame.length_s,
        audio_path=str(made.path),
        take_name=made.path.stem,
        recipe=made.recipe.to_json(),
        folder=f"Foley: {start.item.name}" if layered else "",
        layer=words,
        set_id=set_id,
        controls=controls.to_json(),
        fade_in_s=fade_s,
        fade_out_s=fade_s,
    )


def _named(words: str, reference: Reference | None) -> str:
    return f"Foley: {words if reference is None else Path(reference.path).name}"


def _to_place(view: ProjectView) -> Reference:
    """The project's reference, else the selected item's sound."""
    reference = settings.project_reference(view)
    if reference is not None:
        return reference
    if view.selected is not None and not view.selected.foley and all(not item.selected for item in view.items):
        return settings.selected_reference(view)
    raise RequestError(
        "There is no sound to place", hint="Select an item with one and press Use selected item as reference"
    )
