"""For other runtimes, what prepares for the denoiser has standard operators alone, too."""

from __future__ import annotations

import pytest

from onnx_export.convert import export
from tests.onnx_export.test_recipe_syncfusion_what import domains, small_stage


@pytest.mark.parametrize("number", range(3))
def test_preparing_graphs_when_plain_have_no_operators_of_one_runtime(number: int) -> None:
    assert domains(export(small_stage(plain=True).recipes[number])) == {""}
