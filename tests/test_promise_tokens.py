"""Promise 1: the files that hold the tokens are this user's alone, and no other's are believed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import endpoint

ROOT_USER = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534

READ = """
import os, sys
os.setgid({who}); os.setuid({who})
for name in ("", "daemon.json", "reaper.json"):
    path = os.path.join(sys.argv[1], name)
    try:
        os.listdir(path) if not name else open(path).read()
    except PermissionError:
        continue
    sys.exit(f"read {{path}}")
"""


@pytest.mark.skipif(not ROOT_USER, reason="only root can become another user")
def test_token_files_when_another_user_of_the_machine_looks_then_he_sees_nothing() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        where = Path(place) / "endpoint"
        endpoint.announce_daemon(1, "t" * 64, where)
        (where / "reaper.json").write_bytes(b"{}")
        command = [sys.executable, "-c", READ.format(who=NOBODY), str(where)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        where.chmod(0o755)
        (where / "daemon.json").chmod(0o644)
        again = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd="/")
        assert again.returncode != 0, "the test itself sees what is open"
        endpoint.withdraw_daemon(where)


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_endpoint_folder_when_it_is_a_link_then_neither_side_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reaper_scripts.foley_inside import endpoint as inside

    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir(mode=0o755)
    link.symlink_to(real)
    monkeypatch.setenv(endpoint.FOLDER_VARIABLE, str(link))
    with pytest.raises(HostError, match="or a link"):
        endpoint.announce_daemon(1, "t" * 64)
    with pytest.raises(PermissionError):
        inside.announce({"port": 1, "token": "t"})
    assert list(real.iterdir()) == []
    assert stat.S_IMODE(real.stat().st_mode) == 0o755


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("fault", ["readable", "link", "another's", "folder open"])
def test_announcement_when_somebody_else_could_have_read_or_written_it_then_it_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    from reaper_scripts.foley_inside import endpoint as inside

    monkeypatch.setenv(endpoint.FOLDER_VARIABLE, str(tmp_path / "endpoint"))
    path = endpoint.announce_daemon(4321, "t" * 64)
    reaper = Path(inside.announce({"port": 1, "token": "t", "pid": 1, "version": "", "resource_path": "", "api": 3}))
    assert inside.daemon() == (4321, "t" * 64)
    assert endpoint.find_reaper().port == 1
    for file in (path, reaper):
        if fault == "readable":
            file.chmod(0o644)
        elif fault == "link":
            file.rename(file.with_suffix(".moved"))
            file.symlink_to(file.with_suffix(".moved"))
        elif fault == "another's":
            if not ROOT_USER:
                pytest.skip("only root can give a file away")
            os.chown(file, NOBODY, NOBODY)
        else:
            path.parent.chmod(0o777)
    assert inside.daemon() == (endpoint.DEFAULT_OSC_PORT, "")
    if fault != "folder open":
        with pytest.raises(HostError, match="not trusted"):
            endpoint.find_reaper()
