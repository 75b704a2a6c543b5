"""The verbs that make a new take of foley that exists: variations, again, exactly again; and what belongs to takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.domain.wording import counted
from bridge.engine.patches import only_within
from bridge.errors import BridgeError, HostGone, MediaError, RequestError
from bridge.host.base import Change, FoleyItemView, NewItem, NewTake
from bridge.jobs import asides, choose, score, settings
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.making import Made, Making
from bridge.jobs.runner import Context
from bridge.jobs.work import Work, check_words, existing, recorded, request_for, resized, samples_of, words_of

LITTLE, LOT = 0.25, 0.6
"""How far *vary a little* and *vary a lot* turn the noise, of a quarter turn."""
MOST_MIXED = 24
"""So many times a take can be varied on; after that its noise begins anew."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """Takes to make: what, for which layer (None: a new one, of these words), and how it keeps to the take before."""

    requests: tuple[Request, ...]
    controls: Controls
    words: str = ""
    layer: FoleyItemView | None = None
    before: Recipe | None = None
    keeps: bool = False


def variation(desk: Desk, context: Context, key: KeyPress) -> str:
    """*New variation*: new takes with other seeds, from the markers as they stand."""
    return _vary(desk, context, key, None)


def little(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Vary a little*: new takes close to the active one."""
    return _vary(desk, context, key, LITTLE)


def lot(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Vary a lot*: new takes farther from the active one."""
    return _vary(desk, context, key, LOT)


def again(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Make again from markers*: new takes in which only the neighbourhood of what changed differs."""
    view = desk.read(key)
    work = existing(desk, view)
    asked, ignored = _again(desk, context, work, " ".join(key.prompt.split()))
    if not asked:
        told = asides.unread(desk, work.frame, work.marks)
        return f"Nothing changed in '{work.item.name}' since this take was made{told}."
    made, notes = _make(desk, context, work, asked, "Foley: make again from markers")
    told = asides.unread(desk, work.frame, work.marks)
    return (
        f"{_counted(work)} made again for '{work.item.name}'{_takes(work, made)}"
        f"{asides.left_out(ignored)}{told}{notes}."
    )


def live(desk: Desk, context: Context, key: KeyPress) -> str:
    """What *live mode* does when the score changed: again, in the take that live mode owns; every video with foley."""
    try:
        view = desk.read(key)
    except HostGone:  # closed, or REAPER is another: live mode has ended with it
        desk.live.switch(key.project, on=False)
        return ""
    done, troubles = 0, list[BridgeError]()
    for guid in dict.fromkeys(item.video_item_guid for item in view.foley_items):
        made = [item for item in view.foley_items if item.video_item_guid == guid]
        newest = [item for item in made if item.set_id == made[0].set_id] if made[0].set_id else made[:1]
        chosen = replace(
            view,
            foley_items=tuple(replace(item, selected=True) for item in newest),
            selection_start_s=0.0,
            selection_end_s=0.0,
        )
        try:
            work = existing(desk, chosen)
            asked, _ = _again(desk, context, work, "")
            if asked:
                _make(desk, context, work, asked, "Foley: live", live=True)
                done += 1
                view = desk.read(key)
        except (RequestError, MediaError) as error:  # the other videos still follow
            troubles.append(error)
    if troubles and not done:
        raise troubles[0]
    told = "".join(f" {error.sentence}" for error in troubles if desk.once(error.sentence))
    return ("Live: the sound follows the markers." if done else "") + told


def exactly(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Make exactly again*: the active takes from their recipes alone, as new takes with the same bytes."""
    view = desk.read(key)
    work = recorded(view)
    folder = choose.audio_folder(view, work.item.name)
    with Making(desk, context, view, work.item, work.frame, folder) as making:
        takes: list[NewTake] = []
        for number, (layer, before) in enumerate(work.layers):
            progress = _share(context, number, len(work.layers), work)
            takes += _new_takes(work, layer, making.exactly(before, progress=progress))
        desk.host.write(
            Change(
                token=view.token,
                undo_title="Foley: make exactly again",
                new_takes=tuple(takes),
            )
        )
    return f"Made exactly again from the recipe for '{work.item.name}' ({counted(len(takes), 'take')}){making.notes}."


def keep(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Keep this take*: only the active take of each layer stays; the sound files of the others do too."""
    view = desk.read(key)
    layers = choose.foley_items(view)
    several = [item for item, _ in layers if item.takes > 1]
    if not several:
        return f"There is only one take: '{Path(layers[0][0].audio_path).stem}'."
    desk.host.write(
        Change(
            token=view.token,
            undo_title="Foley: keep this take",
            keep_takes=tuple(item.guid for item in several),
        )
    )
    names = " and ".join(f"'{Path(item.audio_path).stem}'" for item in several[:3])
    return f"Kept {names}; {counted(sum(item.takes - 1 for item in several), 'take')} gone (their files stay)."


def _vary(desk: Desk, context: Context, key: KeyPress, amount: float | None) -> str:
    """New takes; ``amount`` of noise is mixed in, or what the controls say and a new seed if that is all of it."""
    view = desk.read(key)
    work = existing(desk, view)
    onsets = work.onsets()
    reference = settings.project_reference(view)
    default = key.prompt or view.prompt
    asked: list[_Asked] = []
    ignored: tuple[str, ...] = ()
    for layer, before in work.layers:
        old, controls = before.request, work.controls(layer)
        fresh = amount is None and not layer.layer and not before.placed
        typed = "" if layer.layer or before.placed else key.prompt
        prompt = words_of(typed or (view.prompt if fresh else "") or old.prompt, work.item, old.reference or reference)
        default = default if layer.layer else prompt
        request, left_out = _following(desk, context, work, layer, before, onsets, prompt, default)
        ignored += left_out
        request = replace(request, reference=reference if fresh else old.reference)
        turn = controls.variation if amount is None else amount
        if turn == 0.0 or (before.placed and controls.variation == 0.0):
            raise RequestError(
                f"The control 'variation' of '{_track_name(work, layer)}' is 0, so another take would be the same",
                hint="Press Controls and raise it",
            )
        requests = tuple(_turned(request, desk.new_seed(), turn) for _ in range(controls.takes))
        asked.append(_Asked(layer=layer, before=before, requests=requests, controls=controls, keeps=False))
    _some_onsets(work, onsets)
    joining, left_out = _joining(desk, context, work, onsets, default, desk.new_seed)
    asked, ignored = asked + joining, ignored + left_out
    titles = {None: "Foley: new variation", LITTLE: "Foley: vary a little", LOT: "Foley: vary a lot"}
    made, notes = _make(desk, context, work, asked, titles[amount])
    prompt = asked[0].requests[0].prompt or "the reference"
    told = asides.left_out(ignored) + asides.unread(desk, work.frame, work.marks) + notes
    how = {None: "made as a new variation", LITTLE: "varied a little", LOT: "varied a lot"}[amount]
    return f"{_counted(work)} {how} of '{prompt}' for '{work.item.name}'{_takes(work, made)}{told}."


def _counted(work: Work) -> str:
    """The onsets that a key press was about: of the layers that are meant, and in the time selection."""
    meant = {layer.layer for layer, _ in work.layers}
    there = {layer.layer for layer in work.together()}
    onsets = work.onsets()
    if there != meant:
        onsets = tuple(onset for onset in onsets if score.layer_of(onset, "", there) in meant)
    if work.span is None:
        return counted(len(onsets), "onset")
    start_s, end_s = work.span
    number = sum(start_s <= onset.time_s < end_s for onset in onsets)
    at_s = work.frame.position_s
    return f"{counted(number, 'onset')} from {at_s + start_s:.3f} to {at_s + end_s:.3f} s"


def _track_name(work: Work, layer: FoleyItemView) -> str:
    track = choose.track_of(work.view, layer.track_guid)
    return track.name if track else "this track"


def _turned(request: Request, seed: int, amount: float) -> Request:
    if amount >= 1.0 or len(request.mix) >= MOST_MIXED:
        return replace(request, seed=seed, mix=())
    return replace(request, mix=(*request.mix, (seed, round(amount, 4))))


def _again(desk: Desk, context: Context, work: Work, typed: str) -> tuple[list[_Asked], tuple[str, ...]]:
    """The takes to make so that every layer follows the score; and words that are left out."""
    onsets = work.onsets()
    default = typed or next((before.request.prompt for layer, before in work.layers if not layer.layer), "")
    default = default or work.view.prompt
    asked: list[_Asked] = []
    ignored: tuple[str, ...] = ()
    for layer, before in work.layers:
        old = before.request
        mine = "" if layer.layer or before.placed else typed
        prompt = words_of(mine or old.prompt, work.item, old.reference)
        request, left_out = _following(desk, context, work, layer, before, onsets, prompt, default)
        ignored += left_out
        if work.span:
            request = only_within(request, old, samples_of(work.span, request))
        varied = before.placed and before.controls.get("variation", 1.0) != work.controls(layer).variation
        if varied or request.digest() != old.digest() or not os.path.isfile(layer.audio_path):
            controls = work.controls(layer)
            asked.append(_Asked(layer=layer, before=before, requests=(request,), controls=controls, keeps=True))
    _some_onsets(work, onsets)
    seed = work.layers[0][1].request.seed
    joining, left_out = _joining(desk, context, work, onsets, default, lambda: seed)
    return asked + joining, ignored + left_out


def _following(
    desk: Desk,
    context: Context,
    work: Work,
    layer: FoleyItemView,
    before: Recipe,
    onsets: tuple[Onset, ...],
    prompt: str,
    default: str,
) -> tuple[Request, tuple[str, ...]]:
    """What a take's request becomes as the score and the controls stand now; and words that are left out.

    Args:
        onsets: the score's. prompt: the layer's words. default: those of onsets that have none.
    """
    old = before.request
    if layer.layer is not None:
        there = {other.layer for other in work.together()}
        onsets = score.layers(onsets, default, there).get(layer.layer, ())
    elif before.placed:
        onsets = tuple(replace(onset, prompt="") for onset in onsets)
    ignored: tuple[str, ...] = ()
    guidance = old.guidance
    if not before.placed:
        ignored = check_words(desk.engine(), work.frame, onsets, prompt)
        guidance = work.controls(layer).guidance or None
    sounding = work.sounding(desk, context, layer, onsets)
    request = replace(old, onsets=score.settled(sounding, old.onsets), prompt=prompt, guidance=guidance)
    return resized(request, old, work.frame), ignored


def _joining(
    desk: Desk, context: Context, work: Work, onsets: tuple[Onset, ...], default: str, new_seed: Callable[[], int]
) -> tuple[list[_Asked], tuple[str, ...]]:
    """Layers to make for words that have no track yet, where all layers are meant; and words that are left out."""
    first, _ = work.layers[0]
    there = {layer.layer for layer in work.together()}
    asked: list[_Asked] = []
    ignored: tuple[str, ...] = ()
    if not first.set_id or None in there or len(work.together()) > len(work.layers):
        return asked, ignored
    start_s, end_s = work.span or (0.0, work.frame.length_s)
    inside = [onset for onset in onsets if start_s <= onset.time_s < end_s]
    controls = work.controls(first)
    for words, mine in score.layers(inside, default, there).items():
        if words in there:
            continue
        named = tuple(onset for onset in inside if score.layer_of(onset, default, there) == words)
        ignored += check_words(desk.engine(), work.frame, named, "")
        request = request_for(
            desk.engine(),
            desk,
            work.view,
            work.frame,
            onsets=work.sounding(desk, context, first, mine),
            prompt=words or default,
            seed=new_seed(),
            guidance=controls.guidance or None,
        )
        asked.append(_Asked(words=words, requests=(request,), controls=controls))
    return asked, ignored


def _some_onsets(work: Work, onsets: tuple[Onset, ...]) -> None:
    if not onsets:
        raise RequestError(
            f"No marker named 'foley' stands in '{work.item.name}' any more",
            hint="Press Find onsets, or put markers named 'foley', and press the key again",
        )


def _make(
    desk: Desk, context: Context, work: Work, asked: list[_Asked], title: str, *, live: bool = False
) -> tuple[int, str]:
    """Makes all takes and writes them as one undo step; (how many, what to tell besides)."""
    view = work.view
    folder = choose.audio_folder(view, work.item.name)
    total = sum(len(one.requests) for one in asked)
    with Making(desk, context, view, work.item, work.frame, folder) as making:
        takes: list[NewTake] = []
        items: list[NewItem] = []
        number = 0
        for one in asked:
            for request in one.requests:
                progress = _share(context, number, total, work)
                number += 1
                if one.layer is None or one.before is None:
                    made = making.fresh(request, controls=one.controls, found_by={}, progress=progress)
                    items.append(_new_layer(work, one, made))
                    continue
                made = making.changed(
                    request,
                    one.layer,
                    one.before,
                    span=work.span,
                    controls=one.controls,
                    found_by=_found_by(one.before, request),
                    keeps=one.keeps,
                    progress=progress,
                )
                takes += _new_takes(work, one.layer, made, live=live)
        desk.host.write(
            Change(
                token=view.token,
                undo_title=title,
                new_takes=tuple(takes),
                new_items=tuple(items),
                score=work.score_change(),
                expect_item=work.item,
            )
        )
    return total, making.notes


def _found_by(before: Recipe, request: Request) -> Mapping[str, str]:
    same = [onset.time_s for onset in request.onsets] == [onset.time_s for onset in before.request.onsets]
    return before.found_by if same else {}


def _new_takes(work: Work, layer: FoleyItemView, made: Made, *, live: bool = False) -> list[NewTake]:
    """A take for every item that a layer was split into."""
    return [_new_take(work, item, made, live=live) for item in choose.parts_of_layer(work.view, layer, work.frame)]


def _new_take(work: Work, layer: FoleyItemView, made: Made, *, live: bool) -> NewTake:
    return NewTake(
        item_guid=layer.guid,
        audio_path=str(made.path),
        take_name=made.path.stem,
        recipe=made.recipe.to_json(),
        position_s=work.frame.position_s,
        live=live,
        replaces=layer.take_guid if live and layer.live else "",
    )


def _new_layer(work: Work, asked: _Asked, made: Made) -> NewItem:
    first = work.layers[0][0]
    return NewItem(
        below_track_guid=first.track_guid,
        track_name=f"Foley: {asked.requests[0].prompt}",
        video_item_guid=work.item.guid,
        position_s=work.frame.position_s,
        length_s=work.frame.length_s,
        audio_path=str(made.path),
        take_name=made.path.stem,
        recipe=made.recipe.to_json(),
        folder=f"Foley: {work.item.name}",
        layer=asked.words,
        set_id=first.set_id,
        controls=asked.controls.to_json(),
    )


def _share(context: Context, number: int, total: int, work: Work) -> Callable[[float], None]:
    share = 0.95 / total
    return context.part(number * share, (number + 1) * share, f"Making sound for '{work.item.name}'")


def _takes(work: Work, made: int) -> str:
    if len(work.layers) == 1 and made == 1:
        layer, _ = work.layers[0]
        return f" (take {layer.takes + 1})"
    return f" ({counted(made, 'take')})"
