"""Films that are cut off, damaged, empty or not films at all, and outputs that cannot be: never half a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portraitlite.runtime import InputError, NothingToDoError

pytest.importorskip("av", reason="films need PyAV: the extra `video`")

from film_files import TinyBlur, decode, figure, tone_block, write_film

from portraitlite.runtime.video.film import blur_film

FIGURE = figure(48, 64)


@pytest.fixture(scope="module")
def blur(tmp_path_factory: pytest.TempPathFactory) -> TinyBlur:
    return TinyBlur(tmp_path_factory.mktemp("model"))


def test_one_frame_is_a_film(blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [FIGURE])
    assert blur(source, tmp_path / "out.mp4").frames == 1
    assert len(decode(tmp_path / "out.mp4")) == 1


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_film_that_is_cut_off_is_done_as_far_as_it_goes(suffix: str, blur: TinyBlur, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    noisy = [np.maximum(FIGURE, rng.integers(0, 60, FIGURE.shape, np.uint8)) for _ in range(40)]
    front = write_film(tmp_path / f"whole{suffix}", noisy, options={"crf": "10", "bf": "0"})
    if suffix == ".mp4":  # with its index in front, as it is streamed
        blur(front, tmp_path / "streamed.mp4")
        front = tmp_path / "streamed.mp4"
    content = front.read_bytes()
    (tmp_path / f"cut{suffix}").write_bytes(content[: len(content) * 6 // 10])
    result = blur(tmp_path / f"cut{suffix}", tmp_path / "out.mp4")
    assert 5 < result.frames < 38
    assert len(decode(tmp_path / "out.mp4")) == result.frames
    assert any(notice.startswith("it ends early") for notice in result.notices)


def test_films_that_are_refused(blur: TinyBlur, tmp_path: Path) -> None:
    whole = write_film(tmp_path / "whole.mp4", [FIGURE] * 5, sound="aac").read_bytes()
    (tmp_path / "no_index.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(9999))
    (tmp_path / "text.mkv").write_text("a film about nothing")
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nwhole.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.txt").write_text("ffconcat version 1.0\nfile whole.mp4\n")
    write_film(tmp_path / "tiny.mkv", [FIGURE[:24, :24]], codec="ffv1", pixels="bgr0")
    _sound_alone(tmp_path / "sound.m4a")
    for name, message in (
        ("absent.mp4", "does not exist"),
        (".", "is no file"),
        ("empty.mp4", "is empty"),
        ("no_index.mp4", "cannot be read"),
        ("noise.mp4", "cannot be read"),
        ("text.mkv", "cannot be read"),
        ("list.m3u8", "cannot be read"),
        ("list.txt", "cannot be read"),
        ("tiny.mkv", "has 24x24 pixels, expected at least 32"),
        ("sound.m4a", "has no moving picture"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            blur(tmp_path / name, tmp_path / "out.mp4")
        assert len(str(caught.value).splitlines()) == 1
        assert not list(tmp_path.glob("*out*")), "neither a film nor a part of one"
        assert not list(tmp_path.glob(".*"))


def test_sizes_that_change_are_refused(blur: TinyBlur, tmp_path: Path) -> None:
    parts = []
    for n, size in enumerate(((48, 64), (64, 96))):
        path = write_film(tmp_path / f"{n}.ts", [figure(*size)] * 30, options={"bf": "0"})
        parts.append(path.read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    with pytest.raises(InputError, match="changes from 64x48 to 96x64 pixels"):
        blur(tmp_path / "both.ts", tmp_path / "out.mp4")
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".*"))


def test_a_film_without_anybody_leaves_nothing(blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [figure(48, 64, 0, 0)] * 3)
    with pytest.raises(NothingToDoError, match=r"no person found in .*in\.mp4"):
        blur(source, tmp_path / "out.mp4")
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


def test_outputs_that_are_refused(blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [FIGURE] * 2)
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for name, message in (
        ("out.webm", r"ends in '\.webm', expected one of \.mp4"),
        ("out", "has no suffix"),
        ("there.mp4", "exists already.*--force"),
        ("nowhere/out.mp4", "does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            blur(source, tmp_path / name)
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    assert blur(source, tmp_path / "there.mp4", force=True).frames == 2
    assert blur(tmp_path / "there.mp4", tmp_path / "there.mp4", force=True).frames == 2, "onto itself"


def test_damage_is_an_error_of_one_line_or_a_film(blur: TinyBlur, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    seeds = [write_film(tmp_path / name, [FIGURE] * 6, sound="aac").read_bytes() for name in ("a.mp4", "b.mkv", "c.ts")]
    for n in range(60):
        data = bytearray(seeds[n % 3])
        for _ in range(int(rng.integers(1, 30))):
            data[rng.integers(0, len(data))] = rng.integers(0, 256)
        (tmp_path / "damaged").write_bytes(bytes(data[: rng.integers(len(data) // 2, len(data) + 1)]))
        try:
            frames = blur(tmp_path / "damaged", tmp_path / "out.mp4").frames
        except (InputError, NothingToDoError) as error:
            message = str(error)
            assert "\n" not in message
            assert not (tmp_path / "out.mp4").exists()
        else:
            assert len(decode(tmp_path / "out.mp4")) == frames
            (tmp_path / "out.mp4").unlink()
        assert not list(tmp_path.glob(".*"))


def test_a_failure_in_the_middle_leaves_what_was_there(blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [FIGURE] * 4)
    (tmp_path / "out.mp4").write_bytes(b"mine")

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        blur_film(source, tmp_path / "out.mp4", blur.engine, strength=0.0, force=True, progress=stop)
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "out.mp4"}


def _sound_alone(path: Path) -> None:
    import av

    with av.open(str(path), "w") as film:
        tone = film.add_stream("aac", rate=48_000)
        tone.layout = "mono"
        film.mux(tone.encode(tone_block(tone, 0)))
        film.mux(tone.encode(None))
