"""``foley-export syncfusion``, as a user types it, on small nets in the published layout."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.graph import Graph
from bridge.engine.loader import load
from bridge.engine.samplers import SAMPLERS
from bridge.errors import PackError
from bridge.media import mux, reference
from bridge.packs.store import Store
from onnx_export import syncfusion
from onnx_export.__main__ import main
from onnx_export.nets.clap import ClapText, load_clap
from onnx_export.nets.syncfusion.names import CLAP, COPIES, ENCODER
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.unet import UNet
from onnx_export.recipes import syncfusion_what
from onnx_export.torch_file import Checkpoint, read_tensors
from tests import clap, official, syncfusion_files
from tests.syncfusion_files import Published, publish

Refused = Callable[..., str]
ROLES = {"onset", "onset_encoder", "time_encoder", "embedding_encoder", "denoiser", "clap_text", "clap_audio"}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncfusion, "PUBLISHED", syncfusion_files.SIZES)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """All files; CLAP's is not the one of which the diffusion checkpoint has a copy."""

    def other(state: dict[str, Tensor]) -> None:
        state["module.text_projection.0.weight"] = state["module.text_projection.0.weight"] + 1.0

    return publish(tmp_path_factory.mktemp("published"), clap=other)


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the command; gives the one sentence with which it refuses, when it has written nothing."""

    def run(files: Published, *words: str) -> str:
        out = tmp_path / "packs" / "syncfusion"
        assert main([*files.words(out), *words]) == 2
        assert not out.parent.exists() or list(out.parent.iterdir()) == []
        said = capsys.readouterr().err
        assert said.startswith("foley-export: ")
        assert len(said.strip().splitlines()) == 1
        return said

    return run


@pytest.fixture(scope="module")
def made(published: Published, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The pack that the command makes, and what it says meanwhile."""
    out = tmp_path_factory.mktemp("packs") / "syncfusion"
    words = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(words):
        patch.setattr(syncfusion, "PUBLISHED", syncfusion_files.SIZES)
        assert main(published.words(out)) == 0
    return out, words.getvalue()


@pytest.fixture
def pack(made: tuple[Path, str]) -> Path:
    return made[0]


@pytest.fixture
def said(made: tuple[Path, str]) -> str:
    return made[1]


def test_export_when_the_files_are_whole_then_a_pack_that_opens_and_says_what_it_is(pack: Path) -> None:
    files = Store([pack.parent]).open("syncfusion")
    manifest = files.manifest
    assert set(manifest.graphs) == ROLES
    assert manifest.licence.commercial_use == "unknown"
    assert "no licence" in manifest.licence.notice
    assert any("Greatest Hits" in data.name for data in manifest.training_data)
    assert any("LAION-Audio" in data.name for data in manifest.training_data)
    what = manifest.require_what()
    assert (what.tokenizer, what.null_embedding) == ("tokenizer.json", "null_embedding.npy")
    assert what.sampler in SAMPLERS
    assert set(manifest.files) == {f"{role}.onnx" for role in ROLES} | {"tokenizer.json", "null_embedding.npy"}
    assert [path.name for path in pack.parent.iterdir()] == ["syncfusion"]


def test_export_when_run_then_graphs_and_null_embedding_are_the_checkpoints(pack: Path, published: Published) -> None:
    files = Store([pack.parent]).open("syncfusion")
    stored = read_tensors(published.diffusion)
    unet = UNet(syncfusion_files.UNET_SHAPE).eval()
    unet.load_state_dict({name[len(COPIES[0]) :]: stored[name] for name in stored if name.startswith(COPIES[0])})
    encoder = OnsetEncoder(syncfusion_files.ENCODER_SHAPE).eval()
    encoder.load_state_dict({name[len(ENCODER) :]: stored[name] for name in stored if name.startswith(ENCODER)})
    null: Any = np.load(files.path("null_embedding.npy"))
    assert null.dtype == np.float32
    assert np.array_equal(null, unet.null_embedding.detach().numpy().reshape(1, -1))
    track, sigma = official.onset_track(64, batch=2), torch.tensor([0.3, 0.9])
    given = {
        "noisy": torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(1)),
        "onset_track": track,
        "sigma": sigma,
        "embedding": torch.from_numpy(null).repeat(2, 1),
    }
    values = {name: tensor.numpy() for name, tensor in given.items()}
    for role in ("onset_encoder", "time_encoder", "embedding_encoder", "denoiser"):
        entry = files.manifest.entry(role)
        graph = Graph(files.graph_path(role), spec=entry.spec, where=role, threads=1)
        values |= graph({tensor.name: values[tensor.name] for tensor in entry.inputs})
    with torch.no_grad():
        expected = unet(given["noisy"], sigma, encoder(track)).numpy()
    assert np.abs(values["velocity"] - expected).max() < 1e-4 * np.abs(expected).max()


def test_export_when_clap_differs_then_the_diffusion_checkpoints_weights_and_it_is_said(
    pack: Path, published: Published, said: str
) -> None:
    assert "are not those of 630k.pt: 1 of" in said
    assert "The diffusion checkpoint's are used" in said
    net = load_clap(read_tensors(published.diffusion, prefix=CLAP), clap.TINY)
    files = Store([pack.parent]).open("syncfusion")
    entry = files.manifest.entry("clap_text")
    tokens, mask = clap.prompts(clap.TINY.text.vocabulary)
    given = {"tokens": tokens, "attention_mask": mask}
    answer = Graph(files.graph_path("clap_text"), spec=entry.spec, where="clap_text", threads=1)(given)["embedding"]
    with torch.no_grad():
        expected = ClapText(net)(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()
    assert np.abs(answer - expected).max() < 1e-5


def test_export_when_clap_is_the_same_then_said(published: Published, capsys: pytest.CaptureFixture[str]) -> None:
    same = Checkpoint(published.diffusion)
    syncfusion.say_how_clap_differs(same, CLAP, same, print)
    assert "are those of diffusion.ckpt" in capsys.readouterr().out


def test_export_when_precision_and_operators_are_chosen_then_the_generator_is_made_so(
    published: Published, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[dict[str, Any]] = []

    def stage(unet: object, encoder: object, **words: Any) -> None:
        chosen.append(words)
        raise PackError("stopped", hint="here")

    monkeypatch.setattr(syncfusion_what, "stage", stage)
    refused(published, "--precision", "fp16", "--plain")
    refused(published, "--precision", "int8")
    refused(published)
    assert [(words["precision"], words["plain"]) for words in chosen] == [
        ("fp16", True),
        ("int8", False),
        ("fp32", False),
    ]


@pytest.mark.parametrize(("given", "slot"), list(itertools.permutations(("onset", "diffusion", "clap"), 2)))
def test_export_when_a_checkpoint_is_in_another_slot_then_says_which_it_is(
    published: Published, refused: Refused, given: str, slot: str
) -> None:
    words = {"onset": published.onset, "diffusion": published.diffusion, "clap": published.clap}
    name = {"onset": "the onset", "diffusion": "the diffusion", "clap": "the CLAP"}[given]
    said = refused(published, f"--{slot}-checkpoint", str(words[given]))
    assert f"looks like {name} checkpoint; it was given as --{slot}-checkpoint" in said


def test_export_when_a_checkpoint_is_of_something_else_then_says_what_it_holds(
    published: Published, refused: Refused, tmp_path: Path
) -> None:
    torch.save({"state_dict": {"encoder.weight": torch.ones(2)}}, tmp_path / "other.ckpt")
    said = refused(published, "--diffusion-checkpoint", str(tmp_path / "other.ckpt"))
    assert "is not the diffusion checkpoint of SyncFusion" in said
    assert "encoder.weight" in said


def rename(old: str, new: str) -> Callable[[dict[str, Tensor]], None]:
    def change(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.endswith(old)]:
            state[name.removesuffix(old) + new] = state.pop(name)

    return change


def spoil(ending: str, value: float = float("nan")) -> Callable[[dict[str, Tensor]], None]:
    def change(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.endswith(ending)]:
            state[name].view(-1)[0] = value

    return change


def cut(ending: str) -> Callable[[dict[str, Tensor]], None]:
    def change(state: dict[str, Tensor]) -> None:
        for name in [name for name in state if name.endswith(ending)]:
            state[name] = state[name][:-1]

    return change


UNET_WEIGHT = "blocks.2.blocks.1.net.block.blocks.0.block.weight"
PLACES = [
    ("onset", "fc.0.weight"),
    ("diffusion", UNET_WEIGHT),
    ("diffusion", "to_in.block.to_out.weight"),
    ("diffusion", "text_projection.0.weight"),
]


@pytest.mark.parametrize(("slot", "weight"), PLACES)
def test_export_when_a_weight_is_renamed_then_both_names_and_nothing_written(
    tmp_path: Path, refused: Refused, slot: str, weight: str
) -> None:
    other = weight.replace("weight", "wait")
    said = refused(publish(tmp_path / "in", **{slot: rename(weight, other)}))
    assert f'{weight}" is missing' in said
    assert f'{other}" is extra' in said


@pytest.mark.parametrize(("slot", "weight"), PLACES)
def test_export_when_a_weight_is_not_a_number_or_misshapen_then_named(
    tmp_path: Path, refused: Refused, slot: str, weight: str
) -> None:
    said = refused(publish(tmp_path / "in", **{slot: spoil(weight)}))
    assert "not finite" in said
    assert weight in said
    said = refused(publish(tmp_path / "in2", **{slot: cut(weight)}))
    assert weight in said


def test_export_when_a_name_is_of_no_part_then_extra(tmp_path: Path, refused: Refused) -> None:
    def add(state: dict[str, Tensor]) -> None:
        state["discriminator.weight"] = torch.ones(1)

    for slot in ("onset", "diffusion", "clap"):
        assert '"discriminator.weight" is extra' in refused(publish(tmp_path / slot, **{slot: add}))


def test_export_when_one_copy_of_the_unet_differs_then_named(tmp_path: Path, refused: Refused) -> None:
    def change(state: dict[str, Tensor]) -> None:
        state[COPIES[2] + UNET_WEIGHT] = state[COPIES[2] + UNET_WEIGHT] + 1.0

    assert COPIES[2] + UNET_WEIGHT in refused(publish(tmp_path / "in", diffusion=change))


class Runs:
    """Pickles as a call of the system's shell."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("slot", ["onset", "diffusion", "clap"])
def test_export_when_a_checkpoint_holds_code_then_it_does_not_run(
    published: Published, refused: Refused, tmp_path: Path, slot: str
) -> None:
    marker = tmp_path / "marker"
    state = read_tensors({"onset": published.onset, "diffusion": published.diffusion, "clap": published.clap}[slot])
    torch.save({"state_dict": state, "callbacks": {"EarlyStopping": Runs(marker)}}, tmp_path / "bad.ckpt")
    tokens = ("--tokenizer", str(published.clap.parent))
    said = refused(published, f"--{slot}-checkpoint", str(tmp_path / "bad.ckpt"), *tokens)
    assert "bad.ckpt holds code: posix.system" in said
    assert not marker.exists()


def test_export_when_the_tokeniser_is_missing_then_says_what_to_put_where(
    published: Published, refused: Refused, tmp_path: Path
) -> None:
    (tmp_path / "tokens").mkdir()
    said = refused(published, "--tokenizer", str(tmp_path / "tokens"))
    assert "vocab.json and merges.txt" in said
    assert "beside the CLAP checkpoint" in said
    shutil.copy(published.clap.parent / "vocab.json", tmp_path / "tokens")
    assert f"{tmp_path / 'tokens'} lacks the tokeniser's merges.txt" in refused(
        published, "--tokenizer", str(tmp_path / "tokens")
    )


def test_export_when_the_place_is_taken_or_named_otherwise_then_said_before_any_work(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(published.words(tmp_path / "mine")) == 2
    assert "Call the folder syncfusion" in capsys.readouterr().err
    (tmp_path / "syncfusion").mkdir()
    (tmp_path / "syncfusion" / "thesis.txt").write_text("years of work")
    assert main(published.words(tmp_path / "syncfusion")) == 2
    said = capsys.readouterr()
    assert "is not a pack" in said.err
    assert "Reading" not in said.out


def test_export_when_a_file_is_missing_or_cut_then_named(
    published: Published, refused: Refused, tmp_path: Path
) -> None:
    assert "there is no checkpoint" in refused(
        published, "--clap-checkpoint", str(tmp_path / "gone.pt"), "--tokenizer", str(published.clap.parent)
    )
    half = tmp_path / "half.ckpt"
    half.write_bytes(published.diffusion.read_bytes()[:-500])
    assert "half.ckpt is damaged or cut short" in refused(published, "--diffusion-checkpoint", str(half))


def test_export_when_made_then_the_engine_finds_onsets_and_makes_sound_with_it(pack: Path, tmp_path: Path) -> None:
    engine = Engine(load(Store([pack.parent]), "syncfusion", provider="cpu", threads=1))
    engine.warm_up()
    flashes = (np.full((48, 64, 3), 200 * (number % 5 == 0), np.uint8) for number in range(25))
    mux.encode_frames(tmp_path / "film.mp4", flashes, 25.0)
    film = Clip(source_path=str(tmp_path / "film.mp4"), source_length_s=1.0, length_s=1.0, name="film.mp4")
    assert len(engine.detect(film, threshold=0.0).activation.values) in (15, 16)
    onsets = (Onset(time_s=0.1), Onset(time_s=0.6))
    asked = Request(length_samples=48000, rate_hz=48000, onsets=onsets, prompt="wood on wood", seed=1, steps=2)
    soundfile.write(tmp_path / "knock.wav", np.random.default_rng(0).normal(0.0, 0.1, 9000), 22050)
    heard = replace(asked, reference=reference.named(tmp_path / "knock.wav"))
    sounds = [engine.render(one).samples[0] for one in (asked, heard, replace(asked, sampler="ddim"))]
    assert all(sound.shape == (48000,) and np.isfinite(sound).all() for sound in sounds)
    assert all(np.abs(sound[:4700]).max() == 0.0 < np.abs(sound[4800:]).max() for sound in sounds)
    assert not np.array_equal(sounds[0], sounds[1])
    assert np.array_equal(engine.render(asked).samples[0], sounds[0])
