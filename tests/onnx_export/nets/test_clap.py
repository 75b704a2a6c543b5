"""CLAP takes an official checkpoint whole or not at all, and tells sounds and words apart."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bridge.errors import PackError
from onnx_export.nets.clap import Clap, ClapAudio, ClapShape, ClapText, load_clap
from onnx_export.nets.clap_audio import AudioBranch
from onnx_export.nets.clap_text import PAD, TextBranch
from tests import clap as small

OFFICIAL_PARAMETERS = 158_334_169
AUDIO_PARAMETERS = 31_325_143
TEXT_PARAMETERS = 124_645_632
PROJECTION_PARAMETERS = 656_384
TRANSFORM_PARAMETERS = 1_050_624
FRONT_END = 2 * 513 * 1024 + 513 * 64
LABELS_OF_AUDIOSET = (768 * 2 * 3 * 527 + 527) + (527 * 527 + 527)
GOLDEN_AUDIO = (
    (-0.305605, 0.239266, -0.039782, -0.103561),
    (-0.210410, 0.104179, 0.036319, -0.098998),
    (-0.279014, 0.303419, -0.131324, -0.146661),
)
"""First numbers of the embeddings that laion-clap 1.1.7 makes of ``small.waveforms`` with ``small.state``."""
GOLDEN_TEXT = (
    (0.017641, 0.424924, 0.311974, 0.173741),
    (-0.097544, 0.016655, 0.215933, 0.290803),
    (0.072345, 0.176580, 0.540311, 0.166988),
)
"""The same of ``small.prompts``."""


def parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.fixture
def tensors() -> dict[str, Tensor]:
    return small.state()


@torch.no_grad()
def heard(waveforms: np.ndarray, tensors: dict[str, Tensor] | None = None) -> np.ndarray:
    net = ClapAudio(load_clap(tensors or small.state(), small.TINY))
    return net(torch.from_numpy(waveforms)).numpy()


@torch.no_grad()
def read(tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
    net = ClapText(load_clap(small.state(), small.TINY))
    return net(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()


def test_clap_when_of_official_size_then_it_has_the_official_parameters_less_the_unused():
    with torch.device("meta"):
        clap = Clap(ClapShape())
        assert isinstance(clap.audio_branch, AudioBranch)
        assert isinstance(clap.text_branch, TextBranch)
    assert parameters(clap.audio_branch) == AUDIO_PARAMETERS - FRONT_END - LABELS_OF_AUDIOSET
    assert parameters(clap.text_branch) == TEXT_PARAMETERS
    assert parameters(clap.audio_projection) == parameters(clap.text_projection) == PROJECTION_PARAMETERS
    unused = FRONT_END + LABELS_OF_AUDIOSET + TRANSFORM_PARAMETERS + len(("logit_scale_a", "logit_scale_t"))
    assert parameters(clap) + unused == OFFICIAL_PARAMETERS


def test_checkpoint_when_official_then_every_weight_is_taken_or_known_to_be_unused(tensors: dict[str, Tensor]):
    clap = load_clap(tensors, small.TINY)
    for name, tensor in clap.state_dict().items():
        torch.testing.assert_close(tensor, tensors[name])
    taken = set(clap.state_dict()) | set(clap.worked_out())
    assert {name.split(".")[0] for name in set(tensors) - taken} == {
        "audio_branch",
        "audio_transform",
        "text_transform",
        "text_branch",
        "logit_scale_a",
        "logit_scale_t",
    }


def test_checkpoint_when_stored_without_what_is_unused_then_it_loads_all_the_same(tensors: dict[str, Tensor]):
    needed = {name: tensors[name] for name in Clap(small.TINY).state_dict()}
    sound = small.waveforms(small.TINY.audio.mel.clip_samples)
    np.testing.assert_array_equal(heard(sound, needed), heard(sound, tensors))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("audio_branch.layers.0.blocks.1.attn.qkv.bias", None, "is missing"),
        ("text_branch.pooler.dense.weight", None, "is missing"),
        ("text_branch.encoder.layer.9.output.dense.bias", torch.zeros(24), "is extra"),
        ("audio_branch.patch_embed.mel_conv2d.weight", torch.zeros(16, 1, 4, 12), "is extra"),
        ("text_projection.2.weight", torch.zeros(12, 13), "12x13"),
        ("audio_branch.bn0.running_var", torch.full((8,), torch.nan), "not finite"),
    ],
)
def test_checkpoint_when_it_does_not_fit_then_the_weight_is_named(
    tensors: dict[str, Tensor], name: str, change: Tensor | None, says: str
):
    tensors.pop(name, None)
    if change is not None:
        tensors[name] = change
    with pytest.raises(PackError) as caught:
        load_clap(tensors, small.TINY)
    assert name in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "audio_branch.logmel_extractor.melW",
        "audio_branch.spectrogram_extractor.stft.conv_imag.weight",
        "audio_branch.layers.0.blocks.1.attn_mask",
        "audio_branch.layers.1.blocks.0.attn.relative_position_index",
    ],
)
def test_checkpoint_when_it_was_trained_with_another_ear_then_it_is_refused_by_name(
    tensors: dict[str, Tensor], name: str
):
    tensors[name] = tensors[name].roll(1, 0)
    with pytest.raises(PackError, match="front end") as caught:
        load_clap(tensors, small.TINY)
    assert name in str(caught.value)


def test_embeddings_when_made_then_they_are_of_length_one_and_different_things_lie_apart():
    sounds = heard(small.waveforms(small.TINY.audio.mel.clip_samples))
    words = read(*small.prompts(small.TINY.text.vocabulary))
    for embeddings in (sounds, words):
        np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-6)
        alike = embeddings @ embeddings.T
        assert alike[np.triu_indices(3, 1)].max() < 0.995


def test_embeddings_when_batched_then_neighbours_do_not_matter():
    sounds = small.waveforms(small.TINY.audio.mel.clip_samples)
    tokens, mask = small.prompts(small.TINY.text.vocabulary)
    np.testing.assert_allclose(heard(sounds)[1:2], heard(sounds[1:2]), atol=1e-6)
    np.testing.assert_allclose(read(tokens, mask)[1:2], read(tokens[1:2], mask[1:2]), atol=1e-6)


def test_words_when_padding_is_longer_then_the_embedding_is_the_same():
    tokens, mask = small.prompts(small.TINY.text.vocabulary, tokens=40)
    short, seen = tokens[1:2, :20], mask[1:2, :20]
    assert seen.all()
    longer = np.pad(short, ((0, 0), (0, 30)), constant_values=PAD)
    np.testing.assert_allclose(read(longer, np.pad(seen, ((0, 0), (0, 30)))), read(short, seen), atol=1e-6)


def test_embeddings_when_weights_are_known_then_they_are_the_authors_numbers():
    """Against numbers that the authors' code gave for the same weights; ``test_clap_official`` has the code."""
    shape = small.WITH_OFFICIAL_WORDS
    clap = load_clap(small.state(shape), shape)
    tokens, mask = small.prompts(shape.text.vocabulary)
    with torch.no_grad():
        sound = ClapAudio(clap)(torch.from_numpy(small.waveforms(shape.audio.mel.clip_samples)))
        words = ClapText(clap)(torch.from_numpy(tokens), torch.from_numpy(mask))
    np.testing.assert_allclose(sound.numpy()[:, :4], GOLDEN_AUDIO, atol=1e-5)
    np.testing.assert_allclose(words.numpy()[:, :4], GOLDEN_TEXT, atol=1e-5)
