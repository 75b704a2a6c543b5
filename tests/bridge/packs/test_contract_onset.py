"""An ``onset`` graph may also say how hard each onset is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.contract import GraphSpec, TensorSpec
from bridge.packs.manifest import parse
from bridge.packs.store import Store
from tests.packs import tiny_pack


def tensor(name: str, *axes: str | int) -> TensorSpec:
    return TensorSpec(name=name, type="float32", axes=axes)


MOTION = tensor("motion", "batch", "time", 4, 16, 24)
PICTURES = tensor("pictures", "batch", "time", 3, 16, 24)
ACTIVATION, STRENGTH = tensor("activation", "batch", "time"), tensor("strength", "batch", "time")


@pytest.mark.parametrize(
    ("sees", "gives", "choice"),
    [
        (MOTION, (ACTIVATION,), contract.MOTION_ONSET),
        (PICTURES, (ACTIVATION,), contract.PICTURE_ONSET),
        (MOTION, (ACTIVATION, STRENGTH), contract.MOTION_ONSET_STRENGTH),
        (PICTURES, (ACTIVATION, STRENGTH), contract.PICTURE_ONSET_STRENGTH),
    ],
)
def test_fitted_spec_when_inputs_and_outputs_are_those_of_a_choice_then_that_one(
    sees: TensorSpec, gives: tuple[TensorSpec, ...], choice: GraphSpec
) -> None:
    spec = GraphSpec(inputs=(sees,), outputs=gives)
    assert contract.fitted_spec(contract.ONSET, spec) is choice
    assert contract.sizes_of(contract.ONSET, spec, where="here")["rows"] == 16


@pytest.mark.parametrize(
    ("sees", "gives", "said"),
    [
        (PICTURES, (STRENGTH,), "outputs must be activation, not strength"),
        (MOTION, (STRENGTH, ACTIVATION), "outputs must be activation, not strength, activation"),
        (tensor("sound", "batch", "time"), (ACTIVATION, STRENGTH), "inputs must be motion, not sound"),
        (
            MOTION,
            (ACTIVATION, tensor("strength", "batch", "time", 1)),
            'output "strength" must have 2 axes, not 3',
        ),
        (MOTION, (ACTIVATION, tensor("strength", "batch", 60)), "axis 1 of \"strength\" must be 'time', not 60"),
    ],
)
def test_sizes_when_an_onset_graph_is_none_of_the_choices_then_the_mismatch_is_named(
    sees: TensorSpec, gives: tuple[TensorSpec, ...], said: str
) -> None:
    with pytest.raises(PackError) as caught:
        contract.sizes_of(contract.ONSET, GraphSpec(inputs=(sees,), outputs=gives), where="here")
    assert f"here: {said}" in caught.value.sentence


def test_pack_when_its_onset_graph_gives_strength_then_it_opens_and_says_so(tmp_path: Path) -> None:
    folder = tiny_pack(tmp_path, strength=True)
    entry = Store(()).open_folder(folder).manifest.entry(contract.ONSET)
    assert [one.name for one in entry.outputs] == [contract.ACTIVATION, contract.STRENGTH]
    data: dict[str, Any] = json.loads((folder / "pack.json").read_text())
    data["graphs"]["onset"]["outputs"][1]["name"] = "loudness"
    with pytest.raises(PackError, match="outputs must be activation, not activation, loudness"):
        parse(json.dumps(data), where="pack.json")
