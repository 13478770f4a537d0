"""Make `docs/pictures/demo.png`, the page of `portraitlite demo` in Chromium: `python scripts/demo_picture.py`.

Needs Chromium, and Gradio here or in the Python that PORTRAITLITE_DEMO_PYTHON names.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from chromium_pipe import Chromium, find_chromium  # noqa: E402
from demo_page import demo_python, drop, running_demo  # noqa: E402

PHOTO = ROOT / "examples" / "photos" / "street.jpg"
WIDTH, HEIGHT = 1400, 960
LAYERS = "document.querySelectorAll('#layers img').length"
LOADED = "[...document.images].every(image => image.complete && image.naturalWidth)"


def main() -> None:
    python, program = demo_python(), find_chromium()
    if python is None or program is None:
        sys.exit("needs Chromium, and a Python with `pip install '.[demo]'` as PORTRAITLITE_DEMO_PYTHON")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        temporary = Path(name) / "demo"
        temporary.mkdir()
        with (
            running_demo(python, temporary, "--model", "scene") as address,
            Chromium(program, Path(name) / "profile", width=WIDTH, height=HEIGHT) as browser,
        ):
            browser.open(address)
            browser.wait("!!document.querySelector('#status textarea')?.value")
            print(drop(browser, PHOTO))
            browser.wait(f"{LAYERS} > 1 && {LOADED}")
            picture = Image.open(io.BytesIO(browser.screenshot())).convert("RGB")
    path = ROOT / "docs" / "pictures" / "demo.png"
    picture.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {picture.width}x{picture.height}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
