"""Checkpoints give their tensors, and nothing that they hold runs."""

from __future__ import annotations

import argparse
import builtins
import collections
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch._utils import _rebuild_tensor_v2

from bridge.errors import PackError
from onnx_export.torch_file import Checkpoint, read_tensors


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def lightning_like(**more: Any) -> dict[str, Any]:
    """What Lightning leaves in a file, by kinds of object."""
    weight = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state = collections.OrderedDict({"model.net.w": weight, "model.diffusion.net.w": weight, "model.h": weight.half()})
    state["model.t"] = weight.T
    state["model.row"] = weight[1]
    state["model.b"] = nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    state["other.count"] = torch.tensor(3)
    state["other.empty"] = torch.zeros(0, 5)
    return {
        "epoch": 784,
        "state_dict": state,
        "optimizer_states": [{"state": {0: {"exp_avg": torch.randn(3, 4)}}, "param_groups": [{"lr": 1e-4}]}],
        "hyper_parameters": argparse.Namespace(lr=1e-4, path=Path("data"), kinds={"a", "b"}, act=nn.ReLU),
        "loops": collections.defaultdict(list, {"fit": [torch.device("cpu"), torch.Size([1, 2]), torch.float16]}),
        "numpy": [np.float64(0.5), np.arange(3), np.dtype("float32")],
        **more,
    }


def written(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(PackError) as caught:
        read_tensors(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value.sentence


def test_read_when_a_lightning_checkpoint_then_the_tensors_that_torch_reads(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ckpt", lightning_like())
    expected = torch.load(path, weights_only=False)["state_dict"]
    read = read_tensors(path)
    assert list(read) == list(expected)
    for name, tensor in read.items():
        assert isinstance(tensor, Tensor)
        assert tensor.dtype == (torch.int64 if name == "other.count" else torch.float32)
        assert torch.equal(tensor, expected[name].detach().to(tensor.dtype)), name


def test_read_when_a_prefix_is_given_then_only_those_and_shapes_without_reading(tmp_path: Path) -> None:
    checkpoint = Checkpoint(written(tmp_path / "a.ckpt", lightning_like()))
    assert checkpoint.shapes["model.t"] == (4, 3)
    assert set(checkpoint.read("other.")) == {"count", "empty"} == set(checkpoint.names("other."))
    copies = checkpoint.read("model.")
    assert copies["net.w"].data_ptr() == copies["diffusion.net.w"].data_ptr()
    assert copies["row"].untyped_storage().nbytes() == 16


def test_read_when_no_state_dict_or_safetensors_then_the_table_itself(tmp_path: Path) -> None:
    module = nn.Linear(2, 3)
    plain = read_tensors(written(tmp_path / "a.pt", module.state_dict()))
    assert torch.equal(plain["weight"], module.weight)
    save_file({"x.weight": module.weight.detach().half()}, tmp_path / "b.safetensors")
    safe = read_tensors(tmp_path / "b.safetensors", prefix="x.")
    assert safe["weight"].dtype == torch.float32
    assert Checkpoint(tmp_path / "b.safetensors").shapes == {"x.weight": (3, 2)}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("function", [os.system, builtins.exec, builtins.eval, builtins.getattr, torch.hub.load])
def test_read_when_the_pickle_calls_something_then_it_does_not_run_and_is_named(
    tmp_path: Path, function: Any, protocol: int
) -> None:
    marker = tmp_path / "marker"
    argument = f"touch {marker}" if function is os.system else f"open({str(marker)!r}, 'w')"
    path = tmp_path / "a.ckpt"
    torch.save(lightning_like(callbacks=[Call(function, argument)]), path, pickle_protocol=protocol)
    said = refusal(path)
    assert f"holds code: {function.__module__}.{function.__name__}" in said
    assert not marker.exists()


def test_read_when_the_call_hides_in_an_allowed_object_or_the_table_then_it_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    call = Call(os.system, f"touch {marker}")
    for number, content in enumerate(
        (
            lightning_like(hyper_parameters=argparse.Namespace(x=call)),
            {"state_dict": {"w": torch.ones(1), "x": call}},
            {"w": torch.ones(1), "x": Call(collections.defaultdict, call)},
            {"w": torch.ones(1), "x": Call(_rebuild_tensor_v2, call, 0, (1,), (1,), False, None)},
        )
    ):
        assert "holds code: posix.system" in refusal(written(tmp_path / f"{number}.ckpt", content))
    assert not marker.exists()


def test_read_when_a_class_is_only_named_then_it_is_read(tmp_path: Path) -> None:
    assert "w" in read_tensors(written(tmp_path / "a.ckpt", {"w": torch.ones(1), "kind": os.system}))


def test_read_when_torchscript_then_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        archive.writestr("a/code/__torch__.py", "class A: ...")
    assert "holds code" in refusal(path)


def test_read_when_damaged_anywhere_then_never_wrong_weights(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ckpt", {"w": torch.arange(4096, dtype=torch.float32)})
    whole = path.read_bytes()
    for size in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refusal(path)
    place = whole.index(struct.pack("<3f", 1000.0, 1001.0, 1002.0))
    path.write_bytes(whole[:place] + b"\x00" + whole[place + 1 :])
    path.write_bytes(whole[: place + 2] + bytes([whole[place + 2] ^ 1]) + whole[place + 3 :])
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b'{"status": 404, "message": "PID does not exist."}', "message of a server"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (pickle.dumps({"w": 1}), "before 1.6"),
        (b"RIFF....WAVE", "no checkpoint"),
    ],
)
def test_read_when_no_checkpoint_then_says_what_it_is(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    assert word in refusal(path)


def test_read_when_it_cannot_be_then_says_so(tmp_path: Path) -> None:
    assert "there is no checkpoint" in refusal(tmp_path / "gone.ckpt")
    assert "no named tensors" in refusal(written(tmp_path / "empty.ckpt", {"state_dict": {}}))
    assert "no table" in refusal(written(tmp_path / "list.ckpt", [torch.ones(1)]))
    (tmp_path / "bad.safetensors").write_bytes(b"\0" * 40)
    assert "damaged" in refusal(tmp_path / "bad.safetensors")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("ckpt/a.ckpt", b"x")
    assert "Unpack it" in refusal(tmp_path / "more.zip")
    torch.save({"w": torch.ones(1)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert "before 1.6" in refusal(tmp_path / "old.pt")


def test_read_when_a_tensor_lies_about_its_size_then_refused(tmp_path: Path) -> None:
    storage = torch.ones(4).untyped_storage()
    typed = torch.storage.TypedStorage(wrap_storage=storage, dtype=torch.float32, _internal=True)
    for number, (offset, shape, stride) in enumerate([(3, (2,), (1,)), (0, (10**9,), (0,)), (-1, (1,), (1,))]):
        lie = Call(_rebuild_tensor_v2, typed, offset, shape, stride, False, collections.OrderedDict())
        path = written(tmp_path / f"{number}.ckpt", {"w": lie})
        assert "a tensor" in refusal(path)
