"""Which photos are taken, and that no two outputs ever share a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from portraitlite.runtime.batch_plan import plan_outputs, same_format
from portraitlite.runtime.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def mask(photo: Path) -> str:
    return ".png"


def planned(root: Path, *inputs: str, suffix_of: object = mask, output: str = "out") -> dict[str, str]:
    tasks = plan_outputs([root / name for name in inputs], root / output, suffix_of)  # type: ignore[arg-type]
    return {str(task.photo.relative_to(root)): str(task.output.relative_to(root / output)) for task in tasks}


def test_folder_keeps_its_structure(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/sub/deep/b.JPEG", "in/sub/notes.txt", "in/.hidden/c.jpg", "in/.d.jpg", "in/raw.dng")
    assert planned(tmp_path, "in") == {"in/a.jpg": "a.png", "in/sub/deep/b.JPEG": "sub/deep/b.png"}


def test_same_names_of_different_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.jpg", "b/x.jpg", "b/c/x.jpg")
    expected = {"a/x.jpg": "a/x.png", "b/x.jpg": "b/x.png", "b/c/x.jpg": "b/c/x.png"}
    assert planned(tmp_path, "a", "b") == expected
    assert planned(tmp_path, "a/x.jpg", "b/x.jpg", "b/c/x.jpg") == expected
    assert planned(tmp_path, "a/x.jpg") == {"a/x.jpg": "x.png"}


def test_same_names_of_different_formats_stay_whole(tmp_path: Path) -> None:
    touch(tmp_path, "in/x.jpg", "in/x.png", "in/y.jpg", "in/X.webp")
    assert planned(tmp_path, "in") == {
        "in/X.webp": "X.webp.png",
        "in/x.jpg": "x.jpg.png",
        "in/x.png": "x.png.png",
        "in/y.jpg": "y.png",
    }
    assert planned(tmp_path, "in", suffix_of=lambda photo: "") == {
        "in/X.webp": "X.webp",
        "in/x.jpg": "x.jpg",
        "in/x.png": "x.png",
        "in/y.jpg": "y",
    }


def test_a_name_that_looks_like_a_whole_one_clashes_with_nothing(tmp_path: Path) -> None:
    touch(tmp_path, "in/x.jpg", "in/x.png", "in/x.jpg.webp", "in/x.jpg.webp.gif")
    outputs = planned(tmp_path, "in")
    assert len(set(outputs.values())) == 4


def test_names_never_collide(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    parts = ["x", "X", ".jpg", ".png", ".webp", "y.gif"]
    for case in range(60):
        names = {"".join(generator.choice(parts, generator.integers(1, 5))).lstrip(".") + ".jpg" for _ in range(4)}
        names |= {name.removesuffix(".jpg") + ".tif" for name in names}
        touch(tmp_path / f"{case}", *(f"in/{name}" for name in names))
        for suffix_of in (mask, same_format, lambda photo: ""):
            outputs = planned(tmp_path / f"{case}", "in", suffix_of=suffix_of)
            assert len(outputs) == len(names)
            assert len(set(outputs.values())) == len(names)


def test_each_photo_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/b.jpg")
    assert list(planned(tmp_path, "in/a.jpg", "in", "in/b.jpg", "in/../in/a.jpg")) == ["in/a.jpg", "in/b.jpg"]


def test_output_inside_the_input_is_not_read_again(tmp_path: Path) -> None:
    touch(tmp_path, "in/a.jpg", "in/out/a.png")
    assert planned(tmp_path, "in", output="in/out") == {"in/a.jpg": "a.png"}


@pytest.mark.parametrize(
    ("inputs", "output", "expected"),
    [
        (["in"], "in", "both input and output"),
        (["in"], "in/a.jpg", "one file|is a file"),
        (["in"], "new.png", "expected a folder for several photos"),
        (["in", "in/sub"], "in/sub", "both input and output"),
        (["empty"], "out", "holds no photos"),
        (["in", "empty"], "out", "holds no photos"),
        (["in/a.jpg", "in/b.png"], "in", r"would become .*a\.jpg, which is one of the inputs"),
    ],
)
def test_unfit_outputs(tmp_path: Path, inputs: list[str], output: str, expected: str) -> None:
    touch(tmp_path, "in/a.jpg", "in/b.png", "in/sub/c.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=expected) as caught:
        planned(tmp_path, *inputs, output=output, suffix_of=same_format)
    assert "\n" not in str(caught.value)


def test_missing_photos_are_planned_so_that_they_can_fail_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    assert planned(tmp_path, "a.jpg", "gone.jpg") == {"a.jpg": "a.png", "gone.jpg": "gone.png"}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.JPG", ".jpg"), ("a.tiff", ".tiff"), ("a.heic", ".jpg"), ("a.avif", ".jpg"), ("a.gif", ".png"), ("a", ".jpg")],
)
def test_format_of_a_picture(name: str, suffix: str) -> None:
    assert same_format(Path(name)) == suffix
