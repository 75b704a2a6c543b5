"""What each key does: read the project once, work with nothing held, write once.

Every verb is a function of a ``Desk`` (the host, the engine and a source of seeds), a job's context and the key press;
it returns the sentence that tells the designer how it ended, or raises a BridgeError with the project unchanged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.domain.wording import counted
from bridge.engine.engine import Engine
from bridge.errors import HostUnsure, MediaError, RequestError
from bridge.host.base import SAME_S, Change, Host, ItemView, NewItem, NewTake, ProjectView
from bridge.jobs import choose, score
from bridge.jobs.runner import Context
from bridge.media import wav

log = logging.getLogger(__name__)

NAMED_LEVELS = 3
"""So many levels that are none, and names that are nearly onsets, are told in a sentence."""


@dataclass(frozen=True, kw_only=True)
class KeyPress:
    """What only the moment of the key press knows.

    Attributes:
        cursor_s: edit cursor, project time; None takes the host's own.
        mouse_track_guid: track under the mouse, "" if none.
        prompt: words typed just now, "" if none.
        project: names the tab in which the key was pressed; "" takes the one in front.
    """

    cursor_s: float | None = None
    mouse_track_guid: str = ""
    prompt: str = ""
    project: str = ""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the verbs work with.

    Attributes:
        host: the project. engine: opens the models when first called. new_seed: gives a seed for a new variation.
        threshold: activation at which a peak becomes a marker; None takes the pack's own.
    """

    host: Host
    engine: Callable[[], Engine]
    new_seed: Callable[[], int]
    threshold: float | None = None

    def read(self, key: KeyPress) -> ProjectView:
        """The project as it stands."""
        return self.host.read(cursor_s=key.cursor_s, mouse_track_guid=key.mouse_track_guid, project=key.project)


def detect(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Find onsets*: markers at the onsets of the item's visible part; only the bridge's own are replaced."""
    view = desk.read(key)
    item = choose.video_item(view)
    clip = choose.clip_of(item)
    desk.engine().check_clip(clip)
    onsets = _find(desk, context, clip, 0.0, 1.0)
    if not onsets:
        return f"No onsets were found in '{item.name}'; the markers are unchanged."
    old = score.markers_in(clip, view.markers)
    desk.host.write(
        Change(
            token=view.token,
            undo_title="Foley: find onsets",
            delete_markers=tuple(marker.guid for marker in old),
            add_markers=score.new_markers(clip, onsets),
            expect_item=item,
        )
    )
    replaced = f", replacing {len(old)}" if old else ""
    return f"{counted(len(onsets), 'onset')} found in '{item.name}'{replaced}."


def generate(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Generate*: a new track below the video's with one item that fits it, made from the markers."""
    view = desk.read(key)
    item = choose.video_item(view)
    clip = choose.clip_of(item)
    folder = choose.audio_folder(view, item)
    prompt = _prompt(key.prompt or view.prompt, item)
    engine = desk.engine()
    ignored = engine.check_prompt(prompt)
    engine.check_clip(clip)
    onsets = score.onsets_in(clip, view.markers)
    found: tuple[Onset, ...] = ()
    if not onsets:
        onsets = found = _find(desk, context, clip, 0.0, 0.3)
    if not onsets:
        raise RequestError(
            f"No onsets were found in '{item.name}', and no marker named 'foley' stands in it",
            hint="Put a marker named 'foley' at each event and press the key again",
        )
    ignored += _check_prompts(engine, clip, onsets)
    request = _request(engine, clip, onsets, prompt, desk.new_seed())
    audio = engine.render(
        request, progress=context.part(0.3, 0.95, f"Making sound for '{item.name}'"), cancelled=context.cancelled
    )
    recipe = engine.recipe(request, clip, video_item_guid=item.guid, found_by=engine.found_by if found else {})
    with _saved(folder, item, request, audio, recipe) as path:
        desk.host.write(
            Change(
                token=view.token,
                undo_title="Foley: generate",
                add_markers=score.new_markers(clip, found),
                new_items=(
                    NewItem(
                        below_track_guid=item.track_guid,
                        track_name=f"Foley: {prompt}",
                        video_item_guid=item.guid,
                        position_s=item.position_s,
                        length_s=item.length_s,
                        audio_path=str(path),
                        take_name=path.stem,
                        recipe=recipe.to_json(),
                    ),
                ),
                prompt=prompt,
                expect_item=item,
            )
        )
    asides = _left_out(ignored) + _unread(clip, view)
    return f"{counted(len(onsets), 'onset')} sounded for '{item.name}' as '{prompt}'{asides}."


def variation(desk: Desk, context: Context, key: KeyPress) -> str:
    """*New variation*: a new take with another seed, from the markers as they stand."""
    return _take(desk, context, key, again=False)


def again(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Make again from markers*: a new take in which only the neighbourhood of what changed differs."""
    return _take(desk, context, key, again=True)


def set_prompt(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Set prompt*: checks the words and remembers them in the project."""
    prompt = " ".join(key.prompt.split())
    view = desk.read(key)
    ignored = desk.engine().check_prompt(prompt)
    desk.host.write(Change(token=view.token, undo_title="Foley: set prompt", prompt=prompt))
    return f"The prompt is '{prompt}'{_left_out(ignored)}."


VERBS: dict[str, Callable[[Desk, Context, KeyPress], str]] = {
    "detect": detect,
    "generate": generate,
    "variation": variation,
    "again": again,
    "prompt": set_prompt,
}
"""Every verb that is a job, by its name on the wire."""


def _take(desk: Desk, context: Context, key: KeyPress, *, again: bool) -> str:
    """A new take; made again it keeps seed and words of the take, a variation has the project's words."""
    view = desk.read(key)
    foley, before = choose.foley_item(view)
    item = _video_of(view, foley.video_item_guid, before)
    folder = choose.audio_folder(view, item)
    clip = choose.clip_of(item)
    old = before.request
    prompt = _prompt(key.prompt or (old.prompt if again else view.prompt or old.prompt), item)
    engine = desk.engine()
    ignored = engine.check_prompt(prompt)
    onsets = score.settled(score.onsets_in(clip, view.markers), old.onsets)
    if not onsets:
        raise RequestError(
            f"No marker named 'foley' stands in '{item.name}' any more",
            hint="Press Find onsets, or put markers named 'foley', and press the key again",
        )
    ignored += _check_prompts(engine, clip, onsets)
    request = _request(engine, clip, onsets, prompt, old.seed if again else desk.new_seed())
    if abs(request.length_samples - old.length_samples) == 1:
        request = replace(request, length_samples=old.length_samples)
    progress = context.part(0.0, 0.95, f"Making sound for '{item.name}'")
    unread = _unread(clip, view)
    if again and request.digest() == old.digest() and Path(foley.audio_path).is_file():
        return f"Nothing changed in '{item.name}' since this take was made{unread}."
    kept = ""
    if again and (previous := _previous(foley.audio_path, before, engine)) is not None:
        audio = engine.remake(
            request, previous_request=old, previous=previous, progress=progress, cancelled=context.cancelled
        )
        kept = old.digest()
    else:
        audio = engine.render(request, progress=progress, cancelled=context.cancelled)
    same = [onset.time_s for onset in onsets] == [onset.time_s for onset in old.onsets]
    found_by = before.found_by if same else {}
    recipe = engine.recipe(request, clip, video_item_guid=item.guid, previous_digest=kept, found_by=found_by)
    with _saved(folder, item, request, audio, recipe) as path:
        desk.host.write(
            Change(
                token=view.token,
                undo_title="Foley: make again from markers" if again else "Foley: new variation",
                new_takes=(
                    NewTake(
                        item_guid=foley.guid,
                        audio_path=str(path),
                        take_name=path.stem,
                        recipe=recipe.to_json(),
                        position_s=clip.position_s,
                    ),
                ),
                expect_item=item,
            )
        )
    asides = _left_out(ignored) + unread
    what = "made again" if again else f"made as a new variation of '{prompt}'"
    return f"{counted(len(onsets), 'onset')} {what} for '{item.name}' (take {foley.takes + 1}){asides}."


def _find(desk: Desk, context: Context, clip: Clip, start: float, end: float) -> tuple[Onset, ...]:
    detection = desk.engine().detect(
        clip,
        progress=context.part(start, end, f"Finding onsets in '{clip.name}'"),
        cancelled=context.cancelled,
        threshold=desk.threshold,
    )
    return score.as_marked(detection.onsets)


def _prompt(words: str, item: ItemView) -> str:
    prompt = " ".join(words.split())
    if not prompt:
        raise RequestError(
            f"The prompt for '{item.name}' is empty",
            hint="Press Set prompt and say what should be heard, e.g. 'wood'",
        )
    return prompt


def _check_prompts(engine: Engine, clip: Clip, onsets: tuple[Onset, ...]) -> tuple[str, ...]:
    """Words of the onsets' own prompts that are left out; raises RequestError that names the marker."""
    ignored: list[str] = []
    for onset in onsets:
        if onset.prompt:
            try:
                ignored += engine.check_prompt(onset.prompt)
            except RequestError as error:
                at_s = clip.position_s + onset.time_s
                raise RequestError(
                    f"Marker '{onset.prompt}' at {at_s:.3f} s: {error.message}", hint=error.hint
                ) from error
    return tuple(ignored)


def _left_out(words: tuple[str, ...]) -> str:
    return f" (not understood: {', '.join(dict.fromkeys(words))})" if words else ""


def _unread(clip: Clip, view: ProjectView) -> str:
    """What to say of levels in markers' names that nobody understands, and of names that are nearly onsets."""
    levels = _some(score.unread_levels(clip, view.markers))
    names = _some(score.left_alone(clip, view.markers))
    said = f" (no level, so at full level: {levels}; write @0.5 or @-6dB)" if levels else ""
    return said + (f" (no onset for want of a colon: {names}; write 'foley: words @0.5')" if names else "")


def _some(found: tuple[tuple[str, float], ...]) -> str:
    """The first few of what markers say, each with its place."""
    shown = ", ".join(f"'{text}' at {position_s:.3f} s" for text, position_s in found[:NAMED_LEVELS])
    return shown + (", ..." if len(found) > NAMED_LEVELS else "")


def _request(engine: Engine, clip: Clip, onsets: tuple[Onset, ...], prompt: str, seed: int) -> Request:
    rate_hz = engine.rate_hz
    return Request(
        length_samples=clip.length_samples(rate_hz), rate_hz=rate_hz, onsets=onsets, prompt=prompt, seed=seed
    )


def _video_of(view: ProjectView, guid: str, before: Recipe) -> ItemView:
    item = next((item for item in view.items if item.guid == guid), None)
    if item is None:
        raise RequestError(
            f"The video that this foley was made for ('{Path(before.source_path).name}') is not under the edit cursor",
            hint="Put the edit cursor over both and press the key again, or press Generate",
        )
    now = choose.clip_of(choose.online(item))
    if any(abs(getattr(now, key) - before.time_map.get(key, 0.0)) > SAME_S for key in ("position_s", "length_s")):
        raise RequestError(
            f"'{item.name}' was moved or trimmed since this foley was made",
            hint="Press Generate for a new track that fits it",
        )
    return item


def _previous(path: str, before: Recipe, engine: Engine) -> Audio | None:
    """The sound of the active take, if it is whole and of the same pack."""
    if before.pack_digest != engine.pack_digest:
        return None
    try:
        audio = wav.read(path)
    except MediaError as error:
        log.warning("made again from nothing: %s", error.sentence)
        return None
    fits = audio.length_samples == before.request.length_samples and audio.rate_hz == before.request.rate_hz
    return audio if fits else None


@contextmanager
def _saved(folder: Path, item: ItemView, request: Request, audio: Audio, recipe: Recipe) -> Iterator[Path]:
    """The sound on disk for the length of a write; gone again if the write is refused, so that nothing is left over."""
    slug = "-".join(re.findall(r"[\w]+", request.prompt.lower()))[:40]
    stem = re.sub(r"[^\w.-]+", "_", Path(item.source_path).stem)[:60]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"The folder {folder} cannot be made: {error.strerror}", hint="Make the project's media folder writable"
        ) from error
    path = wav.write(folder / f"{stem} {slug} {request.seed}.wav", audio, provenance=recipe.to_table())
    try:
        yield path
    except HostUnsure:
        raise
    except BaseException:
        path.unlink(missing_ok=True)
        raise
