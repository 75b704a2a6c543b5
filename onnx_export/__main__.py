"""The command line of the exporter: ``foley-export starter | syncfusion | train | evaluate``.

Convention: anything that goes wrong on purpose ends as one sentence on stderr and exit code 2; torch is imported only
by the command that needs it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import BridgeError, PackError

_TRAINERS = {name: f"onnx_export.train.{name}" for name in ("when", "embed", "what")}
_RECIPES = {name: f"onnx_export.recipes.{name}" for name in _TRAINERS}
_EVALUATORS = {"syncfusion": "onnx_export.evaluate.command", "starter": "onnx_export.evaluate.starter.command"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: words after the command's name; None takes the process's own.

    Returns:
        Exit code: 0, or 2 after a sentence on stderr.
    """
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except BridgeError as error:
        print(f"foley-export: {error.sentence}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("foley-export: stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foley-export", description="Trains nets and makes packs of them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    starter = commands.add_parser("starter", help="make the starter pack from checkpoints")
    starter.add_argument("--when", type=Path, required=True, metavar="CKPT", help="checkpoint of the onset net")
    starter.add_argument("--embed", type=Path, required=True, metavar="CKPT", help="checkpoint of the embedder")
    starter.add_argument("--what", type=Path, required=True, metavar="CKPT", help="checkpoint of the sound generator")
    starter.add_argument(
        "--when-clean", type=Path, metavar="CKPT", help='onset net of rendered scenes only: also make "starter-clean"'
    )
    starter.add_argument("--figures", type=Path, metavar="JSON", help="what was measured of it, for the model cards")
    starter.add_argument("--figures-clean", type=Path, metavar="JSON", help="the same of the clean pack")
    starter.add_argument("--out", type=Path, required=True, metavar="DIR", help='the pack\'s folder, named "starter"')
    starter.set_defaults(run=_starter)
    sync = commands.add_parser("syncfusion", help="make the syncfusion pack from the published checkpoints")
    sync.add_argument("--onset-checkpoint", type=Path, required=True, metavar="CKPT", help="of the onset net")
    sync.add_argument("--diffusion-checkpoint", type=Path, required=True, metavar="CKPT", help="of the generator")
    sync.add_argument("--clap-checkpoint", type=Path, required=True, metavar="PT", help="LAION's 630k-audioset-best.pt")
    sync.add_argument(
        "--tokenizer", type=Path, metavar="DIR", help="where vocab.json and merges.txt of RoBERTa base lie"
    )
    sync.add_argument("--out", type=Path, required=True, metavar="DIR", help='the pack\'s folder, named "syncfusion"')
    sync.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32", help="of the denoiser")
    sync.add_argument("--plain", action="store_true", help="no operators of com.microsoft (slower, runs elsewhere too)")
    sync.set_defaults(run=_syncfusion)
    train = commands.add_parser("train", help="train a stage; everything after its name goes to the trainer")
    train.add_argument("stage", choices=sorted(_TRAINERS))
    train.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="measure a pack; -h after the name says more")
    evaluate.add_argument("system", choices=sorted(_EVALUATORS))
    evaluate.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _starter(arguments: argparse.Namespace) -> int:
    module = _import("onnx_export.starter")
    trained = {
        name: module.trained(path, _import(_RECIPES[name.partition("_")[0]]).stage)
        for name in ("when", "embed", "what", "when_clean")
        if (path := getattr(arguments, name)) is not None
    }
    module.bundle_starter(
        [trained["when"], trained["embed"], trained["what"]],
        arguments.out,
        say=lambda sentence: print(sentence, flush=True),
        clean=trained.get("when_clean"),
        figures=_figures(arguments.figures),
        clean_figures=_figures(arguments.figures_clean),
    )
    return 0


def _figures(path: Path | None):
    """What was measured, if a file says so."""
    return None if path is None else _import("onnx_export.evaluate.starter.figures").load(path)


def _syncfusion(arguments: argparse.Namespace) -> int:
    module = _import("onnx_export.syncfusion")
    order = module.Order(
        onset=arguments.onset_checkpoint,
        diffusion=arguments.diffusion_checkpoint,
        clap=arguments.clap_checkpoint,
        tokenizer=arguments.tokenizer or arguments.clap_checkpoint.parent,
        out=arguments.out,
        precision=arguments.precision,
        plain=arguments.plain,
    )
    module.export_syncfusion(order, say=lambda sentence: print(sentence, flush=True))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    return int(_import(_TRAINERS[arguments.stage]).main(arguments.rest) or 0)


def _evaluate(arguments: argparse.Namespace) -> int:
    words = [arguments.system, *arguments.rest] if arguments.system == "syncfusion" else arguments.rest
    return int(_import(_EVALUATORS[arguments.system]).main(words))


def _import(name: str):
    """A module that needs the export extra."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("torch", "onnx", "onnxscript", "safetensors", "tokenizers", "tqdm", "transformers"):
            raise PackError(
                f"{missing} is not installed", hint='Install the exporter, in your clone: pip install -e ".[export]"'
            ) from error
        raise


if __name__ == "__main__":
    sys.exit(main())
