"""``make wheel``: the wheel of the last commit, built twice and compared byte for byte.

Convention: what is built is an export of the commit, never the working folder, so that nothing that lies about gets in.
The second build has another folder, another umask, another order of files on disk and other times of change. Both have
the commit's time as ``SOURCE_DATE_EPOCH``. Whoever builds the same commit with ``locks/build.txt`` gets the same
SHA-256.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bridge", "onnx_export", "reaper_scripts")
MODE = 0o644
"""What every file of the wheel may be: nothing in it is run as a program."""


def committed(commit: str = "HEAD") -> dict[str, bytes]:
    """Every file of a commit by its path.

    Raises:
        subprocess.CalledProcessError: there is no such commit.
    """
    names = _git("ls-tree", "-r", "-z", "--name-only", commit).decode().split("\0")[:-1]
    wanted = "".join(f"{commit}:{name}\n" for name in names).encode()
    answer = _git("cat-file", "--batch", given=wanted)
    files, start = {}, 0
    for name in names:
        head = answer.index(b"\n", start)
        size = int(answer[start:head].split()[2])
        files[name] = answer[head + 1 : head + 1 + size]
        start = head + 1 + size + 1
    return files


def commit_time(commit: str = "HEAD") -> int:
    """When it was made, in seconds since 1970."""
    return int(_git("log", "-1", "--format=%ct", commit))


def lay_out(files: Iterable[tuple[str, bytes]], folder: Path, *, umask: int, changed_s: int) -> None:
    """Writes files into a folder, in the order given.

    Args:
        files: path and content. folder: gets them. umask: in force while they are written. changed_s: their time of
            change, in seconds since 1970.
    """
    before = os.umask(umask)
    try:
        for name, data in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (changed_s, changed_s))
    finally:
        os.umask(before)


def build(source: Path, out: Path, *, epoch_s: int, umask: int = 0o022) -> Path:
    """The wheel of a source folder.

    Args:
        source: holds pyproject.toml. out: gets the wheel. epoch_s: its files' time. umask: of the building process.

    Raises:
        RuntimeError: it cannot be built; with the words of the builder.
    """
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch_s)}
    before = os.umask(umask)
    try:
        words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        done = subprocess.run(words, cwd=source, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    finally:
        os.umask(before)
    if done.returncode:
        raise RuntimeError(done.stdout.decode(errors="replace"))
    (wheel,) = out.glob("*.whl")
    return wheel


def problems(wheel: Path, files: dict[str, bytes]) -> list[str]:
    """What is wrong with a wheel's content, in sentences.

    Args:
        wheel: to look at. files: what the commit holds.
    """
    wanted = {name: data for name, data in files.items() if name.partition("/")[0] in PACKAGES}
    found = []
    with zipfile.ZipFile(wheel) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        extra = sorted(name for name in infos if name not in wanted and ".dist-info/" not in name)
        found += [f"{name} is in the wheel and not of it" for name in extra]
        found += [f"{name} is not in the wheel" for name in sorted(set(wanted) - set(infos))]
        changed = sorted(name for name in set(wanted) & set(infos) if archive.read(name) != wanted[name])
        found += [f"{name} is another file in the wheel" for name in changed]
        modes = {name: info.external_attr >> 16 & 0o7777 for name, info in infos.items()}
        found += [f"{name} has mode {mode:o}" for name, mode in modes.items() if mode != MODE]
        if len({info.date_time for info in infos.values()}) != 1:
            found.append("files of the wheel have different times")
    return found


def sha256(path: Path) -> str:
    """Of a file, lower-case hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def two_builds(files: dict[str, bytes], folder: Path, *, epoch_s: int) -> tuple[Path, Path]:
    """The wheel built twice, the second time under other circumstances.

    Args:
        files: what is built. folder: empty, for everything that comes of it. epoch_s: time of the wheel's files.
    """
    lay_out(sorted(files.items()), folder / "a", umask=0o022, changed_s=epoch_s)
    other = folder / "another" / "and a longer folder"
    lay_out(sorted(files.items(), reverse=True), other, umask=0o077, changed_s=epoch_s + 86_399)
    first = build(folder / "a", folder / "first", epoch_s=epoch_s)
    return first, build(other, folder / "second", epoch_s=epoch_s, umask=0o077)


def main() -> int:
    """Builds, compares, and leaves the wheel in ``dist/``; 1 if the builds differ or hold what they should not."""
    files = committed()
    if _git("status", "--porcelain"):
        print("What is not committed is not in the wheel.")
    with tempfile.TemporaryDirectory() as folder:
        first, second = two_builds(files, Path(folder), epoch_s=commit_time())
        digests = sha256(first), sha256(second)
        found = problems(first, files)
        if digests[0] != digests[1]:
            found.append(f"two builds differ: {digests[0]} and {digests[1]}")
        for sentence in found:
            print(sentence)
        if found:
            return 1
        kept = ROOT / "dist" / first.name
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(first.read_bytes())
    print(f"dist/{kept.name}: {kept.stat().st_size / 1e6:.1f} MB, commit {_git('rev-parse', 'HEAD').decode()[:12]}")
    print(f"SHA-256 {digests[0]}, the same in two builds")
    return 0


def _git(*words: str, given: bytes = b"") -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, input=given, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
