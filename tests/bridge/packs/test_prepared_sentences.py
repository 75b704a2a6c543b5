"""What a denoiser takes must come from somewhere, whichever place it has."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs.manifest import parse
from tests.bridge.packs import test_manifest_prepared
from tests.bridge.packs.test_manifest_prepared import tensor

good = test_manifest_prepared.good
AGAIN = "Get the pack again, or export it again with foley-export."


@pytest.mark.parametrize("place", [1, 2, 3, 4])
def test_denoiser_when_it_takes_a_tensor_that_nothing_gives_then_named_wherever_it_stands(
    good: dict[str, Any], place: int
) -> None:
    data = copy.deepcopy(good)
    data["graphs"]["denoiser"]["inputs"].insert(place, tensor("odd", "batch", 3))
    with pytest.raises(PackError) as caught:
        parse(json.dumps(data), where="p")
    assert caught.value.sentence == (
        f'p: graph "denoiser" takes odd float32 [batch, 3], which comes out of no graph of the pack. {AGAIN}'
    )


def test_pack_when_nothing_stands_for_no_prompt_then_the_key_is_named(good: dict[str, Any]) -> None:
    good["what"]["null_embedding"] = ""
    with pytest.raises(PackError) as caught:
        parse(json.dumps(good), where="p")
    assert caught.value.sentence == f'p: key "what.null_embedding" is missing. {AGAIN}'
