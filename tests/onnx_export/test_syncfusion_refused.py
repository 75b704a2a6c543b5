"""``foley-export syncfusion`` on files that do not fit: each is named, with the way out, and nothing is written."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from onnx_export import syncfusion
from onnx_export.__main__ import main
from onnx_export.nets.syncfusion.names import COPIES
from onnx_export.torch_file import Checkpoint
from tests.onnx_export import test_syncfusion
from tests.onnx_export.test_syncfusion import UNET_WEIGHT, Refused, cut, rename, spoil
from tests.syncfusion_files import publish

_small, refused = test_syncfusion._small, test_syncfusion.refused
CLAP_WEIGHT = "text_projection.0.weight"
Change = Callable[[dict[str, Tensor]], None]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename(CLAP_WEIGHT, CLAP_WEIGHT + "x"), (f'{CLAP_WEIGHT}" is missing', f'{CLAP_WEIGHT}x" is extra')),
        (spoil(CLAP_WEIGHT), (f"not finite: {CLAP_WEIGHT}",)),
        (cut(CLAP_WEIGHT), (f'{CLAP_WEIGHT}" is ', "the net has ")),
    ],
)
def test_export_when_the_clap_file_does_not_fit_then_named_though_its_weights_are_not_used(
    tmp_path: Path, refused: Refused, change: Change, words: tuple[str, ...]
) -> None:
    files = publish(tmp_path / "in", clap=change)
    said = refused(files)
    assert all(word in said for word in words), said
    assert str(files.clap) in said
    assert "Get the file again: foley-bridge packs pull syncfusion" in said


def test_export_when_clap_differs_then_the_worst_tensors_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(state: dict[str, Tensor]) -> None:
        for number, name in enumerate(("0.bias", "2.bias", "0.weight", "2.weight")):
            state[f"module.text_projection.{name}"] = state[f"module.text_projection.{name}"] + 10.0**number

    files = publish(tmp_path / "in", clap=change)
    syncfusion.say_how_clap_differs(Checkpoint(files.clap), "module.", Checkpoint(files.diffusion), print)
    worst = [f"text_projection.{name}" for name in ("2.weight by 1.0e+03", "0.weight by 1.0e+02", "2.bias by 1.0e+01")]
    assert f"4 of {len(Checkpoint(files.clap).names())} differ, most of all {', '.join(worst)};" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("slot", "weight"), [("onset", "fc.0.weight"), ("diffusion", UNET_WEIGHT), ("diffusion", CLAP_WEIGHT)]
)
def test_export_when_a_weight_is_wrong_then_the_file_is_named_and_how_to_get_it(
    tmp_path: Path, refused: Refused, slot: str, weight: str
) -> None:
    def whole(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.endswith(weight)]:
            state[name] = state[name].to(torch.int64)

    said = ""
    for number, change in enumerate((spoil(weight), rename(weight, "x"), whole)):
        files = publish(tmp_path / str(number), **{slot: change})
        said = refused(files)
        assert str(getattr(files, slot)) in said
        assert "packs pull syncfusion" in said
        assert "train" not in said
    assert "holds int64, the net has real numbers" in said


def test_export_when_a_weight_is_renamed_in_one_copy_then_which_copy_lacks_what(
    tmp_path: Path, refused: Refused
) -> None:
    said = refused(publish(tmp_path / "in", diffusion=rename(COPIES[0] + UNET_WEIGHT, COPIES[0] + "odd")))
    assert f'"{UNET_WEIGHT}" is missing in {COPIES[0]}*' in said
    assert f'"odd" is missing in {COPIES[1]}* and {COPIES[2]}*' in said


def test_export_when_terminated_then_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(syncfusion, "one_copy", lambda tensors: signal.raise_signal(signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    out = tmp_path / "packs" / "syncfusion"
    assert main(publish(tmp_path / "in").words(out)) == 130
    assert list(out.parent.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before
    assert "stopped" in capsys.readouterr().err
