"""Depth from the phone: both kinds of JPEG, formats, turns, confidence and holes, sensors' PNGs, hostile files."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from phone_photos import app1, dynamic_photo, gdepth_photo, jpeg, picture_bytes
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime import DepthConvention, InputError, load_depth, load_photo
from portraitlite.runtime.depth_holes import fill_depth_holes

Values = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
PHOTO = np.full((48, 64, 3), 90, np.uint8)
NEAR, FAR = 0.5, 8.0


def _ramp(bits: int = 16) -> Values:
    """(24, 32): 1/10 to 9/10 of the range, no two rows or columns alike."""
    y, x = np.mgrid[0:24, 0:32]
    share = 0.1 + 0.8 * (0.7 * x / 31 + 0.3 * (y / 23) ** 2)
    return (share * 255).astype(np.uint8) if bits == 8 else (share * 65_535).astype(np.uint16)


def _load(tmp_path: Path, content: bytes, name: str = "photo.jpg", *convention: DepthConvention) -> np.ndarray:
    (tmp_path / name).write_bytes(content)
    return load_depth(tmp_path / name, *convention).nearness


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["gdepth", "extended", "dynamic", "elements", "padded", "between"])
def test_every_way_to_store_it_gives_the_map_itself(kind: str, bits: int, tmp_path: Path) -> None:
    depth = picture_bytes(_ramp(bits))
    photo = {
        "gdepth": lambda: gdepth_photo(jpeg(PHOTO), depth),
        "extended": lambda: gdepth_photo(jpeg(PHOTO), depth, extended=True),
        "dynamic": lambda: dynamic_photo(jpeg(PHOTO), depth),
        "elements": lambda: dynamic_photo(jpeg(PHOTO), depth, as_elements=True),
        "padded": lambda: dynamic_photo(jpeg(PHOTO), depth, padding=37),
        "between": lambda: dynamic_photo(jpeg(PHOTO), depth, between=b"a vendor's own data"),
    }[kind]()
    found = _load(tmp_path, photo)
    apart = _load(tmp_path, depth, "depth.png", DepthConvention.FAR_WHITE)  # 0 is near
    np.testing.assert_array_equal(found, apart)


def test_a_depth_map_that_is_a_jpeg(tmp_path: Path) -> None:
    depth = picture_bytes(_ramp(8), "JPEG", quality=98)
    found = _load(tmp_path, dynamic_photo(jpeg(PHOTO), depth))
    np.testing.assert_allclose(found, _load(tmp_path, picture_bytes(255 - _ramp(8)), "depth.png"), atol=0.02)


def test_linear_distances_blur_evenly_in_inverse_distance(tmp_path: Path) -> None:
    ramp = _ramp()
    found = _load(tmp_path, gdepth_photo(jpeg(PHOTO), picture_bytes(ramp), Format="RangeLinear"))
    inverse = 1 / (NEAR + ramp / 65_535 * (FAR - NEAR))
    expected = (inverse - inverse.min()) / (inverse.max() - inverse.min())
    np.testing.assert_allclose(found, expected, atol=1e-5)
    millimetres = (1000 * (NEAR + ramp / 65_535 * (FAR - NEAR)) + 0.5).astype(np.uint16)
    apart = _load(tmp_path, picture_bytes(millimetres), "mm.png", DepthConvention.MILLIMETRES)
    np.testing.assert_allclose(found, apart, atol=2e-3)


def test_near_and_far_the_other_way_round(tmp_path: Path) -> None:
    depth = picture_bytes(_ramp())
    plain = _load(tmp_path, gdepth_photo(jpeg(PHOTO), depth))
    swapped = _load(tmp_path, gdepth_photo(jpeg(PHOTO), depth, Near="8.0", Far="0.5"))
    np.testing.assert_allclose(swapped, 1 - plain, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_map_turns_with_the_photo(orientation: int, tmp_path: Path) -> None:
    """The photo's own pixels, turned by another part of the code, say what upright is."""
    ramp = _ramp(8)
    stored = np.repeat(np.kron(ramp, np.ones((2, 2), np.uint8))[..., None], 3, -1)
    content = dynamic_photo(jpeg(stored, orientation=orientation), picture_bytes(ramp))
    found = _load(tmp_path, content)
    grey = load_photo(tmp_path / "photo.jpg").pixels[::2, ::2, 0].astype(float)
    expected = (ramp.max() - grey) / (int(ramp.max()) - int(ramp.min()))
    np.testing.assert_allclose(found, expected, atol=0.05)


def _holed() -> tuple[Values, npt.NDArray[np.bool_]]:
    """The ramp with nonsense where nobody trusts it."""
    ramp = _ramp().copy()
    holes = np.zeros(ramp.shape, bool)
    holes[5:12, 8:15] = holes[0, 31] = holes[20:, :2] = True
    ramp[holes] = 65_535
    return ramp, holes


@pytest.mark.parametrize("kind", ["gdepth", "dynamic"])
def test_what_is_not_trusted_is_filled_from_around(kind: str, tmp_path: Path) -> None:
    ramp, holes = _holed()
    confidence = picture_bytes(np.where(holes, 20, 255).astype(np.uint8))
    write = gdepth_photo if kind == "gdepth" else dynamic_photo
    found = _load(tmp_path, write(jpeg(PHOTO), picture_bytes(ramp), confidence=confidence))
    whole = _load(tmp_path, write(jpeg(PHOTO), picture_bytes(_ramp())))
    np.testing.assert_allclose(found, whole, atol=0.15)
    np.testing.assert_allclose(found[~holes], whole[~holes], atol=0.001)


def test_android_depth16_and_plain_millimetres(tmp_path: Path) -> None:
    y, x = np.mgrid[0:24, 0:32]
    distance = (600 + 180 * x + 20 * y).astype(np.uint16)
    plain = _load(tmp_path, picture_bytes(distance), "mm.png", DepthConvention.MILLIMETRES)
    inverse = 1 / distance.astype(float)
    np.testing.assert_allclose(plain, (inverse - inverse.min()) / (inverse.max() - inverse.min()), atol=1e-5)
    for code in (0, 3, 7):  # full, 2/7, 6/7
        same = _load(tmp_path, picture_bytes(distance | np.uint16(code << 13)), "d16.png", DepthConvention.DEPTH16)
        np.testing.assert_allclose(same, plain, atol=1e-6)
    doubtful = distance.copy()
    doubtful[4:9, 10:16] = 150 | (1 << 13)  # no confidence at all
    doubtful[12, 20] = 0  # nothing came back
    found = _load(tmp_path, picture_bytes(doubtful), "d16.png", DepthConvention.DEPTH16)
    np.testing.assert_allclose(found, plain, atol=0.08)


def test_large_maps_count_only_what_is_trusted(tmp_path: Path) -> None:
    distance = np.full((1200, 1600), 2000, np.uint16)
    distance[:, 800:] = 4000
    distance[::2, ::3] = 0
    found = _load(tmp_path, picture_bytes(distance), "mm.png", DepthConvention.MILLIMETRES)
    assert max(found.shape) <= 512
    half = found.shape[1] // 2
    assert (found[:, : half - 2] == 1).all()
    assert found[:, half + 2 :].max() < 1e-5


def test_holes_take_the_finest_value_around() -> None:
    values = np.full((9, 14), 5.0, np.float32)
    values[:, 7:] = 9
    trust = np.ones_like(values)
    trust[3:6, 2:4] = trust[:, 13] = 0
    values[trust == 0] = -1000
    filled = fill_depth_holes(values, trust)
    assert filled[3:6, 2:4] == pytest.approx(5, abs=0.3)
    assert filled[:, 13] == pytest.approx(9, abs=0.3)
    np.testing.assert_array_equal(filled[trust > 0], values[trust > 0])
    alone = np.zeros((7, 5), np.float32)
    alone[6, 0] = 1
    assert fill_depth_holes(np.full((7, 5), 3, np.float32), alone) == pytest.approx(3)


@pytest.fixture
def man(photos: Path) -> np.ndarray:
    with Image.open(photos / "man.jpg") as image:
        return np.asarray(image.convert("RGB"))[::2, ::2].copy()


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_picture_is_that_with_the_map_given_apart(orientation: int, man: np.ndarray, tmp_path: Path) -> None:
    turned = man if orientation == 1 else np.ascontiguousarray(np.rot90(man))  # as a phone held upright stores it
    y, x = np.mgrid[0 : turned.shape[0] // 4, 0 : turned.shape[1] // 4]
    far = (65_535 * (0.2 + 0.6 * (x + y) / (x + y).max())).astype(np.uint16)
    (tmp_path / "photo.jpg").write_bytes(dynamic_photo(jpeg(turned, orientation=orientation), picture_bytes(far)))
    upright = far if orientation == 1 else np.ascontiguousarray(np.rot90(far, -1))
    (tmp_path / "far.png").write_bytes(picture_bytes(upright))

    def run(name: str, *arguments: str) -> np.ndarray:
        call = ["portrait", str(tmp_path / "photo.jpg"), "-o", str(tmp_path / name), "--json", *arguments]
        done = CliRunner().invoke(app, call)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["depth"] == "map"
        return load_photo(tmp_path / name).pixels

    apart = run("apart.png", "--depth", str(tmp_path / "far.png"), "--depth-convention", "far-white")
    np.testing.assert_array_equal(run("self.png", "--depth", "self"), apart)
    np.testing.assert_array_equal(run("file.png", "--depth", str(tmp_path / "photo.jpg")), apart)


def test_each_of_many_photos_has_its_own(man: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    depth = picture_bytes(_ramp())
    (tmp_path / "in" / "one.jpg").write_bytes(dynamic_photo(jpeg(man[: man.shape[0] // 2 * 2]), depth))
    (tmp_path / "in" / "none.jpg").write_bytes(jpeg(man))
    Image.fromarray(man[..., 0]).save(tmp_path / "in" / "grey.png")  # as a depth picture it could be read
    call = ["portrait", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--depth", "self", "--json", "-j", "1"]
    done = CliRunner().invoke(app, call)
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert [one["depth"] for one in document["results"]] == ["map"]
    reasons = [one["error"] for one in document["failures"]]
    assert "grey.png is no JPEG" in reasons[0]
    assert "no depth map in this JPEG" in reasons[1]


def _xmp(text: str) -> bytes:
    photo = jpeg(PHOTO)
    return photo[:2] + app1(b"http://ns.adobe.com/xap/1.0/\0" + text.encode()) + photo[2:]


def test_files_that_are_refused(tmp_path: Path) -> None:
    depth, photo = picture_bytes(_ramp()), jpeg(PHOTO)
    whole = dynamic_photo(photo, depth)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    large = picture_bytes(np.zeros((8000, 7000), np.uint8))
    for content, message in (
        (photo, "no depth map in this JPEG"),
        (whole[: len(whole) // 3], "cut off"),
        (whole[: -len(depth)], "not among the pictures|cut off"),
        (dynamic_photo(photo, depth, length=10**9), "not among the pictures|cut off"),
        (dynamic_photo(photo, depth, length=-5), "not among the pictures|cut off"),
        (dynamic_photo(photo, depth, DepthURI="elsewhere"), "'elsewhere' is not among the pictures"),
        (dynamic_photo(photo, depth, Units="Diopters"), "diopters"),
        (dynamic_photo(photo, depth, Format="RangeCubic"), "'RangeCubic', expected RangeInverse"),
        (dynamic_photo(photo, depth, Format="RangeLinear", Near="0"), "lacks a near and a far distance"),
        (dynamic_photo(photo, depth, Format="RangeLinear", Far="nan"), "lacks a near and a far distance"),
        (dynamic_photo(photo, depth, confidence=picture_bytes(_ramp(8)[:5])), "another size"),
        (gdepth_photo(photo, depth, confidence=picture_bytes(0 * _ramp(8))), "consists of holes"),
        (gdepth_photo(photo, b"no picture"), "cannot be read"),
        (gdepth_photo(photo, large, extended=True, piece=60_000), "claims 7000x8000 pixels"),
        (gdepth_photo(photo, depth, extended=True)[:900], "cut off"),
        (gdepth_photo(photo, depth, extended=True).replace(b"\xff\xe1\x01\xdd", b"\xff\xe2\x01\xdd", 1), "incomplete"),
        (gdepth_photo(photo, picture_bytes(np.full((9, 9), 40, np.uint8))), "is 40 everywhere"),
        (_xmp(bomb), "no plain XML"),
        (_xmp("<x" + "<y>" * 500), "damaged"),
        (_xmp("<x>" * 9000 + "</x>" * 9000), "no depth map"),
    ):
        (tmp_path / "photo.jpg").write_bytes(content)
        with pytest.raises(InputError) as caught:
            load_depth(tmp_path / "photo.jpg")
        assert re.search(message, str(caught.value)), message
        assert len(str(caught.value).splitlines()) == 1
    Image.fromarray(_ramp(8)).save(tmp_path / "grey.png")
    with pytest.raises(InputError, match="8 bits, expected 16 for depth16"):
        load_depth(tmp_path / "grey.png", DepthConvention.DEPTH16)


def test_any_damage_is_an_input_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    confidence = picture_bytes(np.full((24, 32), 255, np.uint8))
    seeds = [
        dynamic_photo(jpeg(PHOTO), picture_bytes(_ramp()), confidence=confidence),
        gdepth_photo(jpeg(PHOTO), picture_bytes(_ramp()), extended=True),
    ]
    for n in range(300):
        data = bytearray(seeds[n % 2])
        for _ in range(int(rng.integers(1, 6))):
            data[rng.integers(0, len(data))] = rng.integers(0, 256)
        (tmp_path / "photo.jpg").write_bytes(bytes(data[: rng.integers(len(data) // 2, len(data) + 1)]))
        with contextlib.suppress(InputError):
            assert np.isfinite(load_depth(tmp_path / "photo.jpg").nearness).all()
