"""The config file, and the environment beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

from hypothesis import strategies as st

from bridge.config import PREFIX, Settings, load
from tests.fuzz.cases import NUMBERS, TEXTS, bent
from tests.fuzz.files import as_file
from tests.fuzz.target import Target

NAMES = tuple(field.name for field in fields(Settings))
GOOD = b"""# Foley Bridge
pack = "starter"
osc_port = 9124
threads = 2
threshold = 0.25
controller_port = 9125
controller_bind = '192.168.1.2'
controller_peers = "192.168.1.20, 192.168.1.21:9001"
loudness = "-23"
fade_in_ms = 2.5
"""
ODD = ("[[a]]", "[pack]", "pack.a = 1", "a = [" * 400, "a = {b=" * 60, "nan", "1979-05-27T07:32:00Z", '"""', "0b1" * 99)
values = st.one_of(
    st.sampled_from(NUMBERS).map(repr),
    st.sampled_from(TEXTS).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(ODD),
    st.text(max_size=6),
    st.integers().map(str),
    st.floats().map(repr),
)
lines = st.tuples(st.sampled_from((*NAMES, *NAMES, "", "a.b", '"\\u0000"', "x" * 500)), values).map(" = ".join)
written = st.lists(lines, min_size=1, max_size=3).map("\n".join).map(lambda text: text.encode("utf-8", "surrogatepass"))
settings = st.builds(
    Settings,
    pack=st.text(max_size=9),
    packs_dir=st.just("/packs"),
    osc_port=st.integers(1, 65535),
    threads=st.integers(0, 256),
    threshold=st.floats(0.0, 1.0),
    loudness=st.sampled_from(("off", "-23", "-16.5")),
    score=st.sampled_from(("project", "take")),
    fade_in_ms=st.floats(0.0, 10_000.0),
)


def toml(chosen: Settings) -> bytes:
    """The settings as a config file; texts are written as JSON writes them, which TOML reads, but for one sign."""
    table = asdict(chosen)
    shown = {name: json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") for name, value in table.items()}
    return "\n".join(f"{name} = {value}" for name, value in shown.items()).encode()


def check_file(path: Path) -> bool:
    """A config file that is taken, written again, gives the same settings."""
    chosen = load(path=path, environment={})
    assert load(path=path, environment={}) == chosen
    assert chosen.peers is not None
    assert chosen.output is not None
    return True


def check_environment(case: bytes) -> bool:
    """NAME=VALUE lines as the environment gives them."""
    pairs = (line.partition("=") for line in case.decode("utf-8", "surrogateescape").split("\n"))
    environment = {PREFIX + name.upper(): value for name, _, value in pairs if name}
    assert load(path=Path("/nowhere/config.toml"), environment=environment)
    return True


TARGETS = [
    Target(
        name="config",
        check=as_file(check_file, "config.toml"),
        hostile=bent([GOOD]) | written,
        valid=settings.map(toml),
    ),
    Target(
        name="environment",
        check=check_environment,
        hostile=bent([b"osc_port=9124\nthreshold=0.5\npack=starter\ncontroller_peers=192.168.1.20:9001"])
        | st.tuples(st.sampled_from(NAMES), st.sampled_from(TEXTS) | st.sampled_from(NUMBERS).map(str)).map(
            lambda pair: "=".join(pair).encode("utf-8", "surrogatepass")
        ),
    ),
]
