"""The verbs that remember something: prompt, reference, controls; and the one that tells how a take was made."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from bridge.domain import stored
from bridge.domain.controls import TITLES, Controls
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.errors import PackError, RequestError
from bridge.host.base import Change, ProjectView, TrackControls
from bridge.jobs import asides, choose, examples, reach
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.runner import Context
from bridge.media import reference as sounds


def set_prompt(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Set prompt*: checks the words and remembers them in the project; they take a reference's place."""
    prompt = " ".join(key.prompt.split())
    view = desk.read(key)
    ignored = desk.engine().check_prompt(prompt)
    forget = "" if view.reference else None
    desk.host.write(Change(token=view.token, undo_title="Foley: set prompt", prompt=prompt, reference=forget))
    instead = "; the reference is forgotten" if view.reference else ""
    return f"The prompt is '{prompt}'{instead}{asides.left_out(ignored)}."


def use_reference(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Use selected item as reference*: the visible part of the one selected item says what is wanted."""
    view = desk.read(key)
    found = selected_reference(view)
    deaf = ""
    try:
        desk.engine().check_reference(found)
    except (RequestError, PackError) as error:  # placing it needs no pack
        deaf = f" (only Place this sound can use it: {error.message})"
    kept = examples.brought_in(context, view, found)
    desk.host.write(
        Change(token=view.token, undo_title="Foley: use item as reference", reference=json.dumps(asdict(kept)))
    )
    part = f"{found.length_s:.2f} s from {found.start_s:.2f} s on"
    copied = "" if kept == found else ", copied into the project"
    return f"The reference is '{Path(found.path).name}', {part}{copied}{deaf}."


def forget_reference(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Forget the reference*: the prompt says again what is wanted."""
    view = desk.read(key)
    if not view.reference:
        return "There is no reference; the prompt says what is wanted."
    desk.host.write(Change(token=view.token, undo_title="Foley: forget the reference", reference=""))
    return (
        f"The reference is forgotten; the prompt is '{view.prompt}'." if view.prompt else "The reference is forgotten."
    )


def set_controls(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Controls*: remembers them with the track that they were typed for, else for tracks to come."""
    controls = Controls.typed(key.prompt)
    view = desk.read(key)
    track = choose.track_of(view, key.mouse_track_guid)
    said = ", ".join(f"{TITLES[name]} {value:g}" for name, value in controls.to_table().items())
    if track is None:
        desk.host.write(Change(token=view.token, undo_title="Foley: controls", controls=controls.to_json()))
        return f"Controls of tracks to come: {said}."
    stored = TrackControls(track_guid=track.guid, controls=controls.to_json())
    desk.host.write(Change(token=view.token, undo_title="Foley: controls", track_controls=(stored,)))
    return f"Controls of '{track.name}': {said}. They are in force when its sound is made the next time."


def show_recipe(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Show recipe*: prints how the active takes were made."""
    view = desk.read(key)
    found = choose.foley_items(view)
    desk.host.show("\n\n".join(_printed(Path(item.audio_path).name, recipe) for item, recipe in found))
    return f"The recipe of '{Path(found[0][0].audio_path).name}' is in the console."


def selected_reference(view: ProjectView) -> Reference:
    """The visible part of the one selected item as a reference.

    Raises:
        RequestError: not one item is selected, or it has no file. MediaError: the file cannot be read.
    """
    item = view.selected
    if item is None:
        raise RequestError("Not one item with a sound file is selected", hint="Select the one whose sound is wanted")
    if item.offline or not os.path.isfile(item.source_path):
        raise RequestError(
            f"The file of '{item.name}' is offline or missing: {item.source_path or 'no file'}",
            hint="Bring the media online or select another item",
        )
    found = sounds.named(item.source_path, start_s=item.start_s, length_s=item.length_s)
    sounds.read(found)
    return found


def project_reference(view: ProjectView) -> Reference | None:
    """The reference that the project remembers; None if it remembers none.

    Raises:
        RequestError: what it remembers cannot be read, or lies outside the project. MediaError: it is no file.
    """
    if not view.reference:
        return None
    try:
        table = stored.loads(view.reference)
        if not stored.fitting(Reference, table):
            raise ValueError("a field is missing, unknown or of another kind")
        found = Reference(**table)
    except (ValueError, RequestError) as error:
        raise RequestError(
            "The reference that the project remembers cannot be read",
            hint="Select an item and press Use selected item as reference",
        ) from error
    return reach.reference_here(view, found, reach.own(view), hint=reach.CHOOSE)


def _printed(name: str, recipe: Recipe) -> str:
    """A recipe for people: one line for each thing, the long ones last."""
    table = recipe.to_table()
    asked = table.pop("request")
    onsets = asked.pop("onsets")
    lines = [f"Foley Bridge: recipe of {name}"]
    lines += [
        f"  {key}: {_value(value)}" for key, value in {**asked, **table}.items() if value not in (None, "", (), {}, [])
    ]
    lines += [f"  {len(onsets)} onsets (seconds in the item, level, words):"]
    lines += [f"    {o['time_s']:9.3f}  {o['strength']:.2f}  {o['prompt']}".rstrip() for o in onsets]
    return "\n".join(lines)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
