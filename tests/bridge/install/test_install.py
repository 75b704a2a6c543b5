"""``reaper install`` and ``uninstall`` as a user runs them, on a real folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.install import apply, kb, plan, scripts

from .conftest import KB, everything

Said = pytest.CaptureFixture[str]
ROOT = Path(__file__).resolve().parents[3]
IDENTITY = scripts.identity("foley_generate.py")


def install(resource: Path, *more: str) -> int:
    return main(["reaper", "install", "--resource", str(resource), "--yes", *more])


def uninstall(resource: Path) -> int:
    return main(["reaper", "uninstall", "--resource", str(resource), "--yes"])


def backups(resource: Path) -> list[Path]:
    return sorted(resource.glob("Foley Bridge backup *"))


def test_install_when_done_then_files_actions_keys_and_start_up_are_there(resource: Path, capsys: Said) -> None:
    assert install(resource) == 0
    folder = resource / "Scripts" / "Foley Bridge"
    for name, data in scripts.shipped().items():
        assert (folder / name).read_bytes() == data
    data = (resource / "reaper-kb.ini").read_bytes()
    assert data.startswith(KB + b"\r\n")
    assert f'SCR 516 0 {IDENTITY} "Custom: foley_generate.py" "Foley Bridge/foley_generate.py"\r\n'.encode() in data
    assert f"KEY 29 71 _{IDENTITY} 0\r\n".encode() in data
    assert scripts.identity("foley_server.py").encode() in (resource / "Scripts" / "__startup.lua").read_bytes()
    assert (resource / "reaper.ini").read_bytes() == b"[REAPER]\r\nreascript=0\r\n"
    assert not (resource / "OSC").exists()
    said = capsys.readouterr().out
    for words in (kb.shortcut("G"), "Python is not switched on", "python-reapy", "uninstall"):
        assert words in said
    assert not list(resource.rglob("*.part"))


def test_install_when_run_twice_then_the_second_time_changes_nothing(resource: Path, capsys: Said) -> None:
    install(resource, "--osc")
    before = {path: path.read_bytes() for path in resource.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert install(resource, "--osc") == 0
    assert {path: path.read_bytes() for path in resource.rglob("*") if path.is_file()} == before
    assert "nothing changes" in capsys.readouterr().out


def test_install_when_only_shown_then_no_file_changes(resource: Path, capsys: Said) -> None:
    before = everything(resource)
    assert main(["reaper", "install", "--resource", str(resource), "--dry-run"]) == 0
    assert everything(resource) == before
    assert not backups(resource)
    said = capsys.readouterr().out
    for words in (
        "add     Scripts/Foley Bridge/foley_generate.py",
        f"+KEY 29 71 _{IDENTITY} 0",
        "+-- >>> Foley Bridge",
    ):
        assert words in said


def test_install_when_nobody_confirms_then_nothing_changes(
    resource: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(resource)
    assert main(["reaper", "install", "--resource", str(resource)]) == 2
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert main(["reaper", "install", "--resource", str(resource)]) == 2
    assert everything(resource) == before
    assert not backups(resource)


def test_install_when_parts_are_not_wanted_then_they_are_left_out(resource: Path) -> None:
    startup = (resource / "Scripts" / "__startup.lua").read_bytes()
    install(resource, "--no-keys", "--no-startup")
    assert (resource / "Scripts" / "__startup.lua").read_bytes() == startup
    assert b"KEY 29" not in (resource / "reaper-kb.ini").read_bytes()
    install(resource, "--osc")
    assert b"KEY 29" in (resource / "reaper-kb.ini").read_bytes()
    assert "DEVICE_MARKER_COUNT 128" in (resource / "OSC" / "Foley.ReaperOSC").read_text()


def test_backup_when_made_then_it_holds_the_old_files_and_what_was_done(resource: Path) -> None:
    install(resource)
    (folder,) = backups(resource)
    assert (folder / "files" / "reaper-kb.ini").read_bytes() == KB
    assert (folder / "files" / "Scripts" / "__startup.lua").read_bytes() == b"-- mine\nreturn 1"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["action"] == "install"
    assert manifest["keys"]["foley_generate.py"] == "G"
    assert manifest["files"]["Scripts/Foley Bridge/foley_generate.py"]["before"] == ""


def test_uninstall_when_nothing_was_changed_since_then_every_byte_is_as_it_was(resource: Path) -> None:
    before = everything(resource)
    install(resource, "--osc")
    assert uninstall(resource) == 0
    assert everything(resource) == before
    assert not (resource / "Scripts" / "Foley Bridge").exists()
    assert not (resource / "OSC").exists()
    install(resource)
    assert uninstall(resource) == 0
    assert everything(resource) == before


def test_uninstall_when_there_were_no_such_files_then_there_are_none_again(resource: Path) -> None:
    (resource / "reaper-kb.ini").unlink()
    shutil.rmtree(resource / "Scripts")
    install(resource)
    uninstall(resource)
    assert set(everything(resource)) == {"reaper.ini"}


def test_uninstall_when_files_were_changed_since_then_the_users_changes_stay(resource: Path, capsys: Said) -> None:
    install(resource)
    keys, startup = resource / "reaper-kb.ini", resource / "Scripts" / "__startup.lua"
    folder = resource / "Scripts" / "Foley Bridge"
    keys.write_bytes(b"KEY 1 65 40003 0\r\n" + keys.read_bytes() + f"KEY 9 70 _{IDENTITY} 0\r\n".encode())
    startup.write_bytes(startup.read_bytes() + b"\n-- later")
    (folder / "foley_generate.py").write_bytes(b"mine now")
    (folder / "notes.txt").write_text("mine")
    (folder / "foley_inside" / "__pycache__").mkdir()
    (folder / "foley_inside" / "__pycache__" / "read.cpython-311.pyc").write_bytes(b"x")
    capsys.readouterr()
    assert uninstall(resource) == 0
    assert keys.read_bytes() == b"KEY 1 65 40003 0\r\n" + KB + f"\r\nKEY 9 70 _{IDENTITY} 0\r\n".encode()
    assert startup.read_bytes() == b"-- mine\nreturn 1\n-- later"
    assert {path.name for path in folder.rglob("*")} == {"foley_generate.py", "notes.txt"}
    assert "foley_generate.py was changed since it was installed, so it stays" in capsys.readouterr().out


def test_uninstall_when_reaper_wrote_our_new_file_anew_then_it_leaves_too(resource: Path) -> None:
    keys = resource / "reaper-kb.ini"
    keys.unlink()
    install(resource)
    keys.write_bytes(b"".join(reversed(keys.read_bytes().splitlines(keepends=True))))
    uninstall(resource)
    assert not keys.exists()


def test_uninstall_when_the_backups_are_gone_then_only_ours_leaves(resource: Path) -> None:
    install(resource)
    for folder in backups(resource):
        shutil.rmtree(folder)
    uninstall(resource)
    assert (resource / "reaper-kb.ini").read_bytes() == KB + b"\r\n"
    assert not (resource / "Scripts" / "Foley Bridge").exists()


def test_uninstall_when_nothing_is_installed_then_it_says_so(resource: Path, capsys: Said) -> None:
    before = everything(resource)
    assert uninstall(resource) == 0
    assert everything(resource) == before
    assert "Nothing of Foley Bridge is installed" in capsys.readouterr().out


def test_install_when_an_older_version_is_there_then_it_is_replaced_and_the_users_files_stay(resource: Path) -> None:
    files = {**scripts.shipped(), "foley_gone.py": b'"""Foley: Gone."""\n', "foley_inside/read.py": b"old"}
    apply.carry_out(resource, plan.install(resource, files), action="install")
    folder = resource / "Scripts" / "Foley Bridge"
    (folder / "mine.lua").write_text("mine")
    before = everything(resource)
    install(resource)
    assert (folder / "mine.lua").read_text() == "mine"
    assert (folder / "foley_inside" / "read.py").read_bytes() == scripts.shipped()["foley_inside/read.py"]
    assert not (folder / "foley_gone.py").exists()
    assert b"foley_gone" not in (resource / "reaper-kb.ini").read_bytes()
    assert b"foley_gone" in before["reaper-kb.ini"]
    uninstall(resource)
    assert {path.name for path in folder.rglob("*")} == {"mine.lua"}
    assert (resource / "reaper-kb.ini").read_bytes() == KB


def test_install_when_the_user_took_a_key_away_then_it_is_not_given_again(resource: Path, capsys: Said) -> None:
    install(resource)
    keys = resource / "reaper-kb.ini"
    keys.write_bytes(keys.read_bytes().replace(f"KEY 29 71 _{IDENTITY} 0\r\n".encode(), b""))
    before = keys.read_bytes()
    capsys.readouterr()
    install(resource)
    assert keys.read_bytes() == before
    assert f"{kb.shortcut('G')} was taken away by you" in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_install_when_files_are_links_then_they_stay_links_and_a_linked_folder_is_refused(
    resource: Path, tmp_path: Path, capsys: Said
) -> None:
    real = tmp_path / "dotfiles.ini"
    (resource / "reaper-kb.ini").rename(real)
    (resource / "reaper-kb.ini").symlink_to(real)
    install(resource)
    assert (resource / "reaper-kb.ini").is_symlink()
    assert IDENTITY.encode() in real.read_bytes()
    uninstall(resource)
    assert real.read_bytes() == KB
    (tmp_path / "checkout").mkdir()
    (resource / "Scripts" / "Foley Bridge").symlink_to(tmp_path / "checkout")
    assert install(resource) == 2
    assert "is a link" in capsys.readouterr().err
    assert not list((tmp_path / "checkout").iterdir())


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="needs permissions that bind this user")
def test_install_when_a_folder_may_not_be_written_then_a_sentence_says_so(resource: Path, capsys: Said) -> None:
    resource.chmod(0o500)
    assert install(resource) == 2
    resource.chmod(0o700)
    assert "cannot be written" in capsys.readouterr().err


def test_install_when_writing_fails_in_the_middle_then_everything_is_as_it_was(
    resource: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(resource)
    replace = os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith("__startup.lua"):
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert install(resource) == 2
    assert everything(resource) == before
    assert "as they were" in capsys.readouterr().err


KILLED = """
import os, signal, sys
from pathlib import Path
from bridge.install import apply, kb, plan, scripts
left, replace = int(sys.argv[2]), os.replace
def dies(source, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = dies
resource = Path(sys.argv[1])
apply.carry_out(resource, plan.install(resource, scripts.shipped()), action="install")
"""


@pytest.mark.skipif(os.name == "nt", reason="kills the POSIX way")
@pytest.mark.parametrize("after", [0, 3, len(scripts.shipped()) - 1, len(scripts.shipped()) + 12])
def test_install_when_killed_in_the_middle_then_every_file_is_whole_and_the_next_run_finishes(
    resource: Path, after: int
) -> None:
    before = everything(resource)
    if after > len(scripts.shipped()):  # an older version is there, whose files are exchanged one by one
        install(resource)
        for path in (resource / "Scripts" / "Foley Bridge").rglob("*.py"):
            path.write_bytes(b"# old\n" + path.read_bytes())
    old = everything(resource)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(resource), str(after)], cwd=ROOT, check=False)
    assert ended.returncode == -9
    between = everything(resource)
    assert install(resource) == 0
    done = everything(resource)
    for path, data in between.items():
        if not path.endswith(".part") and ".part/" not in path:
            assert data in (old.get(path), done[path]), path
    assert not [path for path in done if ".part" in path]
    uninstall(resource)
    assert everything(resource)["reaper-kb.ini"] == before["reaper-kb.ini"]


def test_status_when_asked_then_it_says_what_is_installed(resource: Path, capsys: Said) -> None:
    asked = ["reaper", "status", "--resource", str(resource)]
    assert main(asked) == 1
    assert "actions: the actions are not installed" in capsys.readouterr().out
    install(resource)
    capsys.readouterr()
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert f"foley_generate.py: {kb.shortcut('G')}; Foley: Generate" in said
    assert "the server starts with REAPER" in said
    (resource / "Scripts" / "Foley Bridge" / "foley_cancel.py").write_bytes(b"old")
    assert main(asked) == 1
    assert "another version (foley_cancel.py is not as shipped)" in capsys.readouterr().out


def test_install_when_reapy_was_configured_once_then_it_says_what_that_means(resource: Path, capsys: Said) -> None:
    (resource / "reaper-extstate.ini").write_bytes(b'[other]\nx=1\n[reapy]\nactivate_reapy_server="_RS12"\n')
    install(resource)
    assert "lets anybody on the network run code as you" in capsys.readouterr().out


@pytest.mark.parametrize(
    "path", ["../stolen.txt", "/etc/stolen.txt", "a/../../stolen.txt", "C:/stolen.txt", "a\\..\\b", ""]
)
def test_uninstall_when_a_backup_names_a_file_outside_then_that_backup_counts_for_nothing(
    resource: Path, capsys: Said, path: str
) -> None:
    stolen = resource.parent / "stolen.txt"
    stolen.write_text("mine")
    folder = resource / "Foley Bridge backup 2026-01-01 00-00-00"
    (folder / "files").mkdir(parents=True)
    (folder / "stolen.txt").write_text("theirs")
    now = hashlib.sha256(b"mine").hexdigest()
    entry = {"before": hashlib.sha256(b"theirs").hexdigest(), "after": now}
    table = {"action": "install", "made": "2026-01-01T00:00:00", "files": {path: entry}, "keys": {}}
    (folder / "manifest.json").write_text(json.dumps(table))
    assert uninstall(resource) in (0, 2)
    assert stolen.read_text() == "mine"
    assert "stolen" not in capsys.readouterr().out
