"""Every refusal of a pack as a person reads it: which file, which key, what is wrong with it, and the way out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import catalogue, contract, strict
from bridge.packs.contract import GraphSpec, TensorSpec
from bridge.packs.manifest import parse
from bridge.packs.stages import Frontend, What, When
from tests.packs import tiny_pack

AGAIN = "Get the pack again, or export it again with foley-export."
FITS = "The pack does not fit this version; get it again, or export it again with foley-export."
WHEN: dict[str, Any] = {
    "frontend": Frontend(kind="pictures"),
    "rate_hz": 15.0,
    "window_steps": 90,
    "overlap_steps": 36,
    "threshold": 0.5,
    "min_distance_s": 0.0,
    "latency_s": 0.0,
}
WHAT: dict[str, Any] = {
    "rate_hz": 48000,
    "hop_samples": 1,
    "latent_channels": 1,
    "window_frames": 64,
    "overlap_frames": 16,
    "embedding_dim": 4,
    "steps": 3,
    "guidance": 1.0,
    "sampler": "ddim",
}
Ask = Callable[[], object]


def when(**changes: Any) -> When:
    return When(**(WHEN | changes))


def what(**changes: Any) -> What:
    return What(**(WHAT | changes))


def tensor(name: str, *axes: str | int, kind: str = "float32") -> TensorSpec:
    return TensorSpec(name=name, type=kind, axes=axes)


def refused(ask: Ask) -> str:
    with pytest.raises(PackError) as caught:
        ask()
    return caught.value.sentence


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return json.loads((tiny_pack(tmp_path_factory.mktemp("packs")) / "pack.json").read_text())


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: when(rate_hz=0.0), "rate_hz must be above 0, not 0.0."),
        (lambda: when(window_steps=0), "window_steps must be above 0, not 0."),
        (lambda: when(overlap_steps=90), "overlap_steps must lie in 0..window_steps - 1, not 90."),
        (lambda: when(overlap_steps=-1), "overlap_steps must lie in 0..window_steps - 1, not -1."),
        (lambda: when(threshold=-0.1), "threshold must lie in 0..1, not -0.1."),
        (lambda: when(threshold=1.1), "threshold must lie in 0..1, not 1.1."),
        (lambda: when(latency_s=1.1), "latency_s must lie within 1, not 1.1."),
        (lambda: when(latency_s=-1.1), "latency_s must lie within 1, not -1.1."),
        (lambda: when(min_distance_s=-0.1), "min_distance_s must not be negative, not -0.1."),
        *(
            (lambda name=name: what(**{name: 0}), f"{name} must be above 0, not 0.")
            for name in ("rate_hz", "hop_samples", "latent_channels", "embedding_dim", "steps", "align_frames")
        ),
        (lambda: what(window_frames=0), "window_frames must be above 0, not 0."),
        (lambda: what(overlap_frames=64), "overlap_frames must lie in 0..window_frames - 1, not 64."),
        (
            lambda: what(windows="whole", window_frames=65),
            "window_frames must be a multiple of align_frames, 16, not 65.",
        ),
        (
            lambda: what(windows="onset", overlap_frames=15),
            "overlap_frames must be a multiple of align_frames, 16, not 15.",
        ),
        (
            lambda: what(noise_low=2.0, noise_high=1.0),
            "noise_low and noise_high must be ascending ratios, not (2.0, 1.0).",
        ),
        (lambda: what(noise_low=1.0, noise_high=1.0), "noise_low and noise_high must be ascending ratios, not "),
        (lambda: what(noise_low=0.0, noise_high=1.0), "noise_low and noise_high must be ascending ratios, not "),
        (lambda: what(noise_low=1.0), "noise_low and noise_high must be ascending ratios, not "),
        (lambda: what(likeness=-0.1), "likeness must lie in 0..1, not -0.1."),
        (lambda: what(likeness=1.1), "likeness must lie in 0..1, not 1.1."),
        (lambda: what(steps=1001), "steps must lie in 1..1000, not 1001."),
        (lambda: what(guidance=-0.1), "guidance must lie in 0..20, not -0.1."),
        (lambda: what(guidance=20.1), "guidance must lie in 0..20, not 20.1."),
    ],
)
def test_stage_when_a_number_makes_no_sense_then_named(ask: Ask, said: str) -> None:
    sentence = refused(ask)
    assert sentence.startswith(said)
    assert sentence.endswith(AGAIN)


def test_stage_when_every_number_is_at_its_end_then_taken() -> None:
    assert when(overlap_steps=0, threshold=0.0, latency_s=1.0).threshold == 0.0
    assert when(overlap_steps=89, window_steps=90, threshold=1.0, latency_s=-1.0, rate_hz=0.5).overlap_steps == 89
    ones = dict.fromkeys(("rate_hz", "hop_samples", "latent_channels", "embedding_dim", "steps", "align_frames"), 1)
    assert what(**ones, window_frames=1, overlap_frames=0, guidance=0.0).steps == 1
    most = what(steps=1000, guidance=20.0, likeness=1.0, noise_low=0.001, noise_high=0.5)
    assert most.noise_range == (0.001, 0.5)
    assert what(windows="local", window_frames=65, overlap_frames=15).noise_range is None


def test_stage_when_written_then_what_later_versions_added_only_where_it_says_something() -> None:
    assert not {"noise_low", "noise_high", "likeness"} & set(what().to_wire())
    told = what(noise_low=0.5, noise_high=2.0, likeness=0.25).to_wire()
    assert (told["noise_low"], told["noise_high"], told["likeness"]) == (0.5, 2.0, 0.25)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], 'pack.json: key "frontend" must be an object, not list.'),
        ({}, 'pack.json: key "frontend.kind" is missing.'),
        ({"kind": 7}, 'pack.json: key "frontend.kind" must be text, not 7.'),
        ({"kind": "a", "rows": "8"}, 'pack.json: key "frontend.rows" must be a number, not "8".'),
    ],
)
def test_front_end_when_it_is_none_then_the_key_is_named(value: Any, said: str) -> None:
    assert refused(lambda: Frontend.from_wire(value, where="pack.json")) == f"{said} {AGAIN}"


def test_front_end_when_nobody_says_where_it_is_from_then_the_sentence_still_reads() -> None:
    assert refused(lambda: Frontend.from_wire([])).startswith('the front end: key "frontend" must be an object')


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.update(schema=0), 'p: key "schema" must be 1, not 0.'),
        (lambda d: d.update(name="Bad"), 'p: key "name" must be lower-case letters, digits, - and _, not "Bad".'),
        (lambda d: d.update(name="a" * 65), 'p: key "name" must be lower-case letters, digits, - and _, not "aaa'),
        (lambda d: d.update(version=" "), 'p: key "version" is empty.'),
        (lambda d: d.update(title=""), 'p: key "title" is empty.'),
        (lambda d: d["files"].update({"pack.json": "0" * 64}), 'p: key "files" must not list pack.json.'),
        (
            lambda d: d["files"].update({"x": "A" * 64}),
            f'p: key "files.x" must be a SHA-256 in lower-case hex, not "{"A" * 64}".',
        ),
        (
            lambda d: d["files"].update({"a:b": "0" * 64}),
            'p: key "files" names "a:b", which is not a plain path inside the pack.',
        ),
        (
            lambda d: d["graphs"]["text"].update(file="no.onnx"),
            'p: key "graphs.text.file" names "no.onnx", which "files" does not list.',
        ),
        (
            lambda d: d["graphs"]["text"].update(file="../text.onnx"),
            'p: key "graphs.text.file" names "../text.onnx", which is not a plain path inside the pack.',
        ),
        (lambda d: d["when"].update(frontend=[]), 'p: key "when.frontend" must be an object, not list.'),
        (lambda d: d["graphs"].pop("onset"), 'p: key "graphs.onset" is missing.'),
        (lambda d: d.update(when=None, what=None), 'p: keys "when" and "what" are both null: the pack does nothing.'),
        (
            lambda d: d["what"].update(latent_channels=64),
            'p: key "what.latent_channels" is 64, but "channels" of graph "denoiser" is 128.',
        ),
        (
            lambda d: d["what"].update(embedding_dim=9),
            'p: key "what.embedding_dim" is 9, but "dim" of graph "text" is 4.',
        ),
        (lambda d: d["what"].update(steps=0), "p: what: steps must be above 0, not 0."),
        (
            lambda d: d["graphs"].pop("text"),
            "p: none of the keys graphs.text, graphs.clap_text, graphs.clap_audio is there.",
        ),
        (lambda d: d.update(files=None), 'p: key "files" must be an object, not null.'),
        (lambda d: d.update(when=7), 'p: key "when" must be an object, not 7.'),
        (lambda d: d["graphs"].update(text="x" * 99), f'p: key "graphs.text" must be an object, not "{"x" * 59}.'),
        (lambda d: d["graphs"]["text"].update(inputs={}), 'p: key "graphs.text.inputs" must be a list, not dict.'),
        (
            lambda d: d["graphs"]["text"]["inputs"][0].update(axes=["batch", 1.5]),
            'p: key "graphs.text.inputs[0].axes[1]" must be text or a whole number, not 1.5.',
        ),
        (
            lambda d: d["graphs"]["text"]["inputs"][0].update(axes=["batch", True]),
            'p: key "graphs.text.inputs[0].axes[1]" must be text or a whole number, not true.',
        ),
        (
            lambda d: d["licence"].update(commercial_use=True),
            'p: key "licence.commercial_use" must be one of yes, no, unknown, not true.',
        ),
        (lambda d: d["when"].update(rate_hz=True), 'p: key "when.rate_hz" must be a number, not true.'),
        (lambda d: d["what"].update(guidance_batched="no"), 'p: key "what.guidance_batched" must be true or false, '),
        (lambda d: d.update(colour=1), 'p: key "colour" is unknown.'),
        (lambda d: d["what"].update(colour=1), 'p: key "what.colour" is unknown.'),
        (lambda d: d["what"].pop("sampler"), 'p: key "what.sampler" is missing.'),
    ],
)
def test_manifest_when_one_thing_is_wrong_then_file_key_and_way_out(
    good: dict[str, Any], edit: Callable[[dict[str, Any]], Any], said: str
) -> None:
    data = copy.deepcopy(good)
    edit(data)
    sentence = refused(lambda: parse(json.dumps(data), where="p"))
    assert sentence.startswith(said)
    assert sentence.endswith(AGAIN)


def test_manifest_when_a_tensor_makes_no_sense_then_graph_place_and_tensor(good: dict[str, Any]) -> None:
    data = copy.deepcopy(good)
    data["graphs"]["text"]["inputs"][0]["type"] = "complex"
    assert refused(lambda: parse(json.dumps(data), where="p")) == (
        f'p: graphs.text.inputs[0]: tensor "tags" has the unknown type "complex". {FITS}'
    )


def test_manifest_when_written_then_one_key_a_line_and_words_as_they_are(good: dict[str, Any]) -> None:
    text = parse(json.dumps({**good, "title": "Türschloß"}), where="p").to_json()
    assert text.startswith('{\n  "schema": 1,\n  "name": "tiny",\n')
    assert '\n  "title": "Türschloß",\n' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "p is not JSON ("),
        ("[]", "p must hold a JSON object."),
        ('{"a": 1, "a": 2}', 'p: key "a" is given twice.'),
        ('{"a": Infinity}', "p: Infinity is not a number that a pack may hold."),
    ],
)
def test_manifest_when_its_text_is_none_then_file_and_way_out(text: str, said: str) -> None:
    sentence = refused(lambda: parse(text, where="p"))
    assert refused(lambda: strict.loads(text, where="p")) == sentence
    assert sentence.startswith(said)
    assert sentence.endswith(AGAIN)


def test_manifest_when_it_is_newer_then_the_two_ways_out() -> None:
    assert refused(lambda: parse('{"schema": 2}', where="p")) == (
        "p was made for a newer version (schema 2; this version reads 1). "
        "Update Foley Bridge, or use an older version of the pack."
    )


def test_pack_when_asked_for_what_it_lacks_then_its_name_and_another_choice(good: dict[str, Any]) -> None:
    deaf, blind = copy.deepcopy(good), copy.deepcopy(good)
    deaf.update(what=None, graphs={"onset": good["graphs"]["onset"]})
    blind.update(when=None, graphs={role: graph for role, graph in good["graphs"].items() if role != "onset"})
    finder, sounder = (parse(json.dumps(data), where="p") for data in (deaf, blind))
    assert refused(finder.require_what) == (
        'pack "tiny" cannot make sound. Choose another with --pack, and let this one find the onsets as onset_pack.'
    )
    assert refused(sounder.require_when) == 'pack "tiny" cannot find onsets. Choose a pack that has a when stage.'
    assert refused(lambda: finder.entry("text")) == 'pack "tiny" has no "text" graph. Choose a pack that has it.'


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: tensor(""), "a tensor has no name."),
        (lambda: tensor("a", kind="int4"), 'tensor "a" has the unknown type "int4".'),
        (lambda: tensor("a", 0), 'tensor "a" has an axis that is 0.'),
        (lambda: tensor("a", "batch", ""), "tensor \"a\" has an axis that is ''."),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(tensor("a", 2),), outputs=()),
                GraphSpec(inputs=(tensor("a", 3),), outputs=()),
                where="g",
            ),
            'g: axis 0 of "a" is 3 in the graph but 2 in pack.json.',
        ),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(), outputs=(tensor("a", 1, "time"),)),
                GraphSpec(inputs=(), outputs=(tensor("a", 1, 9),)),
                where="g",
            ),
            'g: axis 1 of "a" (time) must be free, but the graph fixes it to 9.',
        ),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(tensor("a"), tensor("b")), outputs=()), GraphSpec(inputs=(), outputs=()), where="g"
            ),
            "g: inputs must be a, b, not none.",
        ),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(), outputs=(tensor("a"),)),
                GraphSpec(inputs=(), outputs=(tensor("b"), tensor("c"))),
                where="g",
            ),
            "g: outputs must be a, not b, c.",
        ),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(tensor("a"),), outputs=()),
                GraphSpec(inputs=(tensor("a", kind="int64"),), outputs=()),
                where="g",
            ),
            'g: input "a" must be float32, not int64.',
        ),
        (
            lambda: contract.check_real(
                GraphSpec(inputs=(), outputs=(tensor("a", 1),)), GraphSpec(inputs=(), outputs=(tensor("a"),)), where="g"
            ),
            'g: output "a" must have 1 axes, not 0.',
        ),
        (
            lambda: contract.sizes_of(
                "text",
                GraphSpec(inputs=(tensor("tags", "batch", "words"),), outputs=(tensor("embedding", "batch", 4),)),
                where="g",
            ),
            "g: axis 1 of \"tags\" (vocabulary) must be a number, not 'words'.",
        ),
    ],
)
def test_tensor_when_it_does_not_fit_then_graph_axis_and_both_values(ask: Ask, said: str) -> None:
    assert refused(ask) == f"{said} {FITS}"


def test_real_graph_when_its_free_axes_have_other_names_then_it_fits() -> None:
    said = GraphSpec(inputs=(tensor("a", "batch", 2),), outputs=(tensor("b", "time"),))
    real = GraphSpec(inputs=(tensor("a", "n", 2),), outputs=(tensor("b", "unknown"),))
    contract.check_real(said, real, where="g")
    assert str(said.inputs[0]) == "a float32 [batch, 2]"


def test_role_when_nobody_knows_it_then_those_that_are_known() -> None:
    known = "clap_audio, clap_text, decoder, denoiser, onset, text"
    assert refused(lambda: contract.role_spec("magic")) == (
        f'there is no graph role "magic". Known roles are {known}; update Foley Bridge.'
    )


def test_pull_when_the_name_is_unknown_then_all_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ENTRIES", {"b": catalogue.SYNCFUSION, "a": catalogue.SYNCFUSION})
    assert refused(lambda: catalogue.find("c")) == 'there is nothing to pull under the name "c". There is: a, b.'


def test_file_name_when_windows_could_read_more_into_it_then_refused(good: dict[str, Any], tmp_path: Path) -> None:
    for name in ("a*b", "a?b", 'a"b', "a<b", "a>b", "a|b", "a\0b", "a/", "/a", ".", "a/./b", ".."):
        text = json.dumps({**good, "files": {**good["files"], name: "0" * 64}})
        assert "is not a plain path inside the pack" in refused(partial(parse, text, where="p"))


def test_file_name_when_it_is_only_unusual_then_taken(good: dict[str, Any]) -> None:
    names = ("X.txt", "two words.txt", "deep/er/a-b_c.ONNX.txt", "Türschloß.md")
    data = {**good, "files": {**good["files"], **dict.fromkeys(names, "0" * 64)}}
    assert set(names) <= set(parse(json.dumps(data), where="p").files)
