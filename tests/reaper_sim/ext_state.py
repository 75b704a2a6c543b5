"""Ext state: small texts that scripts leave for each other.

Convention: the file is read once at start and written on a clean exit; while REAPER runs nobody re-reads it. Line
breaks do not survive in it.
"""

from __future__ import annotations

from pathlib import Path

from . import assumptions


class ExtState:
    """Sections of key/value texts; some of them persistent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, dict[str, str]] = {}
        self._persistent: set[tuple[str, str]] = set()
        if path.exists():
            self._read(path.read_text("utf-8"))

    def _read(self, text: str) -> None:
        section = ""
        for line in text.splitlines():
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif "=" in line and section:
                key, value = line.split("=", 1)
                self.set(section, key.strip(), value.strip(), persist=True)

    def get(self, section: str, key: str) -> str:
        """A value; "" if there is none."""
        return self._values.get(section, {}).get(key, "")

    def has(self, section: str, key: str) -> bool:
        """Whether there is a value, which may be empty."""
        return key in self._values.get(section, {})

    def set(self, section: str, key: str, value: str, *, persist: bool) -> None:
        """Sets a value; ``persist`` keeps it over restarts."""
        self._values.setdefault(section, {})[key] = value
        if persist:
            self._persistent.add((section, key))
            if not assumptions.PERSISTENT_EXT_STATE_IS_WRITTEN_ON_EXIT:
                self.write()

    def delete(self, section: str, key: str, *, persist: bool) -> None:
        """Removes a value; without ``persist`` it is back after a restart."""
        self._values.get(section, {}).pop(key, None)
        if persist and (section, key) in self._persistent:
            self._persistent.discard((section, key))
            if not assumptions.PERSISTENT_EXT_STATE_IS_WRITTEN_ON_EXIT:
                self.write()

    def write(self) -> None:
        """Writes the persistent values to the file."""
        lines: list[str] = []
        for section in sorted({section for section, _ in self._persistent}):
            lines.append(f"[{section}]")
            for key in sorted(key for name, key in self._persistent if name == section):
                value = self._values.get(section, {}).get(key)
                if value is not None:
                    lines.append(f"{key}={value.splitlines()[0] if value else ''}")
        self._path.write_text("\n".join(lines) + "\n", "utf-8")
