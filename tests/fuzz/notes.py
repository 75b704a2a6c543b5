"""What a project remembers for the bridge, as JSON in its own texts: recipes, controls, what was seen, a reference."""

from __future__ import annotations

import contextlib
import functools
import json
from pathlib import Path

from hypothesis import strategies as st

from bridge.domain.clip import Clip
from bridge.domain.controls import RANGES, Controls
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import MAX_SEED, Request
from bridge.engine.parts import Part, parts_of
from bridge.errors import BridgeError
from bridge.jobs import seen
from bridge.jobs.seen import Seen
from bridge.jobs.settings import project_reference
from bridge.jobs.telling import output_of
from tests.fakes import project
from tests.fuzz.cases import bent, bent_json
from tests.fuzz.files import folder
from tests.fuzz.target import Target, again

shares = st.floats(0.0, 1.0)
seeds = st.integers(0, MAX_SEED)
samples = st.integers(0, 10**7)
words = st.text(max_size=20)
onsets = st.builds(
    Onset, time_s=st.floats(0.0, 100.0), confidence=shares, strength=shares, prompt=words, force=st.none() | shares
)
references = st.builds(
    Reference,
    path=words,
    sha256=st.just("a" * 64),
    start_s=st.floats(0.0, 100.0),
    length_s=st.none() | st.floats(0.01, 100.0),
)
requests = st.builds(
    Request,
    length_samples=st.integers(1, 10**7),
    rate_hz=st.integers(1, 192_000),
    onsets=st.lists(onsets, max_size=3).map(lambda some: tuple(sorted(some, key=lambda onset: onset.time_s))),
    prompt=words,
    seed=seeds,
    guidance=st.none() | st.floats(0.0, 20.0),
    steps=st.none() | st.integers(1, 100),
    reference=st.none() | references,
    sampler=st.none() | words,
    mix=st.lists(st.tuples(seeds, shares), max_size=2).map(tuple),
)
withins = st.none() | st.tuples(samples, samples)
recipes = st.builds(
    Recipe,
    request=requests,
    pack=words,
    pack_version=words,
    pack_digest=words,
    licence=words,
    commercial_use=st.sampled_from(("yes", "no", "unknown")),
    video_item_guid=words,
    source_path=words,
    time_map=st.dictionaries(words, st.floats(-10.0, 10.0) | st.none() | st.booleans(), max_size=2),
    previous_digest=words,
    within=withins,
    parts=st.lists(st.builds(Part, request=requests, within=withins).map(Part.to_table), max_size=2).map(tuple),
    controls=st.dictionaries(st.sampled_from(sorted(RANGES)), st.just(1.0), max_size=2),
    output=st.dictionaries(words, words | st.integers(0, 9), max_size=2),
)
controls = st.builds(
    Controls,
    **{name: st.floats(*edges) for name, edges in RANGES.items() if name != "takes"},
    takes=st.integers(1, 16),
)
seens = st.dictionaries(
    words,
    st.builds(
        Seen,
        threshold=shares,
        peaks=st.dictionaries(st.floats(0.0, 4000.0), st.tuples(shares, shares), max_size=4),
        written=st.frozensets(st.floats(0.0, 4000.0), max_size=3),
    ),
    max_size=3,
)

_EVERY = Request(
    length_samples=96_000,
    rate_hz=48_000,
    onsets=(Onset(time_s=0.25, strength=0.5, force=0.75), Onset(time_s=1.0, prompt="glass")),
    prompt="wood",
    seed=3,
    guidance=2.0,
    steps=30,
    reference=Reference(path="/s/ping.wav", sha256="a" * 64, start_s=0.5, length_s=1.0),
    sampler="ddim",
    mix=((4, 0.25),),
)
RECIPE = Recipe(
    request=_EVERY,
    pack="tiny",
    pack_version="1",
    pack_digest="d",
    licence="MIT",
    commercial_use="yes",
    video_item_guid="{video}",
    source_path="film.mp4",
    time_map={"position_s": 1.0, "loop": False},
    within=(0, 48_000),
    parts=(Part(request=_EVERY).to_table(),),
    controls={"guidance": 2.0},
    output={"subtype": "PCM_24", "rate_hz": 48_000},
)
SEEN = {"{video}": Seen(threshold=0.5, peaks={0.25: (0.9, 0.5), 1.5: (0.4, 1.0)}, written=frozenset({0.25}))}


@functools.cache
def ping() -> Path:
    """A sound file."""
    path = folder() / "ping.wav"
    path.write_bytes(b"RIFF")
    return path


REFERENCE = {"path": "ping.wav", "sha256": "a" * 64, "start_s": 0.5, "length_s": 1.0}


def text(case: bytes) -> str:
    """A case as a project's text; bytes that are not UTF-8 become lone surrogates, as in a project file."""
    return case.decode("utf-8", "surrogateescape")


def utf8(value: str) -> bytes:
    """A text as a case."""
    return value.encode("utf-8", "surrogatepass")


def check_recipe(case: bytes) -> bool:
    """A recipe that is taken reads back equal, and all that is done with it can be done."""
    recipe = Recipe.from_json(text(case))
    assert again(Recipe.from_json, recipe.to_json()) == recipe
    parts_of(recipe)
    for part in (recipe.request, *(part.request for part in parts_of(recipe))):
        part.digest()
        for onset in part.onsets:
            part.meaning_of(onset)
    with contextlib.suppress(BridgeError):
        output_of(recipe)
    with contextlib.suppress(BridgeError, TypeError):  # a field that a clip does not know: ``recorded`` says so
        Clip.of_time_map(recipe.source_path, recipe.time_map)
    return True


def check_controls(case: bytes) -> bool:
    """Controls that are taken read back equal."""
    stored = Controls.from_json(text(case))
    assert again(Controls.from_json, stored.to_json()) == stored
    return True


def check_typed(case: bytes) -> bool:
    """As the dialog sends them."""
    stored = Controls.typed(text(case))
    assert Controls.typed(";".join(f"{name}={value!r}" for name, value in stored.to_table().items())) == stored
    return True


def check_seen(case: bytes) -> bool:
    """What was seen reads back equal."""
    known = seen.load(text(case))
    assert list(again(seen.load, seen.store(known)).values()) == list(known.values())[-seen.MOST_ITEMS :]
    return True


def check_reference(case: bytes) -> bool:
    """The reference that a project remembers; the file that the good ones name lies in the project."""
    chosen = project_reference(project(str(ping().parent), reference=text(case)))
    return chosen is None or isinstance(chosen.sha256, str)


TARGETS = [
    Target(
        name="recipe",
        check=check_recipe,
        hostile=bent_json([json.loads(RECIPE.to_json())]),
        valid=recipes.map(Recipe.to_json).map(utf8),
    ),
    Target(
        name="controls",
        check=check_controls,
        hostile=bent_json([Controls(takes=3).to_table()]),
        valid=controls.map(Controls.to_json).map(utf8),
    ),
    Target(
        name="controls_typed",
        check=check_typed,
        hostile=bent([b"guidance=2,5;takes=3", b"follow=0.5; onset_strength = 1", b""]),
        valid=controls.map(lambda c: utf8(";".join(f"{name}={value!r}" for name, value in c.to_table().items()))),
    ),
    Target(
        name="seen",
        check=check_seen,
        hostile=bent_json([json.loads(seen.store(SEEN))]),
        valid=seens.map(seen.store).map(utf8),
    ),
    Target(
        name="reference",
        check=check_reference,
        hostile=bent_json([REFERENCE]),
        valid=st.deferred(lambda: st.just(json.dumps({**REFERENCE, "path": str(ping())}).encode())),
    ),
]
