"""Small files that would take the process with them if they were read trustingly."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
import torch

from bridge.errors import PackError
from onnx_export.torch_file import Checkpoint, read_tensors

DEEP = b")" + b"\x85" * 1_000_000
PICKLES = {
    "nested key": b"\x80\x02}" + DEEP + b"Ns.",
    "nested keys": b"\x80\x02}(" + DEEP + b"Nu.",
    "nested in a set": b"\x80\x04\x8f(" + DEEP + b"\x90.",
    "memo": b"\x80\x02}r\xff\xff\xff\x7f.",
    "bytes": b"\x80\x05\x96" + struct.pack("<Q", 1 << 40) + b".",
}


@pytest.mark.parametrize("kind", PICKLES)
def test_read_when_a_small_pickle_is_a_trap_then_refused(tmp_path: Path, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("a/data.pkl", PICKLES[kind])
    with pytest.raises(PackError):
        read_tensors(tmp_path / "a.ckpt")


def test_read_when_a_small_entry_is_large_then_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        archive.writestr("a/byteorder", bytes(10_000_000))
    with pytest.raises(PackError, match="byteorder"):
        read_tensors(tmp_path / "a.ckpt")


def test_read_when_modules_lie_beside_the_weights_then_they_are_metadata(tmp_path: Path) -> None:
    torch.save({"state_dict": {"w": torch.ones(2)}, "hyper_parameters": {"t": [torch.nn.Linear(2, 2)]}}, tmp_path / "a")
    assert Checkpoint(tmp_path / "a").shapes == {"w": (2,)}
