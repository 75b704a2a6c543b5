"""A training that was interrupted ends where an unbroken one ends, and never goes on from something else."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from bridge.errors import PackError
from onnx_export.checkpoints import read_facts
from onnx_export.train.run import CHECKPOINT, LAST_RATE, LOG, Run, load_average


class Net(nn.Module):
    """Weights, a statistic, a count and dropout: everything that a run must keep."""

    seen: torch.Tensor

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.Dropout(0.5), nn.Linear(width, 1))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += len(x)
        return self.layers(x)[:, 0]


def told() -> dict[str, str]:
    """What a run notes of this machine as it is set now."""
    return {"threads": str(torch.get_num_threads()), "device": "cpu"}


def started(out: Path, *, width: int = 6, about: str = "these sounds", rate: float = 0.05) -> Run:
    torch.manual_seed(0)
    return Run(Net(width), out=out, rate=rate, about={"data": about}, warm_up=3)


def go_on(run: Run, until: int) -> Run:
    run.model.train()
    while run.step < until:
        x = torch.from_numpy(run.draws(7).standard_normal((8, 3))).float()
        run.update((run.model(x) - x.sum(1)).square().mean(), done=run.used(steps=20))
    run.save()
    return run


def a_weight(run: Run) -> torch.Tensor:
    return next(value for value in run.model.parameters() if value.requires_grad)


def everything(run: Run) -> dict[str, torch.Tensor]:
    own = {f"own {name}": value.clone() for name, value in run.model.state_dict().items()}
    return own | {f"average {name}": value.clone() for name, value in run.average.items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_run_when_resumed_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    unbroken = go_on(started(tmp_path / "a"), 20)
    go_on(started(tmp_path / "b"), 9)
    torch.manual_seed(99)
    again = Run(Net(), out=tmp_path / "b", rate=0.05, about={"data": "these sounds"}, warm_up=3)
    assert again.resume()
    assert again.step == 9
    go_on(again, 20)
    assert same(everything(again), everything(unbroken))
    assert int(again.average["seen"]) == 160
    assert not same(everything(go_on(started(tmp_path / "c", rate=0.04), 20)), everything(unbroken))


def test_average_follows_the_weights_behind(tmp_path: Path) -> None:
    run = started(tmp_path)
    weight = run.model.get_parameter("layers.0.weight")
    begin = weight.detach().clone()
    go_on(run, 8)
    way = float((weight.detach() - begin).norm())
    behind = float((weight.detach() - run.average["layers.0.weight"]).norm())
    assert 0.02 * way < behind < 0.98 * way


def test_draws_are_the_same_for_a_step_and_others_for_the_next(tmp_path: Path) -> None:
    run = started(tmp_path)

    def chance(seed: int) -> tuple[float, float]:
        return float(run.draws(seed).random()), float(torch.rand(()))

    first = chance(3)
    assert chance(3) == first
    run.step += 1
    assert all(new != old for new, old in zip(chance(3), first, strict=True))
    assert all(new != old for new, old in zip(chance(4), first, strict=True))


def test_run_when_there_is_no_checkpoint_starts_anew(tmp_path: Path) -> None:
    run = started(tmp_path / "new")
    assert not run.resume()
    assert run.step == 0
    assert run.used() == 0.0


def test_run_counts_time_over_all_sittings(tmp_path: Path) -> None:
    first = started(tmp_path)
    first._before = 50.0
    first.save()
    again = started(tmp_path)
    again.resume()
    assert 50.0 <= again.seconds < 60.0
    assert 0.5 <= again.used(minutes=50.0 / 30.0) < 0.6


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.write_bytes(b"not a checkpoint"), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is damaged"),
    ],
)
def test_resume_when_the_checkpoint_is_damaged_names_it_and_the_way_out(
    tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    go_on(started(tmp_path), 1)
    damage(tmp_path / CHECKPOINT)
    with pytest.raises(PackError, match=reason) as caught:
        started(tmp_path).resume()
    assert str(tmp_path / CHECKPOINT) in caught.value.message
    assert caught.value.hint


def test_resume_when_it_is_about_other_data_or_another_net_refuses(tmp_path: Path) -> None:
    go_on(started(tmp_path), 1)
    with pytest.raises(PackError, match="data was these sounds, is other sounds") as caught:
        started(tmp_path, about="other sounds").resume()
    assert "--out" in caught.value.hint
    with pytest.raises(PackError, match="does not fit the net"):
        started(tmp_path, width=7).resume()
    torch.manual_seed(0)
    with pytest.raises(PackError, match="data was these sounds, is not said"):
        Run(Net(), out=tmp_path, rate=0.05).resume()


def test_update_when_the_loss_or_gradient_is_not_finite_says_so_and_keeps_the_weights(tmp_path: Path) -> None:
    run = started(tmp_path)
    weight = a_weight(run)
    before = everything(run)
    with pytest.raises(PackError, match="loss is not finite at step 0"):
        run.update(weight.sum() * float("nan"), done=0.0)
    with pytest.raises(PackError, match="gradient is not finite"):
        run.update((weight * 0.0).abs().sqrt().sum(), done=0.0)
    assert same(everything(run), before)


def test_update_warms_up_and_ends_slowly(tmp_path: Path) -> None:
    run = started(tmp_path, rate=1.0)
    rates = []
    for done in (0.0, 0.0, 0.0, 0.5, 1.0, 7.0):
        run.update(a_weight(run).square().sum(), done=done)
        rates.append(run.optimiser.param_groups[0]["lr"])
    assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert rates[3] == pytest.approx(0.5, abs=0.02)
    assert rates[4:] == pytest.approx([LAST_RATE, LAST_RATE])


def test_averaged_lends_the_average_and_gives_the_own_weights_back(tmp_path: Path) -> None:
    run = go_on(started(tmp_path), 6)
    before = everything(run)
    with run.averaged() as model:
        assert not model.training
        assert all(torch.equal(value, run.average[name]) for name, value in model.state_dict().items())
    assert run.model.training
    assert same(everything(run), before)
    assert not torch.equal(before["own layers.0.weight"], before["average layers.0.weight"])


def test_load_average_fills_a_net_and_tells_what_the_run_was_about(tmp_path: Path) -> None:
    run = go_on(started(tmp_path), 4)
    run.notes["loss"] = "0.5"
    run.save()
    net = Net()
    assert load_average(tmp_path / CHECKPOINT, net) == {"data": "these sounds", "loss": "0.5", **told()}
    assert all(torch.equal(value, run.average[name]) for name, value in net.state_dict().items())
    with pytest.raises(PackError, match="does not fit the net"):
        load_average(tmp_path / CHECKPOINT, Net(9))
    with pytest.raises(PackError, match="there is no checkpoint"):
        load_average(tmp_path / "nowhere" / CHECKPOINT, net)
    again = started(tmp_path)
    again.resume()
    assert again.notes == {"loss": "0.5", **told()}


def test_save_tells_device_and_threads_of_every_sitting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(tmp_path)
    for threads in (3, 3, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        run.save()
        run = started(tmp_path)
        run.resume()
    assert read_facts(run.path)["threads"] == "3, 5"
    assert read_facts(run.path)["device"] == "cpu"


def test_log_has_one_header_and_forgets_what_came_after_the_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = started(tmp_path)
    with run.bar(20):
        go_on(run, 2).log(loss=0.123456789)
        go_on(run, 4).log(loss=0.5, judged=1.0)
        run.step = 5
        run.log(loss=0.1)
    assert "step 2" in capsys.readouterr().err
    again = started(tmp_path)
    again.resume()
    go_on(again, 6).log(judged=2.0, loss=0.4)
    with (tmp_path / LOG).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["loss"], row["judged"]) for row in rows] == [
        ("2", "0.123457", ""),
        ("4", "0.5", "1.0"),
        ("6", "0.4", "2.0"),
    ]


def test_save_when_the_folder_cannot_be_written_says_so(tmp_path: Path) -> None:
    run = started(tmp_path / "out")
    (tmp_path / "out").rmdir()
    with pytest.raises(PackError, match="cannot be written"):
        run.save()
