"""The starter pack from stages, its credits, and the command line around it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bridge.dsp.motion import MotionSettings
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import Frontend, TrainingData, What, When
from bridge.packs.store import Store
from onnx_export import starter
from onnx_export.__main__ import main
from onnx_export.attribution import FILE_NAME, attribution_markdown, credits
from onnx_export.recipe import Recipe, Stage
from onnx_export.starter import bundle_starter
from tests.onnx_export.nets import onset_recipe
from tests.packs import draft


class Words(nn.Module):
    """Tags to embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Linear(5, 3, bias=False)

    def forward(self, tags: Tensor) -> Tensor:
        return self.table(tags)


class Velocity(nn.Module):
    """All four inputs matter."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv1d(9, 8, 3, padding=1)
        self.words = nn.Linear(3, 8)

    def forward(self, noisy: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> Tensor:
        mixed = self.mix(torch.cat([noisy, onset_track], dim=1))
        return mixed * sigma[:, None, None] + self.words(embedding)[:, :, None]


class Blocks(nn.Module):
    """Latent to sound: frames laid end to end."""

    def forward(self, latent: Tensor) -> Tensor:
        return latent.transpose(1, 2).reshape(latent.shape[0], 1, -1)


def when_stage() -> Stage:
    when = When(
        frontend=Frontend.from_wire(MotionSettings(rows=2, columns=3).to_manifest()),
        rate_hz=30.0,
        window_steps=64,
        overlap_steps=16,
        threshold=0.4,
        min_distance_s=0.1,
        latency_s=0.0,
    )
    data = TrainingData(name="clips", licence="none stated", commercial_use="unknown")
    return Stage(recipes=(onset_recipe(),), when=when, training_data=(data,))


def what_stage() -> Stage:
    torch.manual_seed(0)
    sizes = {"channels": 8, "dim": 3, "vocabulary": 5}
    nets = {contract.TEXT: Words(), contract.DENOISER: Velocity(), contract.DECODER: Blocks()}
    what = What(
        rate_hz=48_000,
        hop_samples=8,
        latent_channels=8,
        window_frames=64,
        overlap_frames=16,
        embedding_dim=3,
        steps=4,
        guidance=2.0,
        sampler="ddim",
        vocabulary="vocabulary.json",
    )
    recipes = tuple(Recipe(role=role, module=net, sizes=sizes) for role, net in nets.items())
    return Stage(recipes=recipes, what=what, files={"vocabulary.json": b"{}"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "starter"


@pytest.fixture(scope="module")
def said(folder: Path) -> list[str]:
    """What was said while the pack in ``folder`` was made."""
    sentences: list[str] = []
    bundle_starter((when_stage(), what_stage()), folder, say=sentences.append)
    return sentences


def test_starter_when_bundled_then_a_whole_pack_with_licence_and_credits(folder: Path, said: list[str]) -> None:
    files = Store([folder.parent]).open("starter")
    assert set(files.manifest.graphs) == {"onset", "text", "denoiser", "decoder"}
    assert files.manifest.licence.commercial_use == "unknown"
    assert "Greatest Hits" in files.manifest.licence.notice
    assert [data.name for data in files.manifest.training_data] == ["clips"]
    assert files.path(FILE_NAME).read_text() == attribution_markdown(credits())
    for role in files.manifest.graphs:
        assert any(sentence.startswith(f"{role}: torch and ONNX agree to") for sentence in said)


def test_starter_when_a_graph_does_not_agree_with_its_net_then_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = starter.export(onset_recipe())
    for weight in other.graph.initializer:
        weight.raw_data = bytes(len(weight.raw_data)) if weight.data_type == 1 else weight.raw_data
    monkeypatch.setattr(starter, "export", lambda recipe: other)
    with pytest.raises(PackError, match='graph "onset" at batch 2, time 24: torch and ONNX differ'):
        bundle_starter((when_stage(), what_stage()), tmp_path / "starter", say=lambda sentence: None)
    assert list(tmp_path.iterdir()) == []


def test_starter_when_a_stage_is_missing_or_given_twice_then_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="one when and one what stage"):
        bundle_starter((when_stage(),), tmp_path / "starter", say=lambda sentence: None)
    with pytest.raises(PackError, match='two recipes give the graph "onset"'):
        bundle_starter((when_stage(), when_stage()), tmp_path / "starter", say=lambda sentence: None)


def test_starter_when_too_large_for_the_wheel_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "starter_draft", lambda stages, say: replace(draft(), name="starter"))
    bundle_starter((), tmp_path / "starter", say=lambda sentence: None)
    monkeypatch.setattr(starter, "MAX_BYTES", 1000)
    with pytest.raises(PackError, match=r"the pack would have 0\.1 MB"):
        bundle_starter((), tmp_path / "large" / "starter", say=lambda sentence: None)
    assert not (tmp_path / "large").exists()


def test_credits_when_read_then_every_sound_is_accounted_for() -> None:
    rows = credits()
    by_licence = Counter[str]()
    for row in rows:
        by_licence[row.licence] += row.files
        assert row.collection
        assert row.source.startswith("http")
        assert row.author or row.licence == "CC0-1.0"
    assert by_licence["CC-BY-3.0"] + by_licence["CC-BY-4.0"] == 2222
    assert by_licence["CC0-1.0"] == 1122
    assert len([row for row in rows if row.licence != "CC0-1.0"]) == 86


def test_credits_when_written_for_the_pack_then_one_line_each_with_author_title_source_and_licence() -> None:
    rows = credits()
    lines = [line for line in attribution_markdown(rows).splitlines() if line.startswith("| CC")]
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert line.count(" | ") == 5
        assert all(part in line for part in (row.licence, row.author, row.collection, row.source, row.repository))


def test_credits_when_the_ledger_is_damaged_then_said_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("licence,author\nCC0,me\n")
    with pytest.raises(PackError, match="must have the columns"):
        credits(tmp_path / "a.csv")
    header = "licence,author,collection,works,files,source,repository\n"
    (tmp_path / "b.csv").write_text(header + "CC0-1.0,me,set,,many,http://a,http://b\n")
    with pytest.raises(PackError, match="cannot be read"):
        credits(tmp_path / "b.csv")


def test_command_when_a_checkpoint_is_missing_then_one_sentence_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "none.safetensors")
    code = main(["starter", "--when", missing, "--what", missing, "--out", str(tmp_path / "starter")])
    assert code == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("foley-export: there is no checkpoint")
    assert len(shown.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_command_when_run_as_a_program_without_words_then_usage_and_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "onnx_export"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "usage: foley-export" in done.stderr
    assert "Traceback" not in done.stderr


def test_command_when_torch_is_not_installed_then_names_the_extra() -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom onnx_export.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    words = ["starter", "--when", "a", "--what", "b", "--out", "c"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert 'pip install -e ".[export]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_command_when_training_then_the_rest_goes_to_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[list[str]] = []
    trainer = type("Trainer", (), {"main": staticmethod(lambda argv: got.append(argv))})
    monkeypatch.setitem(sys.modules, "onnx_export.train.when", trainer)  # type: ignore[arg-type]
    assert main(["train", "when", "--steps", "3", "--out", "x"]) == 0
    assert got == [["--steps", "3", "--out", "x"]]
