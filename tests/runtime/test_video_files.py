"""Films in and out: turn, times, sound and colours stay, whatever the codec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portraitlite.runtime import InputError

pytest.importorskip("av", reason="films need PyAV: the extra `video`")

from film_files import TinyBlur, decode, figure, sound_packets, write_film

from portraitlite.runtime.video.reader import FilmReader

FIGURE = figure(48, 64)


@pytest.fixture(scope="module")
def blur(tmp_path_factory: pytest.TempPathFactory) -> TinyBlur:
    return TinyBlur(tmp_path_factory.mktemp("model"))


def test_the_background_is_blurred_and_the_figure_is_not(blur: TinyBlur, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    picture = figure(96, 128)
    red = picture[..., 0] > 0
    picture[red] = np.where(rng.random((red.sum(), 1)) > 0.5, (220, 0, 0), (90, 0, 0))
    source = write_film(tmp_path / "in.mp4", [picture] * 3, options={"crf": "4"})
    result = blur(source, tmp_path / "out.mp4", strength=1.0)
    assert (result.frames, result.with_subject, result.cuts, result.notices) == (3, 3, 0, ())
    for (_, _, before), (_, _, after) in zip(decode(source), decode(tmp_path / "out.mp4"), strict=True):
        assert after[:15, :, 0].std() < 0.5 * before[:15, :, 0].std()
        np.testing.assert_allclose(after[40:90, 50:78].astype(int), before[40:90, 50:78], atol=12)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_irregular_times_and_sound_are_kept(suffix: str, blur: TinyBlur, tmp_path: Path) -> None:
    times = [0, 3000, 4500, 12_000, 12_900, 18_000]
    source = write_film(tmp_path / "in.mp4", [FIGURE] * 6, times=times, sound="aac", metadata={"title": "At the lake"})
    blur(source, tmp_path / f"out{suffix}")
    before, after = decode(source), decode(tmp_path / f"out{suffix}")
    # Matroska counts milliseconds, and from 0: AAC begins a little earlier, so that everything comes later together.
    grid, shift = (0.0011, 1024 / 48_000) if suffix == ".mkv" else (1e-6, 0.0)
    assert [time for time, _, _ in after] == pytest.approx([time / 90_000 + shift for time in times], abs=grid)
    assert after[-1][1] == pytest.approx(before[-1][1], abs=2 * grid)
    heard, copied = sound_packets(source), sound_packets(tmp_path / f"out{suffix}")
    assert [content for _, content in copied] == [content for _, content in heard]
    assert [time for time, _ in copied] == pytest.approx([time + shift for time, _ in heard], abs=grid)
    with FilmReader(tmp_path / f"out{suffix}") as film:
        assert {key.lower(): text for key, text in film.container.metadata.items()}["title"] == "At the lake"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_film_is_seen_and_written_upright(turn: int, blur: TinyBlur, tmp_path: Path) -> None:
    upright = figure(64, 96, left=0.5, right=0.9)
    upright[:20, :20] = (0, 0, 220)
    stored = np.ascontiguousarray(np.rot90(upright, -turn // 90))
    source = write_film(tmp_path / "in.mp4", [stored] * 2, turn=turn)
    result = blur(source, tmp_path / "out.mp4")
    assert (result.facts.width, result.facts.height) == (96, 64)
    for _, _, frame in decode(tmp_path / "out.mp4"):
        assert frame.shape == upright.shape
        assert np.abs(frame.astype(int) - upright).mean() < 8
    with FilmReader(tmp_path / "out.mp4") as film:
        assert not film.facts.orientation.swap, "the turn is in the pixels now"


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("in.mov", "prores_ks", "yuv422p10le"),
        ("in.webm", "libvpx-vp9", "yuv420p"),
        ("in.mkv", "ffv1", "bgr0"),
        ("in.avi", "mjpeg", "yuvj420p"),
        ("in.ts", "libx264", "yuv420p"),
        ("in.mp4", "libx265", "yuv420p10le"),
    ],
)
def test_other_codecs_keep_their_colours(name: str, codec: str, pixels: str, blur: TinyBlur, tmp_path: Path) -> None:
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    sound = None if name.endswith(("avi", "webm")) else "aac"
    source = write_film(tmp_path / name, [FIGURE] * 3, codec=codec, pixels=pixels, sound=sound, options=quiet)
    result = blur(source, tmp_path / "out.mp4")
    assert (result.frames, result.damaged) == (3, 0)
    assert bool(sound) == bool(sound and sound_packets(tmp_path / "out.mp4"))
    assert result.notices == (("its 10 bits a channel became 8",) if "10" in pixels else ())
    for _, _, frame in decode(tmp_path / "out.mp4"):
        assert np.abs(frame.astype(int) - FIGURE).mean() < 10
        assert np.abs(frame[30:44, 24:40].astype(int) - (0, 220, 0)).max() < 25


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
def test_matrix_and_tags_are_those_of_the_source(matrix: int, blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", [FIGURE] * 2, colours=(matrix, 1, 1))
    blur(source, tmp_path / "out.mp4")
    with FilmReader(source) as before, FilmReader(tmp_path / "out.mp4") as after:
        old, new = (next(iter(film.events())).raw for film in (before, after))
    assert (new.colorspace, new.color_primaries, new.color_trc) == (matrix, 1, 1)
    for plane, copy in zip(old.planes, new.planes, strict=True):
        theirs, ours = (np.frombuffer(each, np.uint8).astype(int) for each in (plane, copy))
        assert np.abs(theirs - ours).mean() < 3


def test_hdr_becomes_sdr(blur: TinyBlur, tmp_path: Path) -> None:
    picture = FIGURE.copy()
    picture[:8] = 191  # 75 % of HLG is the white of paper
    quiet = {"x265-params": "log-level=none"}
    source = write_film(
        tmp_path / "in.mp4",
        [picture],
        codec="libx265",
        pixels="yuv420p10le",
        colours=(9, 9, 18),
        options=quiet,
    )
    result = blur(source, tmp_path / "out.mp4")
    assert result.facts.hdr == "HLG"
    assert result.notices == ("it is HDR (HLG) and became SDR: lights brighter than white are cut off",)
    with FilmReader(tmp_path / "out.mp4") as film:
        raw = next(iter(film.events())).raw
        assert (raw.colorspace, raw.color_primaries, raw.color_trc) == (1, 1, 1)
    (_, _, frame), *_ = decode(tmp_path / "out.mp4")
    assert frame[:6].min() > 235
    assert frame[30:44, 24:40, 1].min() > 200
    assert frame[30:44, 24:40, 0].max() < 60


@pytest.mark.parametrize(("height", "width"), [(49, 64), (48, 65), (65, 49)])
def test_odd_sizes_lose_a_row_or_column(height: int, width: int, blur: TinyBlur, tmp_path: Path) -> None:
    picture = figure(height, width)
    source = write_film(tmp_path / "in.mkv", [picture] * 2, codec="ffv1", pixels="bgr0")
    result = blur(source, tmp_path / "out.mp4")
    assert (result.height, result.width) == (height // 2 * 2, width // 2 * 2)
    assert f"{width}x{height}" in result.notices[0]
    for _, _, frame in decode(tmp_path / "out.mp4"):
        assert frame.shape[:2] == (result.height, result.width)
        assert np.abs(frame.astype(int) - picture[: result.height, : result.width]).mean() < 8


def test_sound_that_the_file_cannot_hold_names_one_that_can(blur: TinyBlur, tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mkv", [FIGURE] * 2, sound="pcm_u8")
    with pytest.raises(InputError, match=r"sound of the kind pcm_u8, which mp4 cannot hold: name the output \.mkv"):
        blur(source, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    assert blur(source, tmp_path / "out.mkv").frames == 2
    assert sound_packets(tmp_path / "out.mkv")


def test_covers_and_subtitles_are_left_out(blur: TinyBlur, tmp_path: Path) -> None:
    """A cover is a picture of the film as it was."""
    import av
    from av.stream import Disposition

    source = write_film(tmp_path / "plain.mp4", [FIGURE] * 3)
    with av.open(str(source)) as plain, av.open(str(tmp_path / "in.mp4"), "w") as film:
        video = film.add_stream_from_template(plain.streams.video[0])
        cover = film.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(FIGURE, format="rgb24").reformat(format="yuvj420p")
        film.mux(cover.encode(picture))
        for packet in plain.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                film.mux(packet)
    result = blur(tmp_path / "in.mp4", tmp_path / "out.mp4")
    assert result.frames == 3
    assert result.notices == ("1 other stream(s) (subtitles, cover, camera data) are left out",)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert len(film.streams) == 1
