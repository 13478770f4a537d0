"""The preview: masks at their own rate, the newest frame always, and every dropped frame counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_segmenter import COLOURS, tiny_segmenter

from portraitlite.runtime import InputError
from portraitlite.runtime.video.film import FilmBlur
from portraitlite.runtime.video.preview import Preview, TimedFrame, film_source, paced, play
from portraitlite.runtime.video.reader import FilmReader

FRAME = COLOURS[np.repeat(np.repeat(np.array([[0, 1, 0]], np.uint8), 48, 0), 32, 1)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> FilmBlur:
    return FilmBlur(tiny_segmenter(tmp_path_factory.mktemp("model") / "tiny.tflite"))


def test_masks_come_at_their_own_rate(engine: FilmBlur) -> None:
    preview = Preview(engine, mask_rate=10, strength=0.0)
    rng = np.random.default_rng(0)
    for n in range(30):
        assert preview(n / 30 + rng.uniform(0, 0.002), FRAME).shape == FRAME.shape
    assert preview.masks == 10
    preview(0.0, FRAME)
    assert preview.masks == 11, "a source that begins again"


def test_the_picture_is_of_this_frame_and_the_mask_of_the_last_one(engine: FilmBlur) -> None:
    preview = Preview(engine, mask_rate=1)
    preview(0.0, FRAME)
    other = FRAME.copy()
    other[:, 32:64] = (255, 255, 0)  # the model would not know it for a person
    np.testing.assert_array_equal(preview(0.1, other)[10:40, 44:52], other[10:40, 44:52])


def test_slow_pictures_drop_frames_and_the_newest_is_shown(engine: FilmBlur) -> None:
    shown: list[float] = []
    go_on, taken = threading.Event(), threading.Event()

    def camera() -> Iterator[TimedFrame]:
        yield 0.0, FRAME
        taken.wait(30)
        for n in range(1, 6):
            yield float(n), FRAME
        go_on.set()

    def show(time_s: float, pixels: np.ndarray) -> None:
        shown.append(time_s)
        taken.set()
        go_on.wait(30)

    count = play(camera(), Preview(engine, strength=0.0), show)
    assert shown == [0.0, 5.0]
    assert (count.shown, count.dropped, count.masks) == (2, 4, 2)
    assert count.seconds > 0


def test_it_ends_when_the_window_is_closed(engine: FilmBlur) -> None:
    def camera() -> Iterator[TimedFrame]:
        n = 0
        while True:
            yield n / 30, FRAME
            n += 1

    count = play(camera(), Preview(engine, strength=0.0), lambda time_s, pixels: False)
    assert count.shown == 1


def test_a_failing_camera_fails_the_preview(engine: FilmBlur) -> None:
    def camera() -> Iterator[TimedFrame]:
        yield 0.0, FRAME
        raise InputError("the camera was unplugged")

    with pytest.raises(InputError, match="unplugged"):
        play(camera(), Preview(engine, strength=0.0), lambda time_s, pixels: None)


def test_a_film_is_paced_by_its_own_times(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    times = []
    for _ in paced([(2.0, FRAME), (2.1, FRAME), (2.5, FRAME)]):
        times.append(clock[0])
        clock[0] += 0.01
    assert times == pytest.approx([100.0, 100.1, 100.5])


def test_a_film_takes_the_place_of_a_camera(engine: FilmBlur, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="films need PyAV: the extra `video`")
    from film_files import write_film

    path = write_film(tmp_path / "in.mp4", [FRAME] * 4, times=[0, 900, 1800, 9000], sound="aac")
    with FilmReader(path) as film:
        preview = Preview(engine, strength=0.0, mask_rate=1000)
        times: list[float] = []
        count = play(film_source(film), preview, lambda time_s, pixels: times.append(time_s))
    assert count.shown + count.dropped == 4
    assert times[-1] == pytest.approx(0.1)
    assert count.seconds >= 0.1, "as long as the film"


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_rates_that_are_none(rate: float, engine: FilmBlur) -> None:
    with pytest.raises(InputError, match="mask rate"):
        Preview(engine, mask_rate=rate)
