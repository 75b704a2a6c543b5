"""The actions, run in the simulated REAPER, against a UDP socket that stands for the daemon."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from bridge.host import endpoint
from bridge.host.reaper import ReaperHost
from bridge.osc import messages
from bridge.osc.messages import (
    Again,
    Answer,
    Cancel,
    Detect,
    DrawLevel,
    Exactly,
    Fewer,
    Forget,
    Free,
    Generate,
    Keep,
    Little,
    Live,
    Lot,
    More,
    Place,
    SetControls,
    SetPrompt,
    ShowRecipe,
    UseReference,
    Variation,
    Verb,
)
from bridge.osc.server import OscServer, pack_answer
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

SCRIPTS = Path(__file__).resolve().parents[2] / "reaper_scripts"
ACTIONS = {
    "find_onsets": Detect,
    "generate": Generate,
    "new_variation": Variation,
    "make_again_from_markers": Again,
    "cancel": Cancel,
    "free_memory": Free,
    "set_prompt": SetPrompt,
    "more_onsets": More,
    "fewer_onsets": Fewer,
    "live_mode": Live,
    "keep_this_take": Keep,
    "make_exactly_again": Exactly,
    "vary_a_little": Little,
    "vary_a_lot": Lot,
    "use_item_as_reference": UseReference,
    "forget_reference": Forget,
    "place_this_sound": Place,
    "controls": SetControls,
    "show_recipe": ShowRecipe,
    "draw_level_from_picture": DrawLevel,
}


class Daemon:
    """What the bridge's daemon is to a script: a UDP port that answers; ``heard`` keeps what came."""

    def __init__(self) -> None:
        self.heard: list[Verb] = []
        self.packets: list[bytes] = []
        self.presses: list[str] = []
        self.answer: bytes | None = pack_answer("", Answer(ok=True, sentence="Taken."))
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind(("127.0.0.1", 0))
        self.port = self._line.getsockname()[1]
        endpoint.announce_daemon(self.port, TOKEN)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, sender = self._line.recvfrom(65536)
            if data == b"stop":
                return
            self.packets.append(data)
            message = OscMessage(data)
            address, arguments, token, press = messages.opened(message.address, list(message.params))
            assert token == TOKEN
            self.presses.append(press)
            self.heard.append(messages.parse(address, arguments))
            if self.answer is not None:
                self._line.sendto(self.answer, sender)

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"stop", ("127.0.0.1", self.port))
        self._thread.join()
        self._line.close()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.close()


@pytest.fixture
def reaper(tmp_path: Path) -> Iterator[SimReaper]:
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        yield reaper


def copied(folder: Path) -> Path:
    """The scripts in another place, as the designer copies them; the folder of the actions."""
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def press(reaper: SimReaper, action: str) -> str:
    return reaper.run_script(SCRIPTS / f"foley_{action}.py")


def test_scripts_when_listed_then_they_are_the_actions_and_the_server() -> None:
    found = {path.stem.removeprefix("foley_") for path in SCRIPTS.glob("foley_*.py")}
    assert found == {*ACTIONS, "server"}
    heads = [re.search(r"\nimport glob\n.*beside this script[^\n]*", path.read_text(), re.S) for path in paths()]
    assert len({head and head[0] for head in heads}) == 1
    assert all(len(path.read_text().splitlines()) <= 30 for path in paths())


def paths() -> list[Path]:
    return sorted(SCRIPTS.glob("foley_*.py"))


@pytest.mark.parametrize("action", ["find_onsets", "controls", "server"])
def test_action_when_python_does_not_search_beside_it_then_it_finds_its_way_by_its_own_name(
    tmp_path: Path, daemon: Daemon, action: str
) -> None:
    with SimReaper.start(
        tmp_path / "reaper", tick_s=0.005, web_port=None, arguments=["--script-folder-off-path"]
    ) as reaper:
        reaper.answer_next_inputs(["wood"])
        press(reaper, action)
        assert_works(reaper, daemon, action)


@pytest.mark.parametrize("action", ["find_onsets", "server"])
def test_action_when_it_does_not_know_its_own_name_then_it_looks_below_reapers_scripts(
    tmp_path: Path, daemon: Daemon, action: str
) -> None:
    scripts = copied(tmp_path / "rea[per]" / "Scripts" / "Foley" / "Bridge")
    blind = ["--script-folder-off-path", "--script-file-unknown"]
    with SimReaper.start(tmp_path / "rea[per]", tick_s=0.005, web_port=None, arguments=blind) as reaper:
        reaper.run_script(scripts / f"foley_{action}.py")
        assert_works(reaper, daemon, action)


@pytest.mark.parametrize("action", [*ACTIONS, "server"])
def test_action_when_it_finds_nothing_then_the_console_says_what_to_do(
    tmp_path: Path, daemon: Daemon, action: str
) -> None:
    blind = ["--script-folder-off-path", "--script-file-unknown"]
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, arguments=blind) as reaper:
        press(reaper, action)
        assert reaper.console().startswith("Foley Bridge: copy foley_inside into REAPER's Scripts folder")
        assert "Traceback" not in reaper.console()
    assert daemon.heard == []


def assert_works(reaper: SimReaper, daemon: Daemon, action: str) -> None:
    if action == "server":
        ReaperHost().read()
    else:
        assert [type(verb) for verb in daemon.heard] == [ACTIONS[action]]
    assert reaper.console() == ""


@pytest.mark.parametrize("action", [action for action in ACTIONS if action != "controls"])
def test_action_when_pressed_then_its_verb_cursor_and_mouse_track_are_sent_once(
    reaper: SimReaper, daemon: Daemon, action: str
) -> None:
    track = reaper.add_track("video")
    reaper.set_mouse_track(track)
    reaper.set_cursor(3600.0001220703125)
    reaper.answer_next_inputs(["  wood,  hit "])
    assert press(reaper, action) == "ran"
    (verb,) = daemon.heard
    assert type(verb) is ACTIONS[action]
    assert verb.cursor_s == 3600.0001220703125
    assert verb.mouse_track_guid == track
    assert verb.prompt == ("wood, hit" if action in ("generate", "set_prompt") else "")
    assert reaper.help_text() == "Taken."
    assert reaper.console() == ""


def test_action_when_the_mouse_is_over_nothing_then_the_track_is_empty(reaper: SimReaper, daemon: Daemon) -> None:
    reaper.set_mouse_track(None)
    press(reaper, "find_onsets")
    assert daemon.heard == [Detect(cursor_s=0.0)]


def test_action_when_two_tabs_are_open_then_the_one_in_front_at_the_key_press_is_read(
    tmp_path: Path, daemon: Daemon
) -> None:
    with SimReaper.start(
        tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[SCRIPTS / "foley_server.py"]
    ) as reaper:
        reaper.save(tmp_path / "film ä.rpp")
        reaper.add_marker(1.0, "behind")
        press(reaper, "find_onsets")
        reaper.new_tab()
        press(reaper, "find_onsets")
        behind, front = (verb.project for verb in daemon.heard)
        host = ReaperHost()
        assert [marker.name for marker in host.read(project=behind).markers] == ["behind"]
        assert host.read(project=behind).token == behind
        assert (host.read(project=front).token, host.read().token) == (front, front)
        host.close()


def test_action_when_no_server_runs_then_no_project_is_named(reaper: SimReaper, daemon: Daemon) -> None:
    press(reaper, "find_onsets")
    assert daemon.heard[0].project == ""


def test_action_when_pressed_then_nothing_in_the_project_changes(reaper: SimReaper, daemon: Daemon) -> None:
    before = reaper.state()
    press(reaper, "find_onsets")
    reaper.wait_ticks(2)
    assert (reaper.state(), reaper.undo_labels(), reaper.running_scripts()) == (before, [], [])


@pytest.mark.parametrize("action", ACTIONS)
def test_action_when_the_daemon_is_not_there_then_the_console_says_how_to_start_it(
    reaper: SimReaper, daemon: Daemon, action: str
) -> None:
    daemon.close()
    reaper.answer_next_inputs(["wood"])
    began = time.monotonic()
    press(reaper, action)
    assert time.monotonic() - began < 1.0
    assert "foley-bridge serve" in reaper.console()
    assert str(endpoint.announced_daemon()["port"]) in reaper.console()


def test_action_when_the_daemon_never_ran_then_the_default_port_is_tried(reaper: SimReaper) -> None:
    press(reaper, "cancel")
    assert "9124" in reaper.console()
    assert "foley-bridge serve" in reaper.console()


def test_action_when_the_daemon_refuses_then_the_console_holds_its_sentence(reaper: SimReaper, daemon: Daemon) -> None:
    daemon.answer = pack_answer("detect", Answer(ok=False, sentence="No video lies under the cursor ä."))
    press(reaper, "find_onsets")
    assert reaper.console() == "Foley Bridge: No video lies under the cursor ä.\n"


@pytest.mark.parametrize(
    "junk", [b"junk", b"", b"/foley/answer\0\0\0", b"/other\0\0,\0\0\0", pack_answer("x", Answer(ok=True))[:-9]]
)
def test_action_when_something_else_answers_then_the_console_names_the_port(
    reaper: SimReaper, daemon: Daemon, junk: bytes
) -> None:
    daemon.answer = junk
    press(reaper, "find_onsets")
    assert str(daemon.port) in reaper.console()
    assert "Another program" in reaper.console()


def test_generate_when_the_project_remembers_a_prompt_then_nothing_is_asked(
    reaper: SimReaper, daemon: Daemon, tmp_path: Path
) -> None:
    remember(reaper, tmp_path, "glass")
    press(reaper, "generate")
    assert daemon.heard == [Generate(cursor_s=0.0)]
    assert reaper.dialogs() == []


@pytest.mark.parametrize("answer", [None, "", "   "])
@pytest.mark.parametrize("action", ["generate", "set_prompt"])
def test_prompt_when_cancelled_or_empty_then_a_sentence_and_nothing_is_sent(
    reaper: SimReaper, daemon: Daemon, action: str, answer: str | None
) -> None:
    reaper.answer_next_inputs([answer])
    assert press(reaper, action) == "ran"
    assert daemon.heard == []
    assert "nothing was" in reaper.console()
    assert reaper.state()["ext"] == {}


def test_set_prompt_when_one_is_remembered_then_the_dialog_shows_it(
    reaper: SimReaper, daemon: Daemon, tmp_path: Path
) -> None:
    remember(reaper, tmp_path, "glass, light")
    assert press(reaper, "set_prompt") == "modal"
    dialog = reaper.modal()
    assert dialog is not None
    assert dialog["text"] == "glass, light"
    reaper.answer_modal("metal")
    reaper.wait_ticks(2)
    assert daemon.heard == [SetPrompt(cursor_s=0.0, prompt="metal")]


def test_prompt_when_not_ascii_then_it_arrives_as_typed(reaper: SimReaper, daemon: Daemon) -> None:
    reaper.answer_next_inputs(["Stöckelschuhe auf Holz 木"])
    press(reaper, "set_prompt")
    assert daemon.heard[0].prompt == "Stöckelschuhe auf Holz 木"


def test_action_when_the_real_server_listens_then_its_answer_is_shown(reaper: SimReaper) -> None:
    with OscServer(lambda verb: Answer(ok=True, sentence=f"{verb.NAME} is on its way"), token=TOKEN, port=0) as server:
        endpoint.announce_daemon(server.port, TOKEN)
        press(reaper, "new_variation")
        assert reaper.help_text() == "variation is on its way"


def remember(reaper: SimReaper, folder: Path, prompt: str) -> None:
    """Puts a prompt into the project, as the bridge's write does."""
    script = folder / "remember.py"
    script.write_text(
        "from reaper_python import *\n"
        "RPR_Undo_BeginBlock2(0)\n"
        f"RPR_SetProjExtState(0, 'FOLEY', 'prompt', {prompt!r})\n"
        "RPR_Undo_EndBlock2(0, 'remember', -1)\n"
    )
    reaper.run_script(script)
