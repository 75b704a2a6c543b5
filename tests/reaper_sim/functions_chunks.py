"""API: state chunks of tracks, items and envelopes: the blocks of a project file, for one object.

Convention: setting a chunk keeps the pointer of the object itself; what lies in it (items, takes, sources, envelopes)
is made anew and gets new pointers. A chunk that is not one whole block of the right kind changes nothing. Media paths
in chunks are absolute. What the simulated blocks do not hold is carried over, as a real chunk would hold it.
"""

from __future__ import annotations

from . import rpp, rpp_items
from .app import App
from .envelopes import KINDS, Envelope
from .ft import Text, api
from .model import Item, Track
from .rpp_text import Block, parse_chunk


def _give(block: Block, chunk: Text) -> bool:
    text = "\n".join(line.strip() for line in block.text(0)) + "\n"
    chunk.set(text)
    return len(text.encode()) < chunk.size


@api("GetTrackStateChunk")
def get_track_state_chunk(app: App, track: Track, chunk: Text, size: int, is_undo: bool) -> bool:
    return _give(rpp.track_block(track, None), chunk)


@api("SetTrackStateChunk")
def set_track_state_chunk(app: App, track: Track, chunk: str, is_undo: bool) -> bool:
    block = parse_chunk(chunk, "TRACK")
    if block is None:
        return False
    fresh = Track(track.project, track.guid, values=dict(track.values))
    rpp.read_track(fresh, block, None, app.outside)
    before = {item.guid: item for item in track.items}
    for item in fresh.items:
        if item.guid in before:
            rpp_items.carry_over(item, before[item.guid])
    track.guid, track.values, track.texts = fresh.guid, fresh.values, fresh.texts
    track.items, track.envelopes = fresh.items, fresh.envelopes
    for part in (*track.items, *track.envelopes):
        part.track = track
    track.project.touch()
    return True


@api("GetItemStateChunk")
def get_item_state_chunk(app: App, item: Item, chunk: Text, size: int, is_undo: bool) -> bool:
    return _give(rpp_items.dump_item(item, None), chunk)


@api("SetItemStateChunk")
def set_item_state_chunk(app: App, item: Item, chunk: str, is_undo: bool) -> bool:
    block = parse_chunk(chunk, "ITEM")
    if block is None:
        return False
    fresh = Item(item.track, item.guid)
    rpp_items.read_item(fresh, block, None, app.outside)
    rpp_items.carry_over(fresh, item)
    item.guid, item.values, item.texts, item.takes = fresh.guid, fresh.values, fresh.texts, fresh.takes
    for take in item.takes:
        if take is not None:
            take.item = item
    item.track.sort_items()
    item.track.project.touch()
    return True


@api("GetEnvelopeStateChunk")
def get_envelope_state_chunk(app: App, envelope: Envelope, chunk: Text, size: int, is_undo: bool) -> bool:
    return _give(envelope.block(), chunk)


@api("SetEnvelopeStateChunk")
def set_envelope_state_chunk(app: App, envelope: Envelope, chunk: str, is_undo: bool) -> bool:
    block = parse_chunk(chunk, envelope.name)
    if block is None or envelope.name not in KINDS:
        return False
    envelope.read(block)
    envelope.track.project.touch()
    return True
