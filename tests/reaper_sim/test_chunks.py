"""State chunks of tracks, items and envelopes, as scripts read, change and set them."""

from __future__ import annotations

from pathlib import Path

from .client import SimReaper
from .conftest import Answer

BLOCK = (
    "<VOLENV2\\nEGUID {11111111-2222-3333-4444-555555555555}\\nACT 1 -1\\nVIS 1 1 1\\nLANEHEIGHT 0 0\\nARM 1\\n"
    "DEFSHAPE 0 -1 -1\\nVOLTYPE 1\\nPT 0 1 0\\nPT 2 0.5 0\\n>\\n"
)


def test_track_chunk_when_an_envelope_is_put_in_then_created_and_the_rest_stays(
    reaper: SimReaper, answer: Answer, video: Path, sound: Path
) -> None:
    reaper.place_video(video, 1.0, section=(0.25, 0.5), reverse=True)
    track = reaper.items()[0]["track"]
    reaper.place_video(sound, 3.0, play_rate=0.5, track=track)
    answer("""
        track = RPR_GetTrack(0, 0)
        RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley", "ours", 1)
        take = RPR_GetActiveTake(RPR_GetMediaItem(0, 1))
        RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:recipe", '{"seed": 7}', 1)
        RPR_SetMediaTrackInfo_Value(track, "D_WIDTH", 0.25)
        RPR_SetMediaItemInfo_Value(RPR_GetMediaItem(0, 0), "C_FADEINSHAPE", 3)
        """)
    before = reaper.tracks()[0]
    out = answer(f"""
        track = RPR_GetTrack(0, 0)
        ok, _, chunk, _, _ = RPR_GetTrackStateChunk(track, "", 1 << 20, False)
        done = RPR_SetTrackStateChunk(track, chunk.replace("<TRACK", "<TRACK\\n{BLOCK}", 1), False)
        env = RPR_GetTrackEnvelopeByChunkName(track, "<VOLENV2")
        out = [ok, done, RPR_GetTrack(0, 0) == track, RPR_CountEnvelopePoints(env), chunk.startswith("<TRACK\\nNAME")]
        """)
    assert out == [1, 1, True, 2, True]
    after = reaper.tracks()[0]
    assert [point[:2] for point in after["envelopes"][0]["points"]] == [[0.0, 1.0], [2.0, 0.5]]
    assert after["envelopes"][0]["guid"] == "{11111111-2222-3333-4444-555555555555}"
    assert {**after, "envelopes": []} == before


def test_track_chunk_when_set_then_old_item_pointers_are_stale(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    reaper.place_video(sound, 0.0)
    out = answer("""
        track, item = RPR_GetTrack(0, 0), RPR_GetMediaItem(0, 0)
        number = int(item.split("0x")[1], 16)
        out = [RPR_ValidatePtr(number, "MediaItem*")]
        RPR_SetTrackStateChunk(track, RPR_GetTrackStateChunk(track, "", 99999, False)[2], False)
        out.append(RPR_ValidatePtr(number, "MediaItem*"))
        """)
    assert out == [1, 0]
    assert len(reaper.items()) == 1


def test_chunk_when_broken_then_nothing_changes(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    reaper.place_video(sound, 0.0)
    before = reaper.state()
    out = answer("""
        track, item = RPR_GetTrack(0, 0), RPR_GetMediaItem(0, 0)
        chunk = RPR_GetTrackStateChunk(track, "", 99999, False)[2]
        broken = [chunk[:-3], chunk + ">", "", "<ITEM\\n>", chunk + "<X\\n>", "NAME x\\n" + chunk]
        out = [RPR_SetTrackStateChunk(track, text, False) for text in broken]
        out.append(RPR_SetItemStateChunk(item, chunk, False))
        """)
    assert out == [0] * 7
    assert reaper.state() == before


def test_item_chunk_when_a_take_is_cut_out_then_gone(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    reaper.place_video(sound, 1.5)
    out = answer("""
        item = RPR_GetMediaItem(0, 0)
        for name in ("second", "third"):
            take = RPR_AddTakeToMediaItem(item)
            RPR_GetSetMediaItemTakeInfo_String(take, "P_NAME", name, 1)
            RPR_SetMediaItemTakeInfo_Value(take, "F_STRETCHFADESIZE", 0.5)
        RPR_SetActiveTake(take)
        chunk = RPR_GetItemStateChunk(item, "", 99999, False)[2]
        import re
        first, second, third = re.split("\\n(?=TAKE(?: SEL)?\\n)", chunk)
        done = RPR_SetItemStateChunk(item, first + "\\n" + third, False)
        out = [done, RPR_GetMediaItem(0, 0) == item, RPR_CountTakes(item)]
        """)
    assert out[:2] == [1, True]
    (item,) = reaper.items()
    assert [take["name"] for take in item["takes"]] == ["half a second.wav", "third"]
    assert (item["active_take"], item["position_s"]) == (1, 1.5)
    assert item["takes"][1]["values"]["F_STRETCHFADESIZE"] == 0.5


def test_envelope_chunk_when_set_then_pointer_stays(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    reaper.select(reaper.tracks()[0]["guid"])
    out = answer("""
        RPR_Main_OnCommand(40406, 0)
        env = RPR_GetTrackEnvelope(RPR_GetTrack(0, 0), 0)
        chunk = RPR_GetEnvelopeStateChunk(env, "", 9999, False)[2]
        out = [RPR_SetEnvelopeStateChunk(env, chunk.replace("PT 0 1 0", "PT 1 0.25 1\\nFUTURE 7"), False)]
        out.append(RPR_GetEnvelopePoint(env, 0, 0, 0, 0, 0, 0)[3:6:2])
        out.append("FUTURE 7" in RPR_GetEnvelopeStateChunk(env, "", 9999, False)[2])
        out.append(RPR_SetEnvelopeStateChunk(env, chunk.replace("VOLENV2", "PANENV2"), False))
        """)
    assert out == [1, [1.0, 1], True, 0]


def test_chunk_when_the_buffer_is_small_then_it_says_so(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("Foley")
    assert answer('out = RPR_GetTrackStateChunk(RPR_GetTrack(0, 0), "", 32, False)[0]') == 0
