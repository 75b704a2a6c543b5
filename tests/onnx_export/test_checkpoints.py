"""Weights on disk: all of them or none, and what does not fit is listed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bridge.errors import PackError
from onnx_export.checkpoints import load_checkpoint, read_facts, save_checkpoint
from tests.onnx_export.nets import TinyOnset


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "runs" / "net.safetensors", TinyOnset(seed=1), facts={"steps": "10"})


def spoil(path: Path, **tensors: torch.Tensor | None) -> None:
    whole = {name: tensor.clone() for name, tensor in TinyOnset(seed=1).state_dict().items()}
    whole.update({name.replace("__", "."): tensor for name, tensor in tensors.items() if tensor is not None})
    for name, tensor in tensors.items():
        if tensor is None:
            del whole[name.replace("__", ".")]
    save_file(whole, path)


def test_checkpoint_when_saved_and_loaded_then_same_answers_and_facts(path: Path) -> None:
    net = TinyOnset(seed=2)
    assert load_checkpoint(path, net) == {"steps": "10"} == read_facts(path)
    motion = torch.ones(1, 5, 4, 2, 3)
    assert torch.equal(net(motion), TinyOnset(seed=1)(motion))
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_checkpoint_when_weights_are_shared_or_views_then_saved_whole(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    again = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    load_checkpoint(save_checkpoint(tmp_path / "c.safetensors", net), again)
    assert torch.equal(again(torch.ones(1, 3)), net(torch.ones(1, 3)))


def test_checkpoint_when_a_trainer_keeps_more_beside_the_net_then_the_prefix_tells_them_apart(path: Path) -> None:
    stored = {f"average.{name}": tensor for name, tensor in TinyOnset(seed=1).state_dict().items()}
    save_file({**stored, "optimiser.step": torch.tensor(3.0)}, path)
    net = TinyOnset(seed=2)
    load_checkpoint(path, net, prefix="average.")
    assert torch.equal(net.over_time.weight, TinyOnset(seed=1).over_time.weight)
    with pytest.raises(PackError, match=r'"over_time\.weight" is missing'):
        load_checkpoint(path, net, prefix="other.")


def test_checkpoint_when_weights_do_not_fit_then_every_one_is_listed_and_the_net_is_untouched(path: Path) -> None:
    spoil(path, over_time__weight=torch.zeros(1, 24, 5), over_time__bias=None, head__bias=torch.zeros(2))
    net = TinyOnset(seed=3)
    before = net.over_time.weight.clone()
    with pytest.raises(PackError) as caught:
        load_checkpoint(path, net)
    for said in (
        '"over_time.bias" is missing',
        '"head.bias" is extra',
        '"over_time.weight" is 1x24x5, the net has 1x24x3',
    ):
        assert said in caught.value.sentence
    assert torch.equal(net.over_time.weight, before)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_checkpoint_when_a_weight_is_not_finite_then_named_on_both_ways(path: Path, value: float) -> None:
    spoil(path, over_time__bias=torch.tensor([value]))
    with pytest.raises(PackError, match=r"not finite: over_time\.bias"):
        load_checkpoint(path, TinyOnset())
    net = TinyOnset()
    with torch.no_grad():
        net.over_time.weight.fill_(value)
    kept = path.read_bytes()
    with pytest.raises(PackError, match=r"not finite: over_time\.weight"):
        save_checkpoint(path, net)
    assert path.read_bytes() == kept


def test_checkpoint_when_it_is_a_pickle_or_cut_short_then_refused(path: Path) -> None:
    data = path.read_bytes()
    for content in (pickle.dumps({"a": 1}), data[:-3], b""):
        path.write_bytes(content)
        with pytest.raises(PackError, match="is damaged"):
            load_checkpoint(path, TinyOnset())


def test_checkpoint_when_missing_then_said_so(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no checkpoint"):
        read_facts(tmp_path / "none.safetensors")
