"""Checkpoints bent at random: tensors or one sentence, never anything else, and nothing that they name ever runs."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings

from onnx_export.torch_file import Checkpoint
from tests.fuzz.cases import bent
from tests.fuzz.files import as_file, folder
from tests.fuzz.target import Target, judge

RAN = "foley-ran"


class Call:
    """Pickles as a call that would leave a folder behind."""

    def __reduce__(self) -> Any:
        return os.mkdir, (str(folder() / RAN),)


def saved(content: Any) -> bytes:
    """A checkpoint's bytes."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def pickles(*checkpoints: bytes) -> list[bytes]:
    """The pickle in each."""
    found = []
    for data in checkpoints:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found += [archive.read(name) for name in archive.namelist() if name.endswith("data.pkl")]
    return found


def around(program: bytes) -> bytes:
    """A checkpoint with another pickle, whole otherwise, so that the pickle is what is read."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/data/0", bytes(48))
        archive.writestr("archive/byteorder", b"little")
    return file.getvalue()


GOOD = saved({"state_dict": {"w": torch.arange(12, dtype=torch.float32)}, "epoch": 3, "args": {"lr": 0.5}})
EVIL = saved({"state_dict": {"w": torch.arange(12, dtype=torch.float32)}, "callbacks": [Call(), {"x": Call()}]})
PLAIN = [pickle.dumps({"w": Call()}, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]


def check(path: Path) -> bool:
    """Every tensor of a checkpoint that is taken can be read."""
    checkpoint = Checkpoint(path)
    shapes = {name: tuple(tensor.shape) for name, tensor in checkpoint.each()}
    assert shapes == checkpoint.shapes
    assert not (folder() / RAN).exists(), "what a checkpoint names was run"
    return True


TARGET = Target(
    name="checkpoint",
    check=as_file(check, "a.ckpt"),
    hostile=bent([GOOD, EVIL]) | bent([*pickles(GOOD, EVIL), *PLAIN]).map(around),
)


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(TARGET.hostile)
def test_checkpoint_when_it_is_bent_then_tensors_or_a_sentence_and_nothing_runs(case: bytes) -> None:
    judge(TARGET, case)
    assert not (folder() / RAN).exists()


def test_this_test_when_a_pickle_is_trusted_then_it_would_be_seen() -> None:
    """The planted call does what it says where it is run."""
    pickle.loads(PLAIN[2])  # noqa: S301
    assert (folder() / RAN).is_dir()
    (folder() / RAN).rmdir()
