"""What a ``pack.json`` may say, and what the message names when it says something else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import Manifest, parse
from tests.packs import tiny_pack

Edit = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest as JSON gives it."""
    return json.loads((tiny_pack(tmp_path_factory.mktemp("packs")) / "pack.json").read_text())


def refusal(data: Any) -> str:
    """The sentence with which a manifest is refused."""
    text = data if isinstance(data, str) else json.dumps(data)
    with pytest.raises(PackError) as caught:
        parse(text, where="pack.json")
    assert caught.value.hint
    return caught.value.sentence


def edited(good: dict[str, Any], edit: Edit) -> dict[str, Any]:
    data = copy.deepcopy(good)
    edit(data)
    return data


def test_manifest_when_written_and_read_then_equal_objects_and_equal_text(good: dict[str, Any]) -> None:
    manifest = parse(json.dumps(good), where="pack.json")
    assert isinstance(manifest, Manifest)
    assert parse(manifest.to_json(), where="pack.json") == manifest
    assert json.loads(manifest.to_json()) == good
    assert manifest.require_when().frontend.numbers["rows"] == 16


@pytest.mark.parametrize(
    "key",
    ["schema", "name", "licence", "training_data", "when", "what", "graphs", "files"],
)
def test_manifest_when_a_key_is_missing_then_it_is_named(good: dict[str, Any], key: str) -> None:
    assert f'key "{key}" is missing' in refusal(edited(good, lambda data: data.pop(key)))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d["when"].pop("threshold"), 'key "when.threshold" is missing'),
        (lambda d: d["when"]["frontend"].pop("kind"), 'key "when.frontend.kind" is missing'),
        (lambda d: d["graphs"]["onset"]["inputs"][0].pop("axes"), 'key "graphs.onset.inputs[0].axes" is missing'),
        (lambda d: d.update(author="me"), 'key "author" is unknown'),
        (lambda d: d["what"].update(speed=2), 'key "what.speed" is unknown'),
        (lambda d: d["what"].update(steps="30"), 'key "what.steps" must be a whole number, not "30"'),
        (lambda d: d["what"].update(steps=True), 'key "what.steps" must be a whole number, not true'),
        (lambda d: d["what"].update(guidance=None), 'key "what.guidance" must be a number, not null'),
        (lambda d: d["when"]["frontend"].update(rows="many"), 'key "when.frontend.rows" must be a number'),
        (lambda d: d["when"]["frontend"].update(rows=10**400), 'key "when.frontend.rows" must be a number'),
        (lambda d: d.update(title=7), 'key "title" must be text, not 7'),
        (lambda d: d.update(training_data={}), 'key "training_data" must be a list'),
        (lambda d: d.update(files=[]), 'key "files" must be an object'),
        (lambda d: d["licence"].update(commercial_use="maybe"), "one of yes, no, unknown"),
        (lambda d: d["graphs"]["onset"]["inputs"][0]["axes"].append(2.5), "axes[5]"),
        (lambda d: d.update(name="../evil"), 'key "name"'),
        (lambda d: d["when"].update(threshold=1.5), "when: threshold must lie in 0..1"),
        (lambda d: d["when"].update(overlap_steps=128), "overlap_steps must lie in 0..window_steps - 1"),
        (lambda d: d.update(when=None, what=None), "the pack does nothing"),
        (lambda d: d["graphs"].pop("decoder"), 'key "graphs.decoder" is missing'),
        (lambda d: d["graphs"].update(magic=d["graphs"]["text"]), 'no graph role "magic"'),
        (lambda d: d["what"].update(vocabulary="words.json"), '"what.vocabulary" names "words.json"'),
        (lambda d: d["graphs"]["onset"].update(card="onset.md"), '"graphs.onset.card" names "onset.md", which "files"'),
        (lambda d: d["graphs"]["onset"].update(card="../onset.md"), "not a plain path inside the pack"),
        (lambda d: d["files"].update({"text.onnx": "12"}), 'key "files.text.onnx" must be a SHA-256'),
        (lambda d: d["what"].update(embedding_dim=5), '"what.embedding_dim" is 5, but "dim" of graph "text" is 4'),
    ],
)
def test_manifest_when_one_thing_is_wrong_then_the_message_names_it(
    good: dict[str, Any], edit: Edit, said: str
) -> None:
    assert said in refusal(edited(good, edit))


def test_manifest_when_made_for_a_newer_version_then_says_update(good: dict[str, Any]) -> None:
    newer = edited(good, lambda data: data.update(schema=2, extra={"from": "the future"}))
    assert "made for a newer version (schema 2; this version reads 1)" in refusal(newer)
    assert "Update Foley Bridge" in refusal(newer)


@pytest.mark.parametrize("schema", [0, -1, "1", 1.5, True])
def test_manifest_when_the_schema_is_none_of_ours_then_refused(good: dict[str, Any], schema: Any) -> None:
    assert '"schema"' in refusal(edited(good, lambda data: data.update(schema=schema)))


@pytest.mark.parametrize(
    "name",
    ["../text.onnx", "/etc/passwd", "C:/text.onnx", "a\\b.onnx", "", "a//b.onnx", "./text.onnx", "a/../../b.onnx"],
)
def test_manifest_when_a_file_name_leads_out_of_the_pack_then_refused(good: dict[str, Any], name: str) -> None:
    assert "not a plain path inside the pack" in refusal(
        edited(good, lambda data: data["files"].update({name: "0" * 64}))
    )
    assert "not a plain path inside the pack" in refusal(
        edited(good, lambda data: data["graphs"]["text"].update(file=name))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "is not JSON"),
        ("[1]", "must hold a JSON object"),
        ('{"schema": 1, "schema": 1}', 'key "schema" is given twice'),
        ('{"schema": NaN}', "NaN is not a number"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_manifest_when_it_is_not_clean_json_then_refused(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("role", "side", "tensor", "axes", "said"),
    [
        ("onset", "inputs", 0, ["batch", 64, 4, 16, 24], "axis 1 of \"motion\" must be 'time', not 64"),
        ("onset", "inputs", 0, ["batch", "time", "channels", 16, 24], 'axis 2 of "motion" (channels) must be a number'),
        ("onset", "inputs", 0, ["batch", "time", 4, 16], 'input "motion" must have 5 axes, not 4'),
        ("denoiser", "outputs", 0, ["batch", 64, "frames"], '"velocity" (channels) is 64, elsewhere in the graph 128'),
        ("denoiser", "inputs", 2, ["batch", 2, "frames"], 'axis 1 of "onset_track" must be 1, not 2'),
    ],
)
def test_manifest_when_an_axis_does_not_fit_the_role_then_graph_tensor_and_axis_are_named(
    good: dict[str, Any], role: str, side: str, tensor: int, axes: list[Any], said: str
) -> None:
    sentence = refusal(edited(good, lambda data: data["graphs"][role][side][tensor].update(axes=axes)))
    assert said in sentence
    assert f'graph "{role}"' in sentence


def test_manifest_when_a_tensor_has_another_type_or_name_then_it_is_named(good: dict[str, Any]) -> None:
    tensor = ("graphs", "onset", "inputs", 0)

    def put(key: str, value: str) -> dict[str, Any]:
        return edited(good, lambda d: d[tensor[0]][tensor[1]][tensor[2]][tensor[3]].update({key: value}))

    assert 'input "motion" must be float32, not int64' in refusal(put("type", "int64"))
    assert 'unknown type "complex"' in refusal(put("type", "complex"))
    assert "inputs must be motion, not video" in refusal(put("name", "video"))


def test_manifest_when_a_stage_or_role_is_absent_then_asking_for_it_is_an_error(good: dict[str, Any]) -> None:
    def without_sound(data: dict[str, Any]) -> None:
        data["what"] = None
        data["graphs"] = {"onset": data["graphs"]["onset"]}

    manifest = parse(json.dumps(edited(good, without_sound)), where="pack.json")
    assert manifest.sizes(contract.ONSET) == {"channels": 4, "rows": 16, "columns": 24}
    with pytest.raises(PackError, match="cannot make sound"):
        manifest.require_what()
    with pytest.raises(PackError, match='no "denoiser" graph'):
        manifest.entry(contract.DENOISER)


def test_manifest_when_a_graph_has_no_card_then_no_word_of_it_is_written_and_one_that_says_so_is_read(
    good: dict[str, Any],
) -> None:
    assert all("card" not in graph for graph in good["graphs"].values())
    without = parse(json.dumps(good), where="pack.json")
    empty = edited(good, lambda data: data["graphs"]["onset"].update(card=""))
    assert parse(json.dumps(empty), where="pack.json") == without
    name = next(iter(good["files"]))
    carded = parse(json.dumps(edited(good, lambda data: data["graphs"]["onset"].update(card=name))), where="pack.json")
    assert json.loads(carded.to_json())["graphs"]["onset"]["card"] == name
    assert parse(carded.to_json(), where="pack.json") == carded != without


def test_shipped_manifest_text_when_printed_then_one_key_a_line_and_no_machine_paths(tmp_path: Path) -> None:
    text = (tiny_pack(tmp_path) / "pack.json").read_text()
    assert text.endswith("}\n")
    assert str(tmp_path) not in text


def test_manifest_when_the_net_makes_one_contact_at_a_time_then_its_numbers_are_kept(good: dict[str, Any]) -> None:
    more = {"windows": "onset", "noise_low": 0.02, "noise_high": 40.0, "likeness": 0.5}
    what = parse(json.dumps(edited(good, lambda data: data["what"].update(more))), where="pack.json").require_what()
    assert what.noise_range == (0.02, 40.0)
    assert (what.windows, what.likeness) == ("onset", 0.5)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"likeness": 1.5}, "likeness must lie in 0..1"),
        ({"noise_low": 2.0, "noise_high": 1.0}, "noise_low and noise_high must be ascending"),
        ({"noise_low": 0.0, "noise_high": 1.0}, "noise_low and noise_high must be ascending"),
        ({"windows": "onset", "window_frames": 500}, "window_frames must be a multiple of align_frames"),
    ],
)
def test_manifest_when_such_a_number_makes_no_sense_then_it_is_named(
    good: dict[str, Any], edit: dict[str, Any], said: str
) -> None:
    assert said in refusal(edited(good, lambda data: data["what"].update(edit)))


def test_manifest_when_it_says_nothing_new_then_older_programs_can_read_it(good: dict[str, Any]) -> None:
    written = json.loads(parse(json.dumps(good), where="pack.json").to_json())["what"]
    assert not {"noise_low", "noise_high", "likeness"} & set(written)
