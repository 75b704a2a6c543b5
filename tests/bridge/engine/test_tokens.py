"""Prompts become tokens and references become clips, as CLAP wants them."""

from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, processors

from bridge.engine.tokens import Tokenizer, clip_of_reference
from bridge.errors import PackError, RequestError

WORDS = ("<s>", "<pad>", "</s>", "glass", "steps", "on", "gravel", "loud")
LENGTH = 7


def word_tokenizer(*, cut: bool = True) -> tokenizers.Tokenizer:
    """Seven numbers a prompt, one a word."""
    inner = tokenizers.Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "<pad>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    if cut:
        inner.enable_truncation(LENGTH)
    inner.enable_padding(length=LENGTH, pad_id=1, pad_token="<pad>")
    return inner


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokenizer.json"
    word_tokenizer().save(str(path))
    return path


def test_prompt_when_short_then_it_is_filled_up_and_the_mask_says_where(file: Path):
    tokens, mask = Tokenizer.read(file).encode("steps on gravel")
    assert tokens.tolist() == [[0, 4, 5, 6, 2, 1, 1]]
    assert mask.tolist() == [[1, 1, 1, 1, 1, 0, 0]]
    assert tokens.dtype == mask.dtype == np.int64


def test_prompt_when_space_is_typed_around_it_then_nothing_changes(file: Path):
    tokenizer = Tokenizer.read(file)
    np.testing.assert_array_equal(tokenizer.encode("  glass\n")[0], tokenizer.encode("glass")[0])


def test_prompt_when_too_long_then_it_is_cut_and_the_rest_is_named(file: Path):
    tokenizer = Tokenizer.read(file)
    tokens, mask = tokenizer.encode("steps on gravel on glass loud steps")
    assert tokens.tolist() == [[0, 4, 5, 6, 5, 3, 2]]
    assert mask.all()
    assert tokenizer.left_out("steps on gravel on glass loud steps") == ("loud", "steps")
    assert tokenizer.left_out(" steps on gravel on glass ") == ()


def test_prompt_when_it_ends_in_marks_then_they_are_no_words_left_out(file: Path):
    assert Tokenizer.read(file).left_out("steps on gravel !!! ...") == ()


@pytest.mark.parametrize(
    ("prompt", "ignored"),
    [
        ("glass steps", ()),
        ("Purple glass zebra's", ("Purple", "zebra")),
        ("the sound, of steps", ()),
        ("glass 7 x", ()),
        ("on gravel quartz glass glass loud zebra", ("quartz", "loud", "zebra")),
    ],
)
def test_ignored_when_words_are_unknown_then_those_that_matter_are_named_as_typed(
    file: Path, prompt: str, ignored: tuple[str, ...]
):
    assert Tokenizer.read(file).ignored(prompt) == ignored


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("purple zebra", '"purple", "zebra"'),
        ("a xylophonist on", '"xylophonist"'),
        ("on", '"on"'),
        (" on ON the sound", '"on ON the sound"'),
        ("!?", '"!?"'),
        ("дверь", "дверь"),
    ],
)
def test_ignored_when_nothing_that_matters_is_known_then_refused_with_a_way_out(file: Path, prompt: str, said: str):
    with pytest.raises(RequestError, match="not understood") as caught:
        Tokenizer.read(file).ignored(prompt)
    assert said in caught.value.message
    assert "metal plate" in caught.value.hint


def test_ignored_when_a_word_is_spelled_in_letters_beside_unknown_ones_then_it_is_known():
    letters = {letter: number for number, letter in enumerate("?abcdefghijklmnopqrstuvwxyz")}
    inner = tokenizers.Tokenizer(models.BPE(letters, [], unk_token="?"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.enable_truncation(20)
    tokenizer = Tokenizer(inner, where="letters")
    assert tokenizer.ignored("qwxyz дверь") == ("дверь",)
    assert tokenizer.ignored("qwxyz") == ()


def test_known_words_when_there_is_a_token_for_unknown_ones_then_those_of_letters_are_counted(file: Path):
    assert Tokenizer.read(file).known_words == len(("glass", "steps", "on", "gravel", "loud"))


def test_ignored_when_every_word_can_be_spelled_then_none_is_unknown(tmp_path: Path):
    letters = {letter: number for number, letter in enumerate("<abcdefghijklmnopqrstuvwxyz")}
    inner = tokenizers.Tokenizer(models.BPE(letters, []))
    inner.enable_truncation(5)
    inner.save(str(tmp_path / "bytes.json"))
    tokenizer = Tokenizer.read(tmp_path / "bytes.json")
    assert tokenizer.known_words is None
    assert tokenizer.ignored("qwxyz") == ()
    assert tokenizer.ignored("qwxyzab more") == ("ab", "more")


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_prompt_when_empty_then_the_request_is_refused(file: Path, prompt: str):
    with pytest.raises(RequestError, match="empty"):
        Tokenizer.read(file).encode(prompt)


def test_prompt_when_it_is_no_text_then_the_request_is_refused(file: Path):
    with pytest.raises(RequestError, match="prompt"):
        Tokenizer.read(file).encode("glass \ud800")


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"model": 3}', b"\xff\xfe\x00"])
def test_file_when_damaged_then_the_error_names_it(file: Path, damage: bytes):
    file.write_bytes(damage)
    with pytest.raises(PackError, match=r"tokenizer\.json"):
        Tokenizer.read(file)


def test_file_when_missing_then_the_error_names_it(tmp_path: Path):
    with pytest.raises(PackError, match=r"gone\.json"):
        Tokenizer.read(tmp_path / "gone.json")


def test_file_when_it_does_not_cut_prompts_then_it_is_refused(tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    word_tokenizer(cut=False).save(str(path))
    with pytest.raises(PackError, match="cut"):
        Tokenizer.read(path)


def test_reference_when_shorter_than_the_clip_then_it_is_repeated_whole_and_silence_follows():
    clip = clip_of_reference(np.array([1.0, -1.0, 0.0], np.float32), 8)
    assert clip.tolist() == [[1, -1, 0, 1, -1, 0, 0, 0]]
    assert clip.dtype == np.float32


def test_reference_when_longer_than_the_clip_then_its_beginning_is_taken_every_time():
    sound = np.linspace(-1.0, 1.0, 50, dtype=np.float32)
    first, again = clip_of_reference(sound[None], 10), clip_of_reference(sound, 10)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first[0], sound[:10], atol=1.0 / 32767)


def test_reference_when_prepared_then_it_is_rounded_to_16_bits_towards_zero_and_cut_to_full_scale():
    sound = np.array([0.5, -0.5, 1.7, -3.0, 0.9 / 32767, -0.9 / 32767, 1.5 / 32767], np.float32)
    expected = np.array([16383, -16383, 32767, -32767, 0, 0, 1], np.float32) / 32767
    np.testing.assert_allclose(clip_of_reference(sound, 7)[0], expected, atol=1e-9)


@pytest.mark.parametrize("sound", [[], [0.1, np.nan]])
def test_reference_when_there_is_nothing_to_hear_then_the_request_is_refused(sound: list[float]):
    with pytest.raises(RequestError, match="reference"):
        clip_of_reference(np.array(sound, np.float32), 10)
