"""A film that is a list of other files is no film: nothing it names is opened, here or on the network."""

from __future__ import annotations

import socket
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from bridge.errors import MediaError
from bridge.media import reference, video
from bridge.media.container import check_decoder
from tests.bridge.media.clips import at_rate, render

LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
    "list.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{target}'\n",
    "list.mov": "ffconcat version 1.0\nfile '{target}'\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_list_when_it_names_a_film_then_refused_with_a_sentence(tmp_path: Path, name: str) -> None:
    render(tmp_path / "film.ts", times_s=at_rate(Fraction(10), 10), sound_s=1.0)
    (tmp_path / name).write_text(LISTS[name].format(target="film.ts"))
    with pytest.raises(MediaError) as caught:
        video.probe(tmp_path / name)
    assert name in caught.value.sentence
    with pytest.raises(MediaError):
        reference.read(reference.named(tmp_path / name))


@pytest.mark.parametrize("name", LISTS)
def test_list_when_it_names_an_address_then_nobody_is_called(tmp_path: Path, name: str) -> None:
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        port = server.getsockname()[1]

        def listen() -> None:
            try:
                server.accept()[0].close()
                called.set()
            except OSError:
                return

        thread = threading.Thread(target=listen)
        thread.start()
        (tmp_path / name).write_text(LISTS[name].format(target=f"http://127.0.0.1:{port}/film.ts"))
        with pytest.raises(MediaError):
            video.probe(tmp_path / name)
        thread.join()
    assert not called.is_set()


def test_decoder_when_its_library_is_known_to_be_unsafe_then_refused_with_the_way_out() -> None:
    with pytest.raises(MediaError, match="cannot read safely"):
        check_decoder("magicyuv", Path("film.avi"), version=(62, 28, 101))
    check_decoder("magicyuv", Path("film.avi"), version=(62, 28, 102))
    check_decoder("h264", Path("film.mp4"), version=(60, 0, 0))
