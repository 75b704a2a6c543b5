"""What a pack with preparing graphs, a tokenizer and no decoder may say, and what the message names otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import parse

Edit = Callable[[dict[str, Any]], Any]
DIM, CLIP = 6, 480


def tensor(name: str, *axes: str | int, kind: str = "float32") -> dict[str, Any]:
    return {"name": name, "type": kind, "axes": list(axes)}


def graph(role: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"file": f"{role}.onnx", "inputs": inputs, "outputs": outputs}


EMBEDDING = tensor("embedding", "batch", DIM)
SHIFT = tensor("shift", "batch", 40)
CONTEXT = tensor("context_0", "batch", 8, "level_0")


@pytest.fixture
def good() -> dict[str, Any]:
    """The least that such a pack says."""
    graphs = {
        "onset": graph(
            "onset", [tensor("pictures", "batch", "time", 3, 8, 8)], [tensor("activation", "batch", "time")]
        ),
        "clap_text": graph(
            "clap_text",
            [
                tensor("tokens", "batch", "tokens", kind="int64"),
                tensor("attention_mask", "batch", "tokens", kind="int64"),
            ],
            [EMBEDDING],
        ),
        "clap_audio": graph("clap_audio", [tensor("waveform", "batch", CLIP)], [EMBEDDING]),
        "onset_encoder": graph("onset_encoder", [tensor("onset_track", "batch", 1, "frames")], [CONTEXT]),
        "embedding_encoder": graph("embedding_encoder", [EMBEDDING], [SHIFT]),
        "denoiser": graph(
            "denoiser",
            [tensor("noisy", "batch", 1, "frames"), tensor("sigma", "batch"), SHIFT, CONTEXT],
            [tensor("velocity", "batch", 1, "frames")],
        ),
    }
    names = [*(f"{role}.onnx" for role in graphs), "tokenizer.json", "null_embedding.npy"]
    return {
        "schema": 1,
        "name": "wave",
        "version": "1",
        "title": "Wave",
        "licence": {"name": "not stated", "commercial_use": "unknown", "notice": ""},
        "training_data": [],
        "when": {
            "frontend": {"kind": "pictures", "rate_hz": 15, "rows": 8, "columns": 8},
            "rate_hz": 15.0,
            "window_steps": 90,
            "overlap_steps": 36,
            "threshold": 0.6,
            "min_distance_s": 0.0,
            "latency_s": 0.0,
        },
        "what": {
            "rate_hz": 48000,
            "hop_samples": 1,
            "latent_channels": 1,
            "window_frames": 8192,
            "overlap_frames": 2048,
            "embedding_dim": DIM,
            "steps": 25,
            "guidance": 2.0,
            "sampler": "deis2",
            "tokenizer": "tokenizer.json",
            "null_embedding": "null_embedding.npy",
            "windows": "whole",
            "align_frames": 1024,
            "guidance_batched": False,
        },
        "graphs": graphs,
        "files": dict.fromkeys(names, "0" * 64),
    }


def test_manifest_when_graphs_prepare_what_the_denoiser_takes_then_accepted_and_written_back(
    good: dict[str, Any],
) -> None:
    manifest = parse(json.dumps(good), where="pack.json")
    what = manifest.require_what()
    assert (what.windows, what.align_frames, what.guidance_batched, what.vocabulary) == ("whole", 1024, False, "")
    assert manifest.sizes(contract.CLAP_AUDIO) == {"clip": CLIP, "dim": DIM}
    assert manifest.sizes(contract.ONSET) == {"rows": 8, "columns": 8}
    assert parse(manifest.to_json(), where="pack.json") == manifest


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d["graphs"].pop("onset_encoder"), "takes context_0 float32 [batch, 8, level_0], which comes out of"),
        (lambda d: d["graphs"]["embedding_encoder"]["outputs"].append(tensor("extra", "batch")), None),
        (lambda d: d["graphs"]["denoiser"]["inputs"].__setitem__(2, tensor("shift", "batch", 41)), "which is shift"),
        (lambda d: d["graphs"]["denoiser"]["inputs"].reverse(), "inputs must be noisy"),
        (
            lambda d: d["graphs"]["denoiser"]["inputs"].__setitem__(1, tensor("sigma", "batch", 1)),
            '"sigma" must have 1 axes',
        ),
        (lambda d: d["graphs"]["onset_encoder"]["inputs"].__setitem__(0, EMBEDDING), "inputs must be onset_track"),
        (lambda d: d["graphs"]["onset"]["inputs"].__setitem__(0, tensor("smell", "batch")), "inputs must be motion"),
        (lambda d: d["what"].update(hop_samples=2), 'key "graphs.decoder" is missing'),
        (lambda d: d["what"].update(tokenizer=""), '"what.tokenizer" and graph "clap_text" must both be there'),
        (lambda d: d["graphs"].pop("clap_text"), '"what.tokenizer" and graph "clap_text" must both be there'),
        (lambda d: d["what"].update(vocabulary="tokenizer.json"), '"what.vocabulary" and graph "text" must both'),
        (lambda d: d["what"].update(null_embedding=""), '"what.null_embedding" is missing'),
        (lambda d: d["what"].update(null_embedding="zero.npy"), '"what.null_embedding" names "zero.npy"'),
        (lambda d: d["what"].update(tokenizer="words.json"), '"what.tokenizer" names "words.json"'),
        (
            lambda d: d["what"].update(windows="half"),
            'key "what.windows" must be one of local, whole, onset, not "half"',
        ),
        (lambda d: d["what"].update(window_frames=8000), "window_frames must be a multiple of align_frames, 1024"),
        (lambda d: d["what"].update(overlap_frames=1000), "overlap_frames must be a multiple of align_frames"),
        (lambda d: d["what"].update(align_frames=0), "align_frames must be above 0"),
        (lambda d: d["what"].update(guidance_batched=1), 'key "what.guidance_batched" must be true or false, not 1'),
        (lambda d: d["what"].update(embedding_dim=5), '"what.embedding_dim" is 5, but "dim" of graph'),
        (
            lambda d: (d["graphs"].pop("clap_text"), d["graphs"].pop("clap_audio"), d["what"].pop("tokenizer")),
            "none of the keys graphs.text, graphs.clap_text, graphs.clap_audio is there",
        ),
    ],
)
def test_manifest_when_one_thing_is_wrong_then_the_message_names_it(
    good: dict[str, Any], edit: Edit, said: str | None
) -> None:
    data = copy.deepcopy(good)
    edit(data)
    if said is None:
        parse(json.dumps(data), where="pack.json")
        return
    with pytest.raises(PackError) as caught:
        parse(json.dumps(data), where="pack.json")
    assert said in caught.value.sentence
    assert caught.value.hint
