"""The page itself, in Gradio."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from portraitlite.runtime.demo.engine import MAX_UPLOAD_BYTES, DemoEngine, Look, Upload
from portraitlite.runtime.demo.pictures import marked
from portraitlite.runtime.depth import DepthGuess
from portraitlite.runtime.errors import PortraitLiteError

__all__ = ["make_page"]

FORGET_S = (600, 6 * 3600)  # how often files are looked through, and how old they may become while the page is open
SESSIONS = 32  # tabs that keep their photo; each holds a preview in memory
NO_PHOTO = "drop a photo first"


def make_page(engine: DemoEngine) -> Any:
    """`gradio.Blocks`: the page's parts and what they do; every action ends with one line in the box `Status`."""
    import gradio as gr

    picture: dict[str, Any] = {"interactive": False, "format": "jpeg", "buttons": ["fullscreen"], "height": 400}
    gallery: dict[str, Any] = {
        "interactive": False,
        "format": "jpeg",
        "buttons": ["fullscreen"],
        "object_fit": "contain",
        "fit_columns": False,
    }
    with gr.Blocks(title="portraitlite", analytics_enabled=False, delete_cache=FORGET_S, fill_width=True) as page:
        page.state_session_capacity = SESSIONS
        upload, focus = gr.State(None), gr.State(None)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                file = gr.File(label=f"Photo, up to {MAX_UPLOAD_BYTES >> 20} MB", height=130)
                model = gr.Dropdown(list(engine.models), value=engine.first, label="Model")
                strength = gr.Slider(0, 1, Look.strength, step=0.05, label="Strength")
                highlights = gr.Slider(0, 1, Look.highlights, step=0.05, label="Highlights")
                depth = gr.Radio([str(guess) for guess in DepthGuess], value=str(Look.depth), label="Depth")
                everybody = gr.Button("Keep everybody sharp", size="sm")
                make_file = gr.Button("Make the full-size file", variant="primary")
                made_file = gr.File(label="Portrait", interactive=False, height=90)
            with gr.Column(scale=4):
                status = gr.Textbox(NO_PHOTO, label="Status", interactive=False, max_lines=2, elem_id="status")
                with gr.Row():
                    photo = gr.Image(label="Photo: click who stays sharp", elem_id="photo", **picture)
                    mask = gr.Image(label="Mask", elem_id="mask", **picture)
                    portrait = gr.Image(label="Portrait", elem_id="portrait", **picture)
                with gr.Tabs():
                    with gr.Tab("Layers"):
                        layers = gr.Gallery(label="Top first", elem_id="layers", columns=4, height=300, **gallery)
                    with gr.Tab("Models"):
                        compare = gr.Button("Compare the models", size="sm")
                        compared = gr.Gallery(label="Portraits", elem_id="models", columns=4, height=300, **gallery)

        look = [model, strength, highlights, depth, focus]
        shown = [photo, mask, portrait, status]

        def drawn(given: Upload | None, *chosen: Any) -> tuple[Any, ...]:
            if given is None:
                return None, None, None, NO_PHOTO
            wanted = _look(*chosen)

            def work() -> tuple[Any, ...]:
                made = engine.portrait(given, wanted)
                return made.mask, made.pixels, made.words

            return marked(given.preview.pixels, wanted.focus), *_answer(work, 2)

        def opened(path: str | None, *chosen: Any) -> tuple[Any, ...]:
            given, words = _answer(lambda: (path and engine.load(Path(path)), NO_PHOTO), 1)
            pictures = drawn(given, *chosen, None) if given else (None, None, None, words)
            return given, None, None, None, *pictures

        def split(given: Upload | None, name: str) -> tuple[Any, ...]:
            # While all is well, the line is about the portrait.
            return _answer(lambda: (given and engine.layers(given, name), gr.skip()), 1)

        def side_by_side(given: Upload | None, *chosen: Any) -> tuple[Any, ...]:
            if given is None:
                return None, NO_PHOTO
            words = f"{len(engine.models)} models compared"
            return _answer(lambda: (engine.compare(given, _look(*chosen)), words), 1)

        def saved(given: Upload | None, *chosen: Any) -> tuple[Any, ...]:
            if given is None:
                return None, NO_PHOTO
            return _answer(lambda: (str(engine.file(given, _look(*chosen))), "the file is ready"), 1)

        def clicked(given: Upload | None, event: Any) -> tuple[float, float] | None:
            if given is None:
                return None
            x, y = event.index
            return (x + 0.5) / given.preview.width, (y + 0.5) / given.preview.height

        clicked.__annotations__["event"] = gr.SelectData  # so Gradio knows what to pass

        draw = {"fn": drawn, "inputs": [upload, *look], "outputs": shown, "trigger_mode": "always_last"}
        part = {"fn": split, "inputs": [upload, model], "outputs": [layers, status], "show_progress": "hidden"}
        file.change(opened, [file, *look[:-1]], [upload, focus, compared, made_file, *shown]).then(**part)
        model.change(**draw).then(**part)
        for slider in (strength, highlights):
            slider.release(**draw)
        depth.change(**draw)
        for image in (photo, portrait):
            image.select(clicked, upload, focus, show_progress="hidden").then(**draw)
        everybody.click(lambda: None, None, focus, show_progress="hidden").then(**draw)
        compare.click(side_by_side, [upload, *look], [compared, status])
        make_file.click(saved, [upload, *look], [made_file, status])
    return page


def _look(model: str, strength: float, highlights: float, depth: str, focus: tuple[float, float] | None) -> Look:
    return Look(model, strength, highlights, DepthGuess(depth), focus)


def _answer(work: Callable[[], tuple[Any, ...]], empty: int) -> tuple[Any, ...]:
    """What the work gives, last of it the line for the status box; if it fails, `empty` times None and the reason."""
    try:
        return work()
    except PortraitLiteError as error:
        reason = " ".join(str(error).split())
    except MemoryError:
        reason = "out of memory; use a smaller picture or model"
    except Exception as error:  # the page goes on; whoever has started it shall know
        found = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        print(f"portraitlite: the page met an error of its own: {found}", file=sys.stderr)
        reason = f"an error of the program ({found}); please report it"
    return (*(None,) * empty, reason)
