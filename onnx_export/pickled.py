"""A pickle's tensors, described and not made, in a world where nothing that it names can run.

Convention: a pickle is a program that may call anything. Here every global that it names becomes a fresh class of our
own; nothing is imported. Three kinds: globals that rebuild tensors give descriptions of tensors, those of known
metadata (what Lightning, omegaconf, numpy and the like leave beside weights) give objects that swallow what they get,
and a call of any other is refused by name. The format is that of PyTorch's ``torch/serialization.py``.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from bridge.errors import PackError

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "DoubleStorage": torch.float64,
        "FloatStorage": torch.float32,
        "HalfStorage": torch.float16,
        "BFloat16Storage": torch.bfloat16,
        "LongStorage": torch.int64,
        "IntStorage": torch.int32,
        "ShortStorage": torch.int16,
        "CharStorage": torch.int8,
        "ByteStorage": torch.uint8,
        "BoolStorage": torch.bool,
    }
)
"""Element type by the name of the storage's class."""

METADATA = frozenset(
    {
        "argparse.Namespace",
        "builtins.bool",
        "builtins.bytearray",
        "builtins.complex",
        "builtins.dict",
        "builtins.float",
        "builtins.frozenset",
        "builtins.int",
        "builtins.list",
        "builtins.object",
        "builtins.range",
        "builtins.set",
        "builtins.slice",
        "builtins.str",
        "builtins.tuple",
        "collections.Counter",
        "collections.defaultdict",
        "collections.deque",
        "datetime.date",
        "datetime.datetime",
        "datetime.timedelta",
        "decimal.Decimal",
        "numpy.core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy.dtype",
        "numpy.ndarray",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "pathlib.PureWindowsPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath",
        "torch.Size",
        "torch.device",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        "types.SimpleNamespace",
        "uuid.UUID",
    }
)
"""Globals beside tensors that a checkpoint may call; the call runs nothing here."""

METADATA_PACKAGES = ("pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "hydra", "jsonargparse")
METADATA_PACKAGES += (
    "torch.optim",
    "torchmetrics",
    "torch.nn.modules",
    "torchvision.transforms",
    "torchaudio.transforms",
)
"""Packages whose every global is metadata."""

_AGAIN = "Get the file again"
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}


@dataclass(frozen=True, kw_only=True)
class Storage:
    """A run of numbers in the file, by its name there."""

    dtype: torch.dtype
    key: str
    numel: int


@dataclass(frozen=True, kw_only=True)
class StoredTensor:
    """Where a tensor lies: a view of a storage, in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        numbers = (self.offset, *self.shape, *self.stride)
        if any(type(number) is not int or number < 0 for number in numbers) or len(self.shape) != len(self.stride):
            raise PackError("a tensor has a size that cannot be", hint=_AGAIN)
        reach = sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        count = math.prod(self.shape)
        if count and (self.offset + reach >= self.storage.numel or count > self.storage.numel):
            raise PackError("a tensor reaches past its storage", hint=_AGAIN)


_SET_ITEM: Any = pickle._Unpickler.dispatch[pickle.SETITEM[0]]


class Reader(pickle._Unpickler):
    """Runs a pickle in a world where every global is a fresh class of ours.

    The standard library's reader in Python, not the one in C: a small file can make that one take any memory (a memo of
    two thousand million places), or end the process (the hash of tuples that are nested a million deep).
    """

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: Any, *, where: str) -> None:
        super().__init__(file)
        self._where = where
        self._globals: dict[str, type] = {}

    def find_class(self, module: str, name: str) -> Any:
        """A class that stands for a global; nothing is imported."""
        full = f"{_RENAMED.get(module, module)}.{name}"
        if full not in self._globals:
            base = _KNOWN.get(full) or (_Inert if _is_metadata(full) else _Refused)
            self._globals[full] = type(name, (base,), {"stands_for": full, "where": self._where})
        return self._globals[full]

    def persistent_load(self, pid: Any) -> Storage:
        """A storage: ("storage", its class, its name in the zip, where it lay, how many elements)."""
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage":
            raise PackError("a storage is described in an unknown way", hint=_AGAIN)
        _, kind, key, _, numel = pid
        dtype = DTYPES.get(str(getattr(kind, "stands_for", "")).rpartition(".")[2])
        if dtype is None:
            raise PackError(f"tensors of the type {getattr(kind, 'stands_for', kind)} cannot be read", hint=_AGAIN)
        if not isinstance(key, str) or type(numel) is not int or numel < 0:
            raise PackError("a storage is described in an unknown way", hint=_AGAIN)
        return Storage(dtype=dtype, key=key, numel=numel)

    def _checked(self, load: Callable[[Any], None], step: int) -> None:
        """Runs an opcode that hashes what lies above the mark: every ``step``-th of it."""
        stack = vars(self)["stack"]
        for key in stack[::step]:
            _flat(key)
        load(self)

    def _load_item(self) -> None:
        _flat(vars(self)["stack"][-2])
        _SET_ITEM(self)

    def _refuse(self) -> None:
        raise PackError("it is written in a way that no checkpoint needs", hint=_AGAIN)

    dispatch[pickle.SETITEM[0]] = _load_item
    for _code in (pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4):
        dispatch[_code[0]] = _refuse
    for _code, _step in ((pickle.SETITEMS, 2), (pickle.DICT, 2), (pickle.ADDITEMS, 1), (pickle.FROZENSET, 1)):
        dispatch[_code[0]] = lambda self, load=dispatch[_code[0]], step=_step: self._checked(load, step)


def _flat(key: Any) -> Any:
    """A key whose hash is worked out at once: no tuple of tuples."""
    if isinstance(key, tuple | frozenset) and any(isinstance(item, tuple | frozenset) for item in key):
        raise PackError("a key is nested", hint=_AGAIN)
    return key


class _Inert:
    """Takes whatever it is given, and does nothing."""

    stands_for = ""
    where = ""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None: ...
    def __setstate__(self, state: Any) -> None: ...
    def __setitem__(self, key: Any, value: Any) -> None: ...
    def append(self, item: Any) -> None:
        """Takes a list's item."""

    def extend(self, items: Any) -> None:
        """Takes a list's items."""

    def add(self, item: Any) -> None:
        """Takes a set's item."""


class _Refused(_Inert):
    """A global that nobody vouches for; a checkpoint that only names it is read, one that calls it is not."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        raise PackError(
            f"{cls.where} holds code: {cls.stands_for}",
            hint="It was not run. Get the checkpoint from its authors; do not open this one with other programs",
        )


class _Table(dict[Any, Any]):
    """An ordered dict; its attributes (``_metadata``) are dropped."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__()
        for argument in arguments:
            pairs = argument.items() if isinstance(argument, dict) else argument
            for key, value in pairs if isinstance(argument, dict | list | tuple) else ():
                self[_flat(key)] = value

    def __setstate__(self, state: Any) -> None: ...


class _RebuildTensor:
    """``torch._utils._rebuild_tensor`` and ``_v2``: storage, offset, size, stride, and what concerns gradients."""

    def __new__(cls, storage: Any, offset: Any, shape: Any, stride: Any, *rest: Any) -> Any:
        if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(stride, tuple):
            raise PackError("a tensor is described in an unknown way", hint=_AGAIN)
        return StoredTensor(storage=storage, offset=offset, shape=shape, stride=stride)


class _RebuildParameter:
    """``torch._utils._rebuild_parameter``: the tensor, and what concerns gradients."""

    def __new__(cls, data: Any, *rest: Any) -> Any:
        return data


class _Encode:
    """``_codecs.encode``, with which old pickle protocols write bytes."""

    def __new__(cls, text: Any, encoding: Any = "latin1") -> Any:
        if not isinstance(text, str) or encoding != "latin1":
            raise PackError("bytes are written in an unknown way", hint=_AGAIN)
        return text.encode("latin1")


class _Reconstructor:
    """``copyreg._reconstructor``, with which old pickle protocols make objects."""

    def __new__(cls, kind: Any, *rest: Any) -> Any:
        if not isinstance(kind, type):
            raise PackError("an object is described in an unknown way", hint=_AGAIN)
        return kind()


_KNOWN: Mapping[str, type] = MappingProxyType(
    {
        "collections.OrderedDict": _Table,
        "torch._utils._rebuild_tensor": _RebuildTensor,
        "torch._utils._rebuild_tensor_v2": _RebuildTensor,
        "torch._utils._rebuild_parameter": _RebuildParameter,
        "torch._utils._rebuild_parameter_with_state": _RebuildParameter,
        "_codecs.encode": _Encode,
        "copyreg._reconstructor": _Reconstructor,
    }
)


def _is_metadata(full: str) -> bool:
    return full in METADATA or full.startswith(tuple(package + "." for package in METADATA_PACKAGES))
