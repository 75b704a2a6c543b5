"""The starter pack from stages, its credits, and the command line around it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from bridge.dsp.motion import MotionSettings
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.manifest import CommercialUse, TrainingData
from bridge.packs.stages import Frontend, What, When
from bridge.packs.store import Store
from onnx_export import starter
from onnx_export.__main__ import main
from onnx_export.attribution import FILE_NAME, attribution_markdown, credits
from onnx_export.cards import Trained
from onnx_export.evaluate.starter.figures import Part, Report, figure
from onnx_export.recipe import Recipe, Stage
from onnx_export.starter import bundle_starter
from tests.onnx_export.nets import onset_recipe
from tests.packs import draft

SOUNDS = TrainingData(name="Recorded one-shots", licence="CC0-1.0, CC-BY-3.0", commercial_use="yes")


class Words(nn.Module):
    """Tokens to embedding: the mean of a table's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 3)

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        known = attention_mask[:, :, None].float()
        return (self.table(tokens) * known).sum(dim=1) / known.sum(dim=1)


class Ears(nn.Module):
    """A clip of eight samples to an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(8, 3)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.look(waveform)


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


def when_stage(*, use: CommercialUse = "unknown") -> Stage:
    when = When(
        frontend=Frontend.from_wire(MotionSettings(rows=2, columns=3).to_manifest()),
        rate_hz=30.0,
        window_steps=64,
        overlap_steps=16,
        threshold=0.4,
        min_distance_s=0.1,
        latency_s=0.0,
    )
    data = TrainingData(name="clips of somebody", licence="none stated", commercial_use=use)
    return Stage(recipes=(onset_recipe(),), when=when, training_data=(data,))


def embed_stage() -> Stage:
    torch.manual_seed(1)
    sizes = {"dim": 3, "vocabulary": 5, "clip": 8}
    shapes = ({"batch": 2, "tokens": 4}, {"batch": 1, "tokens": 6})
    recipes = (
        Recipe(role=contract.CLAP_TEXT, module=Words(), sizes=sizes, shapes=shapes),
        Recipe(role=contract.CLAP_AUDIO, module=Ears(), sizes=sizes, shapes=({"batch": 2}, {"batch": 1})),
    )
    return Stage(recipes=recipes, files={"tokenizer.json": b"{}"}, training_data=(SOUNDS,))


def what_stage() -> Stage:
    torch.manual_seed(0)
    sizes = {"channels": 8, "dim": 3}
    nets = {contract.DENOISER: Velocity(), contract.DECODER: Blocks()}
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
        tokenizer="tokenizer.json",
        null_embedding="null_embedding.npy",
    )
    recipes = tuple(Recipe(role=role, module=net, sizes=sizes) for role, net in nets.items())
    return Stage(recipes=recipes, what=what, files={"null_embedding.npy": b"0"}, training_data=(SOUNDS,))


def parts(*, digest: str = "") -> tuple[Trained, ...]:
    """A trained starter; with ``digest`` the embedder's checkpoint has it and the generator's names "abc"."""
    embed = Trained(stage=embed_stage(), digest=digest)
    what = Trained(stage=what_stage(), facts={"embed": "abc"}, digest="of the generator" if digest else "")
    return Trained(stage=when_stage()), embed, what


EXPORTED: dict[str, onnx.ModelProto] = {}


@pytest.fixture
def exported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nets of the same seeds need no second export."""
    really = starter.export

    def export(recipe: Recipe) -> onnx.ModelProto:
        if recipe.role not in EXPORTED:
            EXPORTED[recipe.role] = really(recipe)
        return EXPORTED[recipe.role]

    monkeypatch.setattr(starter, "export", export)


def quiet(sentence: str) -> None:
    """Says nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "starter"


@pytest.fixture(scope="module")
def said(folder: Path) -> list[str]:
    """What was said while the packs beside ``folder`` were made."""
    sentences: list[str] = []
    clean = Trained(stage=when_stage(use="yes"))
    bundle_starter(parts(), folder, say=sentences.append, clean=clean)
    return sentences


def test_starter_when_bundled_then_a_whole_pack_with_licence_cards_and_credits(folder: Path, said: list[str]) -> None:
    files = Store([folder.parent]).open("starter")
    assert set(files.manifest.graphs) == {"onset", "clap_text", "clap_audio", "denoiser", "decoder"}
    assert files.manifest.licence.commercial_use == "unknown"
    assert "clips of somebody (licence: none stated)" in files.manifest.licence.notice
    assert [data.name for data in files.manifest.training_data] == ["clips of somebody", SOUNDS.name]
    assert files.path(FILE_NAME).read_text() == attribution_markdown(credits())
    for role, entry in files.manifest.graphs.items():
        assert any(sentence.startswith(f"{role}: torch and ONNX agree to") for sentence in said)
        assert files.manifest.files[entry.file] in files.path(entry.card).read_text(), "the graph's own SHA-256"


def test_starter_when_a_clean_net_is_given_then_a_second_pack_that_only_finds_onsets(
    folder: Path, said: list[str]
) -> None:
    files = Store([folder.parent]).open("starter-clean")
    assert set(files.manifest.graphs) == {"onset"}
    assert files.manifest.what is None
    assert files.manifest.licence.commercial_use == "yes"
    assert FILE_NAME not in files.manifest.files
    assert files.manifest.title.startswith("Starter, clean")


def test_starter_when_the_clean_net_saw_doubtful_data_then_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="not trained on clean data only"):
        bundle_starter(parts(), tmp_path / "starter", say=quiet, clean=Trained(stage=when_stage()))
    assert list(tmp_path.iterdir()) == []


def test_starter_when_made_twice_then_the_same_bytes(folder: Path, said: list[str], tmp_path: Path) -> None:
    (again,) = bundle_starter(parts(), tmp_path / "starter", say=quiet)
    assert again.digest == Store([folder.parent]).open("starter").digest


@pytest.mark.usefixtures("exported_once")
def test_starter_when_generator_and_embedder_do_not_belong_together_then_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="trained with another embedder"):
        bundle_starter(parts(digest="def"), tmp_path / "starter", say=quiet)
    assert list(tmp_path.iterdir()) == []
    assert bundle_starter(parts(digest="abc"), tmp_path / "starter", say=quiet)


@pytest.mark.usefixtures("exported_once")
def test_starter_when_figures_are_of_other_weights_then_refused(tmp_path: Path) -> None:
    found = Part(name="when", title="Onsets", figures={}, roles=("onset",))
    report = Report(pack={"name": "starter"}, graphs={"onset": "0" * 64}, machine={}, parts={"when": found})
    with pytest.raises(PackError, match='of another "onset" graph'):
        bundle_starter(parts(), tmp_path / "starter", say=quiet, figures=report)


@pytest.mark.usefixtures("exported_once")
def test_starter_when_measured_then_the_cards_show_it(folder: Path, said: list[str], tmp_path: Path) -> None:
    measured = Store([folder.parent]).open("starter")
    found = Part(
        name="when",
        title="Onsets found",
        figures={"F, 50 ms": figure([0.5, 0.6, 0.7], of="clips", at_least=0.55)},
        notes=("Of nobody's clips.",),
        roles=("onset",),
    )
    report = replace(Report.of(measured, machine={"cores": 2}), parts={"when": found})
    (made,) = bundle_starter(parts(), tmp_path / "starter", say=quiet, figures=report)
    shown = made.path(made.manifest.graphs["onset"].card).read_text()
    assert "| F, 50 ms | 0.600 (mean) |" in shown
    assert "- Of nobody's clips." in shown
    assert "cores 2" in shown
    assert "Not measured by itself." in made.path(made.manifest.graphs["decoder"].card).read_text()


def test_starter_when_a_graph_does_not_agree_with_its_net_then_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = starter.export(onset_recipe())
    for weight in other.graph.initializer:
        weight.raw_data = bytes(len(weight.raw_data)) if weight.data_type == 1 else weight.raw_data
    monkeypatch.setattr(starter, "export", lambda recipe: other)
    with pytest.raises(PackError, match='graph "onset" at batch 2, time 24: torch and ONNX differ'):
        bundle_starter(parts(), tmp_path / "starter", say=quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("exported_once")
def test_starter_when_a_stage_is_missing_or_given_twice_then_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match='the pack "starter" lacks a stage'):
        bundle_starter(parts()[:1], tmp_path / "starter", say=quiet)
    with pytest.raises(PackError, match='two recipes give the graph "onset"'):
        bundle_starter(parts()[:1] * 2, tmp_path / "starter", say=quiet)


def test_starter_when_too_large_for_the_wheel_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "starter_draft", lambda parts, **rest: replace(draft(), name="starter"))
    bundle_starter((), tmp_path / "starter", say=quiet)
    monkeypatch.setattr(starter, "MAX_BYTES", 1000)
    with pytest.raises(PackError, match=r"the pack would have 0\.1 MB"):
        bundle_starter((), tmp_path / "large" / "starter", say=quiet)
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
    words = ["--when", missing, "--embed", missing, "--what", missing]
    code = main(["starter", *words, "--out", str(tmp_path / "starter")])
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
    words = ["starter", "--when", "a", "--embed", "d", "--what", "b", "--out", "c"]
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
