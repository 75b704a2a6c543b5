"""The pattern file means in REAPER's reading of it what we think, and the surfaces in reaper.ini are read alike."""

from __future__ import annotations

from pathlib import Path

from bridge.install import ini, osc
from tests.reaper_sim import osc_patterns
from tests.reaper_sim.osc_config import OscConfig


def test_patterns_when_read_as_reaper_reads_them_then_markers_are_on_and_every_line_counts() -> None:
    read = osc_patterns.parse(osc.PATTERNS)
    assert read.counts["MARKER"] == osc.MARKERS
    built_in = osc_patterns.parse(osc_patterns.BUILT_IN)
    for name in ("MARKER_NAME", "MARKER_TIME", "REGION_TIME", "LAST_MARKER_TIME", "ACTION", "LOOP_START_TIME"):
        ours = {(pattern.flag, pattern.address) for pattern in read.by_name[name]}
        assert ours <= {(pattern.flag, pattern.address) for pattern in built_in.by_name[name]}, name
    assert not read.wants("BEAT")


def test_surface_when_in_reapers_settings_then_its_port_is_read_as_reaper_reads_it(tmp_path: Path) -> None:
    value = 'OSC "Foley" 7 8123 "127.0.0.1" 9123 1024 10 "Foley"'
    config = OscConfig.parse(value)
    assert config is not None
    beyond = 'csurf_1=OSC "old" 3 8124 "" 0 1 1 ""'
    (tmp_path / "reaper.ini").write_text(f"[REAPER]\ncsurf_cnt=1\ncsurf_0={value}\n{beyond}\n")
    assert ini.osc_ports(tmp_path) == (8123,)
    assert 8123 in vars(config).values()
