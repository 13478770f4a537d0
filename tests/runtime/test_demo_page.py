"""The page of `portraitlite demo` in a real browser, over its real server.

Gradio does not take the Pillow that the project is tested with, so it has an environment of its own:
PORTRAITLITE_DEMO_PYTHON names a Python with `pip install '.[demo]'`, as .ci/run makes one.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from chromium_pipe import Chromium, find_chromium
from demo_page import STATUS, demo_python, drop, running_demo
from PIL import Image

from portraitlite.runtime import Portrait, load_photo

SOURCE_OF = "document.querySelector('#{} img')?.src.split('/').slice(-2, -1)[0]"  # the hash of what is shown


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    python = demo_python()
    if python is None:
        pytest.skip(reason="needs PORTRAITLITE_DEMO_PYTHON=a Python with `pip install '.[demo]'`")
    folder = tmp_path_factory.mktemp("demo") / "temporary"
    folder.mkdir()
    with running_demo(python, folder) as address:  # asserts that nothing is left, and nothing was said on stderr
        yield address


@pytest.fixture
def browser(address: str, tmp_path: Path) -> Iterator[Chromium]:
    program = find_chromium()
    if program is None:
        pytest.skip(reason="needs Chromium: apt-get install chromium, or PORTRAITLITE_CHROMIUM=its path")
    with Chromium(program, tmp_path / "profile") as browser:
        browser.open(address)
        browser.wait(f"document.querySelector('#status') && {STATUS}")
        yield browser
        assert network_use(browser, address) == []


def network_use(browser: Chromium, address: str) -> list[str]:
    """What the page asked of others than its own server, or tried to."""
    elsewhere = [one for one in browser.requests if not one.startswith((address, "data:", "blob:"))]
    return elsewhere + [line for line in browser.console if "Content Security Policy" in line]


def large_terrace(photos: Path, path: Path) -> Path:
    """A photo that is larger than the page shows it, with EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    with Image.open(photos / "terrace.jpg") as image:
        image.resize((1600, 1600), Image.Resampling.BICUBIC).save(path, exif=exif, quality=90)
    return path


def test_from_a_photo_to_a_file(browser: Chromium, photos: Path, tmp_path: Path) -> None:
    photo = large_terrace(photos, tmp_path / "my terrace.jpg")
    assert drop(browser, photo).startswith("1600x1600; 1 of 1 kept, subject 5")
    browser.wait("document.querySelectorAll('#layers img').length", lambda count: count == 2)
    assert browser.run("document.querySelector('#portrait img').naturalWidth") == 1280

    browser.click("input[aria-label='range slider for Strength']", x=0.001)
    browser.wait(f"{SOURCE_OF.format('portrait')} === {SOURCE_OF.format('photo')}")  # strength 0 is the photo

    browser.click("button.primary")
    link = browser.wait("document.querySelector('a[href*=\"-portrait\"]')?.href")
    made = tmp_path / "made.jpg"
    with urllib.request.urlopen(link) as answer:
        made.write_bytes(answer.read())
    with Image.open(made) as image:
        assert image.getexif()[0x010F] == "Maker"
        pixels = np.asarray(image).astype(int)
    loaded = load_photo(photo)
    assert pixels.shape == (1600, 1600, 3)
    assert np.abs(pixels - loaded.pixels).mean() < 2  # of strength 0, as the page says now
    blurred = Portrait()(loaded, strength=0.6).pixels
    assert np.abs(pixels - blurred).mean() > 4


def test_a_click_chooses_who_stays_sharp(browser: Chromium, photos: Path) -> None:
    before = drop(browser, photos / "terrace.jpg")
    assert before.startswith("512x512; 1 of 1 kept")
    browser.wait("document.querySelector('#photo img').complete")
    whole = browser.run(SOURCE_OF.format("photo"))
    browser.click("#photo img", 0.95, 0.3)  # nothing but leaves
    words = browser.wait(STATUS, lambda words: "kept" not in words)
    assert words.startswith("no person found near 0.9")
    assert "in terrace.jpg; the largest is at" in words
    assert browser.run("document.querySelector('#portrait img')") is None
    browser.click("#photo img", 0.5, 0.6)
    browser.wait(STATUS, lambda words: words.startswith("512x512; 1 of 1 kept"))
    assert browser.run(SOURCE_OF.format("photo")) != whole  # a ring is on it


def test_models_beside_each_other(browser: Chromium, photos: Path) -> None:
    drop(browser, photos / "woman.jpg")
    browser.run("[...document.querySelectorAll('button[role=tab]')].find(b => b.innerText == 'Models').click()")
    button = "[...document.querySelectorAll('button')].find(b => b.innerText == 'Compare the models')"
    browser.wait(f"!!{button}?.offsetParent")
    browser.run(f"{button}.click()")
    browser.wait(STATUS, lambda words: words == "4 models compared")
    browser.wait("document.querySelectorAll('#models img').length", lambda count: count == 4)
    captions = browser.run("document.querySelector('#models').innerText")
    for name in ("portrait", "portrait_fp16", "scene", "scene_fp16"):
        assert f"{name}: subject " in captions


def test_what_is_no_photo_is_one_line_on_the_page(browser: Chromium, photos: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("<script>document.title = 'broken'</script>")
    assert drop(browser, text).startswith("text.jpg is ")
    assert browser.run("document.title") == "portraitlite"
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "<b>grey&.png")
    assert drop(browser, tmp_path / "<b>grey&.png").startswith("no person found in ")
    assert drop(browser, photos / "man.jpg").startswith("512x512; 1 of 1 kept")  # the page goes on


def test_the_policy_stops_what_would_leave_this_machine(browser: Chromium, address: str) -> None:
    assert browser.run("fetch('http://192.0.2.1/').then(() => 'sent', () => 'stopped')") == "stopped"
    browser.run("1")  # so that what the browser has logged arrives
    tried = network_use(browser, address)
    assert tried
    assert "192.0.2.1" in "".join(tried)
    browser.requests.clear()
    browser.console.clear()


def status_of(address: str, path: str, body: bytes = b"", **headers: str) -> int:
    request = urllib.request.Request(f"{address}{path}", body or None, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: int = answer.status
            return found
    except urllib.error.HTTPError as error:
        return error.code


def test_only_what_was_uploaded_is_given_out(address: str) -> None:
    assert status_of(address, "") == 200
    for file in ("/etc/passwd", str(Path(__file__)), f"{os.getcwd()}/pyproject.toml"):
        assert status_of(address, f"gradio_api/file={file}") == 403, file
    assert status_of(address, "", Host="evil.example") == 403
    assert status_of(address, "", Origin="http://evil.example") == 403


def test_uploads_are_bounded(address: str) -> None:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Length", str(200 << 20))
    connection.endheaders()
    assert connection.getresponse().status == 413  # before any of it was sent
    connection.close()
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    body = head + bytes((64 << 20) + 100) + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    assert status_of(address, "gradio_api/upload", body, **kind) == 413
    assert status_of(address, "gradio_api/upload", head + b"1\r\n--x--\r\n", **kind) == 200
