"""What the page of `portraitlite demo` does, without the page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_segmenter import tiny_segmenter

from portraitlite.runtime import DepthGuess, InputError, NothingToDoError, Portrait, load_photo
from portraitlite.runtime.demo import engine as demo_engine
from portraitlite.runtime.demo.engine import DemoEngine, Look
from portraitlite.runtime.demo.pictures import PREVIEW_SIDE, marked, reduced
from portraitlite.runtime.photo import photo_from_array

GREEN, RED = (20, 240, 20), (240, 20, 20)  # person, background


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_segmenter(tmp_path_factory.mktemp("model") / "tiny.tflite")


@pytest.fixture(scope="module")
def engine(model: Path) -> DemoEngine:
    return DemoEngine(str(model))


def two_people(path: Path, height: int = 96, width: int = 160) -> Path:
    """Two green columns, the left one larger, before a striped red ground; with EXIF."""
    pixels = np.full((height, width, 3), RED, np.uint8)
    pixels[:, ::4] //= 2
    pixels[height // 8 :, width // 8 : width * 3 // 8] = GREEN
    pixels[height // 2 :, width * 6 // 8 : width * 7 // 8] = GREEN
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 1
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def test_the_preview_of_a_small_photo_is_the_portrait(engine: DemoEngine, model: Path, tmp_path: Path) -> None:
    path = two_people(tmp_path / "two.png")
    upload = engine.load(path)
    shown = engine.portrait(upload, Look(model="tiny.tflite", strength=0.9, highlights=0.0))
    expected = Portrait(model)(load_photo(path), strength=0.9, highlights=0.0)
    np.testing.assert_array_equal(shown.pixels, expected.pixels)
    np.testing.assert_array_equal(shown.mask, expected.subject.resized(96, 160))
    assert shown.words.startswith("160x96; 2 of 2 kept, subject ")


def test_a_click_chooses_who_stays_sharp(engine: DemoEngine, tmp_path: Path) -> None:
    upload = engine.load(two_people(tmp_path / "two.png"))
    shown = engine.portrait(upload, Look(model=engine.first, focus=(0.81, 0.8)))
    assert "; 1 of 2 kept" in shown.words
    assert shown.mask[80, 130] > 200
    assert shown.mask[80, 40] < 50
    with pytest.raises(NothingToDoError, match=r"no person found near 0.02,0.02 in two.png"):
        engine.portrait(upload, Look(model=engine.first, focus=(0.02, 0.02)))
    ground = engine.portrait(upload, Look(model=engine.first, depth=DepthGuess.GROUND))
    assert "feet are not in the photo" in ground.words


def test_layers_come_top_first_and_show_where_they_are_empty(engine: DemoEngine, tmp_path: Path) -> None:
    (person, upper), (ground, lower) = engine.layers(engine.load(two_people(tmp_path / "two.png")), engine.first)
    assert (upper.split()[0], lower.split()[0]) == ("person", "background")
    assert person[80, 40].tolist() == list(GREEN)
    assert len(set(person[10, 100].tolist())) == 1  # a grey square
    assert ground[80, 70, 0] > ground[80, 70, 1]


def test_models_stand_beside_each_other(engine: DemoEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "models", ("tiny.tflite", "portrait"))
    (_, first), (second_pixels, second) = engine.compare(engine.load(two_people(tmp_path / "two.png")), Look())
    assert first.startswith("tiny.tflite: subject ")
    assert second.startswith("portrait: ")
    assert second_pixels.shape == (96, 160, 3)
    with pytest.raises(InputError, match="strength 7 is outside"):
        engine.compare(engine.load(tmp_path / "two.png"), Look(strength=7))


def test_the_file_has_full_size_and_the_photos_exif(engine: DemoEngine, model: Path, tmp_path: Path) -> None:
    path = two_people(tmp_path / "two.jpg", 600, 1400)
    upload = engine.load(path)
    assert (upload.preview.width, upload.preview.height) == (PREVIEW_SIDE, round(600 * PREVIEW_SIDE / 1400))
    look = Look(model=engine.first)
    made = engine.file(upload, look)
    assert made.name == "two-portrait.jpg"
    assert made != engine.file(upload, look)  # another tab may still want the first
    with Image.open(made) as image:
        assert image.size == (1400, 600)
        assert image.getexif()[0x010F] == "Maker"
        pixels = np.asarray(image).astype(int)
    expected = Portrait(model)(load_photo(path), strength=look.strength, highlights=look.highlights)
    assert np.abs(pixels - expected.pixels).mean() < 2  # JPEG


def test_refusals_are_one_line_without_folders(
    engine: DemoEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(InputError, match=r"^text.jpg is [^\n]*expected JPEG") as refusal:
        engine.load(tmp_path / "text.jpg")
    assert str(tmp_path) not in str(refusal.value)
    photo = two_people(tmp_path / "two.png")
    with pytest.raises(InputError, match="there is no model '/etc/passwd' here; choose one of"):
        engine.portrait(engine.load(photo), Look(model="/etc/passwd"))
    monkeypatch.setattr(demo_engine, "MAX_UPLOAD_BYTES", 100)
    with pytest.raises(InputError, match=r"two.png has 0.0 MiB, the page takes"):
        engine.load(photo)


def test_a_bad_model_is_found_before_the_page_opens(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        DemoEngine(str(tmp_path / "none.tflite"))
    with pytest.raises(InputError, match="knows no class 'person'"):
        DemoEngine(str(tiny_segmenter(tmp_path / "dogs.tflite", ("background", "cat", "dog"))))
    assert DemoEngine("scene").first == "scene"


def test_many_tabs_at_once_get_what_one_gets(engine: DemoEngine, tmp_path: Path) -> None:
    uploads = [engine.load(two_people(tmp_path / f"{width}.png", 96, width)) for width in (128, 160, 192, 224)]
    look = Look(model=engine.first)
    alone = [engine.portrait(upload, look).pixels for upload in uploads]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda upload: engine.portrait(upload, look).pixels, uploads * 3))
    for one, other in zip(alone * 3, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reduced_photos_keep_their_shape_and_lose_what_is_not_shown() -> None:
    photo = photo_from_array(np.full((40, 9000, 3), 7, np.uint8), "long.png")
    small = reduced(photo)
    assert (small.width, small.height, small.source) == (PREVIEW_SIDE, 32, "long.png")
    assert reduced(small).pixels is small.pixels


def test_the_ring_is_where_the_click_was() -> None:
    pixels = np.full((100, 200, 3), 128, np.uint8)
    changed = np.argwhere((marked(pixels, (0.75, 0.5)) != pixels).any(-1))
    assert changed.mean(0) == pytest.approx([50, 150], abs=1)
    assert marked(pixels, None) is pixels
