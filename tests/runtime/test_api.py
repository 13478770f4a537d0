"""What the API promises besides pixels: types, documentation, no shared state, nothing changed behind one's back."""

from __future__ import annotations

import doctest
import enum
import inspect
import threading
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import portraitlite.runtime
from portraitlite.runtime import Photo, Portrait, Segmenter, load_photo, segmenter
from portraitlite.runtime.blur import BlurRenderer

PUBLIC = {name: getattr(portraitlite.runtime, name) for name in portraitlite.runtime.__all__}
FUNCTIONS = [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)]
CLASSES = [name for name, thing in PUBLIC.items() if inspect.isclass(thing)]


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return Portrait()


@pytest.fixture
def pixels(photos: Path) -> Any:
    with Image.open(photos / "woman.jpg") as image:
        return np.asarray(image.resize((160, 120)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_an_example(name: str) -> None:
    assert any(found.examples for found in doctest.DocTestFinder().find(PUBLIC[name], name))


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_says_what_it_holds(name: str) -> None:
    thing = PUBLIC[name]
    text = inspect.getdoc(thing) or ""
    assert text
    if not issubclass(thing, enum.Enum | Exception):
        assert "Attributes:" in text or "Example:" in text
        for method, function in inspect.getmembers(thing, inspect.isfunction):
            assert method.startswith("_") or inspect.getdoc(function), f"{name}.{method}"


@pytest.mark.parametrize("name", FUNCTIONS + CLASSES)
def test_everything_is_typed(name: str) -> None:
    thing = PUBLIC[name]
    members = [thing] if inspect.isfunction(thing) else [f for _, f in inspect.getmembers(thing, inspect.isfunction)]
    for function in members:
        if inspect.unwrap(function).__code__.co_filename == "<string>" or "portraitlite" not in function.__module__:
            continue  # made by dataclasses, or inherited
        hints = typing.get_type_hints(function)
        wanted = set(inspect.signature(function).parameters) - {"self"} | {"return"}
        assert wanted <= hints.keys(), function.__qualname__


def test_what_is_not_thread_safe_says_so() -> None:
    for thing in (Portrait, Segmenter, BlurRenderer):
        assert "Not thread-safe" in (inspect.getdoc(thing) or ""), thing


def test_numpy_pil_and_photo_are_the_same(portrait: Portrait, pixels: Any) -> None:
    result = portrait(pixels, strength=0.5)
    wanted = result.pixels
    assert np.array_equal(portrait(Image.fromarray(pixels), strength=0.5).pixels, wanted)
    assert np.array_equal(portrait(Photo(pixels), strength=0.5).pixels, wanted)
    assert (result.image.mode, result.image.size) == ("RGB", (160, 120))
    assert np.array_equal(np.asarray(result.image), wanted)


def test_a_pil_image_is_turned_upright(portrait: Portrait, pixels: Any, tmp_path: Path) -> None:
    turned = Image.fromarray(np.rot90(pixels))
    turned.getexif()[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=turned.getexif())
    with Image.open(tmp_path / "turned.png") as image:
        assert np.array_equal(portrait(image, strength=0.5).pixels, portrait(pixels, strength=0.5).pixels)


def test_the_result_is_typed_and_its_own(portrait: Portrait, pixels: Any) -> None:
    before = pixels.copy()
    pixels.setflags(write=False)
    first = portrait(pixels, strength=0.5)
    kept = first.pixels.copy()
    second = portrait(pixels[::-1].copy(), strength=1.0)
    assert first.pixels.dtype == np.uint8
    assert first.pixels.flags.writeable
    assert not np.shares_memory(first.pixels, pixels)
    assert not np.shares_memory(first.pixels, second.pixels)
    assert np.array_equal(first.pixels, kept)
    assert np.array_equal(pixels, before)
    for field, kind in (("strength", float), ("segment_ms", float), ("blur_ms", float)):
        assert isinstance(getattr(first, field), kind)
    with pytest.raises(AttributeError):
        first.strength = 1.0  # type: ignore[misc]


def test_context_managers(pixels: Any) -> None:
    with Segmenter() as one, Portrait() as two:
        assert isinstance(one, Segmenter)
        assert np.array_equal(one(pixels).mask("person"), two.segmenter(pixels).mask("person"))
    with pytest.raises(ZeroDivisionError), Segmenter():
        raise ZeroDivisionError


def test_the_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch, pixels: Any) -> None:
    opened: list[str] = []
    real = segmenter.open_model

    def counting(model: bytes, **options: Any) -> Any:
        opened.append(options["what"])
        return real(model, **options)

    monkeypatch.setattr(segmenter, "open_model", counting)
    portrait = Portrait()
    for _ in range(3):
        portrait(pixels, strength=0.2)
    assert len(opened) == 1


def test_one_object_a_thread_gives_the_same_bytes(portrait: Portrait, photos: Path) -> None:
    names = ["man.jpg", "woman.jpg"]
    wanted = [portrait(load_photo(photos / name)).pixels for name in names]
    found: dict[str, list[Any]] = {name: [] for name in names}

    def work(name: str) -> None:
        mine, photo = Portrait(), load_photo(photos / name)
        found[name] += [mine(photo).pixels for _ in range(2)]

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, pixels in zip(names, wanted, strict=True):
        assert len(found[name]) == 2
        assert all(np.array_equal(made, pixels) for made in found[name])


def test_two_objects_do_not_know_each_other(pixels: Any) -> None:
    state = np.random.get_state()[1].tolist()  # type: ignore[union-attr, index] # noqa: NPY002
    first, second = Portrait(), Portrait(threads=2)
    wanted = first(pixels, strength=0.9).pixels
    second(pixels[:, ::-1].copy(), strength=0.1)
    assert np.array_equal(first(pixels, strength=0.9).pixels, wanted)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[union-attr, index] # noqa: NPY002
