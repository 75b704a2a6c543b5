"""The starter pack: what ships with the program, made from two checkpoints.

Convention: the stages come from ``recipes``; this file adds only what concerns the pack as a whole: name, licence and
the attribution that its training data asks for. No graph goes in before torch and ONNX agree on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import onnx

from bridge.errors import PackError
from bridge.packs.manifest import Licence
from bridge.packs.store import STARTER, PackFiles
from onnx_export.attribution import FILE_NAME, attribution_markdown, credits
from onnx_export.bundle import Draft, bundle
from onnx_export.convert import export
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage

MAX_BYTES = 40_000_000
"""The wheel carries the pack."""

LICENCE = Licence(
    name="MIT; trained on data of several licences",
    commercial_use="unknown",
    notice=(
        "The weights were made by this project and are offered under the MIT licence. Commercial use is unknown: the "
        "net that finds onsets was trained on clips of the Greatest Hits data set (Owens et al., CVPR 2016), and this "
        "project does not know what its terms mean for trained weights. Credits for the training sounds are in "
        f"{FILE_NAME}."
    ),
)


def starter_draft(stages: Iterable[Stage], *, say: Callable[[str], None]) -> Draft:
    """Exports every recipe, proves it, and puts the pack's parts together.

    Args:
        stages: a *when* and a *what* stage.
        say: is told in words what is done.

    Raises:
        PackError: an export or its proof failed, two stages claim the same thing, or a stage is missing.
    """
    stages = tuple(stages)
    graphs: dict[str, onnx.ModelProto] = {}
    files: dict[str, bytes] = {FILE_NAME: attribution_markdown(credits()).encode()}
    for stage in stages:
        for recipe in stage.recipes:
            if recipe.role in graphs:
                raise PackError(f'two recipes give the graph "{recipe.role}"', hint="Remove one")
            say(f"Exporting {recipe.role}")
            model = export(recipe)
            worst = max(parity.error for parity in check_parity(recipe, model))
            say(f"{recipe.role}: torch and ONNX agree to {worst:.1e} on {len(recipe.shapes)} shapes")
            graphs[recipe.role] = model
        for name, data in stage.files.items():
            if name in files:
                raise PackError(f'two stages give the file "{name}"', hint="Rename one")
            files[name] = data
    whens = [stage.when for stage in stages if stage.when is not None]
    whats = [stage.what for stage in stages if stage.what is not None]
    if len(whens) != 1 or len(whats) != 1:
        raise PackError("the starter pack needs one when and one what stage", hint="Give both checkpoints")
    return Draft(
        name=STARTER,
        version=_version(),
        title="Starter: contacts from motion, hits and scrapes of common materials",
        licence=LICENCE,
        training_data=tuple(data for stage in stages for data in stage.training_data),
        graphs=graphs,
        when=whens[0],
        what=whats[0],
        files=files,
    )


def bundle_starter(stages: Iterable[Stage], folder: Path, *, say: Callable[[str], None]) -> PackFiles:
    """Writes the starter pack.

    Args:
        stages: see ``starter_draft``.
        folder: where it shall lie; named "starter".
        say: is told in words what is done.

    Raises:
        PackError: see ``starter_draft`` and ``bundle``; also if it is too large for the wheel.
    """
    draft = starter_draft(stages, say=say)
    size = sum(model.ByteSize() for model in draft.graphs.values()) + sum(map(len, draft.files.values()))
    if size > MAX_BYTES:
        raise PackError(
            f"the pack would have {size / 1e6:.1f} MB, {MAX_BYTES / 1e6:.0f} are allowed", hint="Shrink a net"
        )
    files = bundle(draft, folder)
    say(f"{files.folder}: {size / 1e6:.1f} MB, {len(files.manifest.files)} files, {files.digest[:12]}")
    return files


def _version() -> str:
    try:
        return version("foley-bridge")
    except PackageNotFoundError:
        return "0"
