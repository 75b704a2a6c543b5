"""Settings: defaults, then the config file, then the environment, then flags; the later wins.

The config file is TOML in the user's config folder (``foley-bridge doctor`` prints where). Environment variables are
``FOLEY_BRIDGE_`` and the setting's name in capitals.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from bridge.engine.providers import PROVIDERS
from bridge.errors import RequestError
from bridge.host.endpoint import DEFAULT_OSC_PORT
from bridge.media.output import Output
from bridge.osc.peers import Peer, ipv4, peers
from bridge.packs.store import user_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

APP = "foley-bridge"
PREFIX = "FOLEY_BRIDGE_"
MOST_THREADS = 256
LARGEST_BYTES = 16_000
"""A config file with every setting has a tenth of it; what reads it takes a minute for a dotted key of a megabyte."""
PROGRESS_BARS = ("auto", "on", "off")
_KINDS = {"int": "whole number", "float": "number", "str": "text in quotes"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a user may set.

    Attributes:
        pack: name of the model pack to serve.
        onset_pack: name of the pack that finds the onsets; "" is the same as ``pack``.
        packs_dir: folder of the user's own packs.
        osc_port: UDP port on 127.0.0.1 that the action scripts talk to, 1..65535.
        threads: threads per graph; 0 lets ONNX Runtime choose.
        provider: where graphs run, one of ``bridge.engine.providers.PROVIDERS``.
        threshold: activation at which a peak becomes a marker, 0..1; -1 takes the pack's own.
        log_level: DEBUG, INFO, WARNING or ERROR. Prompts are only written at DEBUG, or by a failure that
            is about their words.
        controller_port: UDP port of the controller door, 1..65535; 0 keeps it shut.
        controller_bind: IPv4 address of this computer on which the door listens; 0.0.0.0 is all of them.
        controller_peers: the devices that may use the door and are told how jobs go: IPv4 addresses in numbers,
            separated by commas, each with ":port" where it listens elsewhere than on 9125.
        progress_bar: "auto" draws it on a terminal, "on" anywhere, "off" nowhere.
        reaper_osc_port: UDP port on 127.0.0.1 to which a control surface in REAPER sends its feedback, so that live
            mode hears of markers by OSC too; 0 for none.
        score: where onsets are markers: of the "project", or of the video's "take".
        sample_rate: sound is made at the "pack"'s rate (48 kHz), or at the "project"'s.
        wav_format: "PCM_16", "PCM_24", "PCM_32" or "FLOAT".
        loudness: integrated loudness in LUFS that every render is brought to (EBU R128), such as -23; "off" for none.
        true_peak: ceiling of the true peak in dB, such as -1; "off" for none.
        fade_in_ms, fade_out_ms: at the two ends of every sound file.
    """

    pack: str = "starter"
    onset_pack: str = ""
    packs_dir: str = field(default_factory=lambda: str(user_folder()))
    osc_port: int = DEFAULT_OSC_PORT
    threads: int = 0
    provider: str = "auto"
    threshold: float = -1.0
    log_level: str = "INFO"
    controller_port: int = 0
    controller_bind: str = "127.0.0.1"
    controller_peers: str = ""
    progress_bar: str = "auto"
    reaper_osc_port: int = 0
    score: str = "project"
    sample_rate: str = "pack"
    wav_format: str = "PCM_24"
    loudness: str = "off"
    true_peak: str = "off"
    fade_in_ms: float = 0.0
    fade_out_ms: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.osc_port <= 65535:
            raise RequestError(f"osc_port must lie in 1..65535, got {self.osc_port}", hint="Correct the setting")
        if not 0 <= self.threads <= MOST_THREADS:
            raise RequestError(f"threads must lie in 0..{MOST_THREADS}, got {self.threads}", hint="Use 0 for automatic")
        if self.provider not in PROVIDERS:
            known = ", ".join(PROVIDERS)
            raise RequestError(f"provider must be one of {known}, got {self.provider!r}", hint="Correct the setting")
        if not (self.threshold == -1 or 0 <= self.threshold <= 1):
            raise RequestError(f"threshold must lie in 0..1, got {self.threshold}", hint="Correct the setting")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise RequestError(f"log_level {self.log_level!r} is unknown", hint="Use DEBUG, INFO, WARNING or ERROR")
        if self.progress_bar not in PROGRESS_BARS:
            raise RequestError(f"progress_bar {self.progress_bar!r} is unknown", hint="Use auto, on or off")
        if not 0 <= self.reaper_osc_port <= 65535:
            raise RequestError(
                f"reaper_osc_port must lie in 1..65535, got {self.reaper_osc_port}", hint="Use 0 for none"
            )
        if self.reaper_osc_port and self.reaper_osc_port in (self.osc_port, self.controller_port):
            raise RequestError(
                f"reaper_osc_port is {self.reaper_osc_port}, as another port of the bridge's is",
                hint="Give REAPER's feedback a port of its own",
            )
        if self.score not in ("project", "take"):
            raise RequestError(f"score {self.score!r} is unknown", hint="Use project or take")
        if self.sample_rate not in ("pack", "project"):
            raise RequestError(f"sample_rate {self.sample_rate!r} is unknown", hint="Use pack or project")
        _ = self.output
        self._check_door()

    @property
    def output(self) -> Output:
        """How sound files are written."""
        return Output(
            subtype=self.wav_format,
            loudness_lufs=_decibels("loudness", self.loudness),
            true_peak_db=_decibels("true_peak", self.true_peak),
            fade_in_ms=self.fade_in_ms,
            fade_out_ms=self.fade_out_ms,
        )

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The devices that may use the controller door."""
        return peers(self.controller_peers)

    @property
    def finds_apart(self) -> bool:
        """Whether another pack finds the onsets than makes the sound."""
        return self.onset_pack not in ("", self.pack)

    @property
    def for_onsets(self) -> Settings:
        """The settings where nothing but onsets is wanted: the pack that finds them is the pack."""
        return replace(self, pack=self.onset_pack or self.pack, onset_pack="")

    @property
    def for_sound(self) -> Settings:
        """The settings where no onsets are looked for."""
        return replace(self, onset_pack="")

    @property
    def chosen_threshold(self) -> float | None:
        """The threshold, None for the pack's own."""
        return None if self.threshold < 0 else self.threshold

    def _check_door(self) -> None:
        """Raises RequestError for a door that cannot work; what is written is checked while it is shut, too."""
        devices, bind = self.peers, ipv4(self.controller_bind, setting="controller_bind")
        if not 0 <= self.controller_port <= 65535:
            raise RequestError(
                f"controller_port must lie in 1..65535, got {self.controller_port}", hint="Use 0 to keep the door shut"
            )
        if not self.controller_port:
            return
        if self.controller_port == self.osc_port:
            raise RequestError(
                f"controller_port and osc_port are both {self.osc_port}", hint="Give the controller door its own port"
            )
        if not devices:
            raise RequestError(
                "controller_port is set, but controller_peers names no device",
                hint="Name each device by its address, such as controller_peers = '192.168.1.20'",
            )
        for peer in devices:
            here = ipv4(peer.address, setting="controller_peers").is_loopback
            if bind.is_loopback and not here:
                raise RequestError(
                    f"controller_peers names {peer.address}, which cannot reach controller_bind {bind}",
                    hint="Set controller_bind to this computer's own address in that network",
                )
            if (here or peer.address == str(bind)) and peer.port in (self.controller_port, self.osc_port):
                raise RequestError(
                    f"controller_peers sends the feedback of {peer.address} to port {peer.port}, which is the bridge's",
                    hint="Give the port on which the device listens, such as 127.0.0.1:9125",
                )


def _decibels(name: str, text: str) -> float | None:
    """A number of decibels; None for "off"."""
    if text.strip().lower() in ("", "off"):
        return None
    try:
        return float(text)
    except ValueError:
        raise RequestError(f"{name} must be a number or off, got {text!r}", hint="Correct the setting") from None


def config_path() -> Path:
    """Where the config file lies (it need not exist)."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False)) / "config.toml"


def load(
    *, path: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Reads the settings; ``flags`` with value None are not set.

    Raises:
        RequestError: an unknown name, a value of the wrong type or out of range, an unreadable file.
    """
    settings = Settings()
    path = path or config_path()
    if path.is_file():
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise ValueError("it is too large")
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RequestError(
                f"the config file {path} cannot be read: {error}", hint="Correct or remove the file"
            ) from error
        settings = _with(settings, table, f"the config file {path}")
    environment = os.environ if environment is None else environment
    names = {PREFIX + field.name.upper(): field.name for field in fields(Settings)}
    found = {names[key]: value for key, value in environment.items() if key in names}
    settings = _with(settings, found, "the environment")
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    return _with(settings, given, "the command line")


def _with(settings: Settings, table: Mapping[str, Any], where: str) -> Settings:
    kinds = {field.name: type(getattr(settings, field.name)) for field in fields(Settings)}
    values = {}
    for name, value in table.items():
        if name not in kinds:
            raise RequestError(
                f"{where} sets {name!r}, which is no setting", hint=f"Known settings are {', '.join(kinds)}"
            )
        kind = kinds[name].__name__
        try:
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise TypeError
            if kinds[name] is int and isinstance(value, float) and value != int(value):
                raise ValueError
            values[name] = kinds[name](value)
        except (TypeError, ValueError, OverflowError) as error:
            raise RequestError(
                f"{where} sets {name} to {value!r}, which is no {_KINDS[kind]}", hint="Correct the value"
            ) from error
    return replace(settings, **values)
