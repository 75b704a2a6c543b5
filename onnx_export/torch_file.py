"""Tensors out of ``torch.save`` files and safetensors, without running what they hold.

Convention: a ``.pt`` or ``.ckpt`` file is a zip of one pickle (read by ``pickled``) and the bytes of every storage.
Bytes are read only for the tensors that are asked for, each storage once, and held against the zip's own checksum, so
that of a checkpoint with optimizer states only the weights ever lie in memory.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from bridge.errors import PackError
from onnx_export.pickled import Reader, Storage, StoredTensor

STATE_DICT = "state_dict"
SAFETENSORS_SUFFIX = ".safetensors"

_MAX_PICKLE_BYTES = 64 * 1024 * 1024
_MAX_NOTE_BYTES = 64
_PIECE_BYTES = 16 * 1024 * 1024
_AGAIN = "Get the file again"


class Checkpoint:
    """The tensors of one file, by name; nothing but names and shapes is in memory until ``read``.

    Args:
        path: a ``torch.save`` file (zip format) or ``.safetensors``.

    Attributes:
        path: as given. shapes: shape by full name, in the file's order.

    Raises:
        PackError: the file is missing, damaged, no checkpoint, or holds code.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._root = ""
        self._stored: dict[str, StoredTensor] = {}
        self.shapes: dict[str, tuple[int, ...]]
        self._safe = self.path.suffix.lower() == SAFETENSORS_SUFFIX
        if not self.path.is_file():
            raise PackError(f"there is no checkpoint {self.path}", hint="Correct the path, or get the file first")
        with _translated(self.path):
            if self._safe:
                with safe_open(str(self.path), framework="pt") as file:
                    self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            else:
                self._open_zip()
                self.shapes = {name: tensor.shape for name, tensor in self._stored.items()}
        if not self.shapes:
            raise PackError(f"{self.path} holds no named tensors", hint="Give a checkpoint with a state_dict")

    def names(self, prefix: str = "") -> tuple[str, ...]:
        """Names that begin with a prefix, without it."""
        return tuple(name[len(prefix) :] for name in self.shapes if name.startswith(prefix))

    def read(self, prefix: str = "") -> dict[str, Tensor]:
        """The tensors whose names begin with a prefix, by the rest of their names.

        Returns:
            Tensors of their own; floating point becomes float32, whole numbers stay as they are. Names that share a
            storage in the file share it here.

        Raises:
            PackError: the file is damaged.
        """
        return dict(self.each(prefix))

    def each(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """What ``read`` gives, one after the other."""
        wanted = [name for name in self.shapes if name.startswith(prefix)]
        with _translated(self.path):
            if self._safe:
                with safe_open(str(self.path), framework="pt") as file:
                    for name in wanted:
                        yield name[len(prefix) :], _single(file.get_tensor(name))
            else:
                with zipfile.ZipFile(self.path) as archive:
                    yield from self._read_zip(archive, wanted, len(prefix))

    def _open_zip(self) -> None:
        _refuse_other_kinds(self.path)
        with zipfile.ZipFile(self.path) as archive:
            names = archive.namelist()
            pickles = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
            if len(pickles) != 1:
                inside = [name for name in names if name.endswith((".ckpt", ".pt", ".pth", SAFETENSORS_SUFFIX))]
                if inside:
                    raise PackError(
                        f"{self.path} is an archive that holds {inside[0]}", hint="Unpack it and give the file inside"
                    )
                raise PackError(f"{self.path} is a zip file but no checkpoint", hint=_AGAIN)
            self._root = pickles[0].removesuffix("data.pkl")
            if any(name.startswith(self._root + "code/") for name in names):
                raise PackError(f"{self.path} holds code (TorchScript)", hint="Give the checkpoint with the weights")
            order = self._root + "byteorder"
            if order in names and archive.getinfo(order).file_size > _MAX_NOTE_BYTES:
                raise PackError(f"{self.path}: its byteorder is no word", hint=_AGAIN)
            if order in names and archive.read(order) != b"little":
                raise PackError(f"{self.path} was written on a big-endian machine", hint="Save it again on this one")
            if archive.getinfo(pickles[0]).file_size > _MAX_PICKLE_BYTES:
                raise PackError(f"{self.path}: its pickle is too large to be one of weights", hint=_AGAIN)
            with archive.open(pickles[0]) as file:
                content = Reader(io.BytesIO(file.read()), where=str(self.path)).load()
        table = content.get(STATE_DICT, content) if isinstance(content, dict) else None
        if not isinstance(table, dict):
            raise PackError(f"{self.path} holds no table of tensors", hint="Give a checkpoint with a state_dict")
        for name, tensor in table.items():
            if isinstance(name, str) and isinstance(tensor, StoredTensor):
                self._stored[name] = replace(tensor)  # checked anew: the pickle may have changed it since

    def _read_zip(self, archive: zipfile.ZipFile, names: list[str], skip: int) -> Iterator[tuple[str, Tensor]]:
        storages: dict[Storage, Tensor] = {}
        uses = Counter(self._stored[name].storage for name in names)
        for name in names:
            stored = self._stored[name]
            if stored.storage not in storages:
                storages[stored.storage] = self._read_storage(archive, stored.storage)
            flat = storages[stored.storage]
            uses[stored.storage] -= 1
            if not uses[stored.storage]:
                del storages[stored.storage]
            view = flat.as_strided(stored.shape, stored.stride, stored.offset)
            yield name[skip:], view if view.numel() == flat.numel() else view.clone()

    def _read_storage(self, archive: zipfile.ZipFile, storage: Storage) -> Tensor:
        info = archive.getinfo(f"{self._root}data/{storage.key}")
        size = storage.numel * storage.dtype.itemsize
        if info.file_size != size:
            raise PackError(f"checkpoint {self.path} is damaged: storage {storage.key} has a wrong size", hint=_AGAIN)
        data = torch.empty(size, dtype=torch.uint8)
        view = data.numpy()
        with archive.open(info) as file:
            position = 0
            while piece := file.read(_PIECE_BYTES):
                view[position : position + len(piece)] = np.frombuffer(piece, np.uint8)
                position += len(piece)
        if position != size:
            raise PackError(f"checkpoint {self.path} is cut short", hint=_AGAIN)
        return _single(data.view(storage.dtype))


def read_tensors(path: Path, *, prefix: str = "") -> dict[str, Tensor]:
    """The named tensors of a checkpoint: of its ``state_dict`` if it has one, else of itself.

    Args:
        path: a ``torch.save`` file (zip format) or ``.safetensors``.
        prefix: only names that begin so, and without it.

    Raises:
        PackError: see ``Checkpoint``.
    """
    return Checkpoint(path).read(prefix)


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Foreign errors while reading a file as one sentence about it."""
    try:
        yield
    except PackError as error:
        if str(path) in error.message:
            raise
        raise PackError(f"checkpoint {path}: {error.message}", hint=error.hint) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise PackError(f"checkpoint {path} is damaged or cut short ({reason})", hint=_AGAIN) from error


def _single(tensor: Tensor) -> Tensor:
    """Floating point as float32."""
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor


def _refuse_other_kinds(path: Path) -> None:
    """Says what a file is that is no zip."""
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        return
    text = head.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"{")):
        raise PackError(
            f"{path} is a web page or a message of a server, not a checkpoint",
            hint="Get the file again; foley-bridge packs pull checks what it gets",
        )
    if text.startswith(b"version https://git-lfs"):
        raise PackError(f"{path} is a Git LFS pointer, not the checkpoint", hint="Get the file itself: git lfs pull")
    if head.startswith(b"\x80"):
        raise PackError(
            f"{path} is in torch's format from before 1.6, which is not read here",
            hint="Write it anew: torch.save(torch.load(OLD, weights_only=True), NEW)",
        )
    raise PackError(f"{path} is no checkpoint (or its beginning is damaged)", hint=_AGAIN)
