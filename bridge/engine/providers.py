"""The execution providers that the project knows: ONNX Runtime's names, and the words for them in a setting.

Only words: nothing here loads ONNX Runtime, so that settings can be checked without it. Which of them work on this
machine is ``devices``' question.
"""

from __future__ import annotations

from dataclasses import dataclass

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
COREML = "CoreMLExecutionProvider"
DIRECTML = "DmlExecutionProvider"


@dataclass(frozen=True, kw_only=True)
class Device:
    """A provider besides the CPU.

    Attributes:
        word: what a user writes. title: what a user reads.
        providers: ONNX Runtime's names, best first, without the CPU.
        cure: what has to be there for it.
        auto: whether "auto" may take it. nvidia: whether it needs NVIDIA's driver.
    """

    word: str
    title: str
    providers: tuple[str, ...]
    cure: str
    auto: bool = False
    nvidia: bool = False


DEVICES = (
    Device(
        word="cuda",
        title="CUDA",
        providers=(CUDA,),
        cure="install NVIDIA's driver, CUDA and cuDNN of the versions that ONNX Runtime names",
        auto=True,
        nvidia=True,
    ),
    Device(
        word="directml",
        title="DirectML",
        providers=(DIRECTML,),
        cure="on Windows, install onnxruntime-directml in the place of onnxruntime-gpu",
        auto=True,
    ),
    Device(
        word="tensorrt",
        title="TensorRT",
        providers=(TENSORRT, CUDA),
        cure="install what CUDA needs, and TensorRT of the version that ONNX Runtime names",
        nvidia=True,
    ),
    Device(word="coreml", title="Core ML", providers=(COREML,), cure="use a Mac with macOS 12 or later"),
)
"""In the order in which "auto" tries them."""

PROVIDERS = ("auto", "cpu", *(device.word for device in DEVICES))
"""What a user may ask for."""
