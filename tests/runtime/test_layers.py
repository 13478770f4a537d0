"""Layers of a photo: they give it back, the OpenRaster file is one, effects stay in their label."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer.testing import CliRunner

from portraitlite.cli import app
from portraitlite.runtime.errors import InputError

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "woman.jpg"
LAYERS = ["layers", str(PHOTO), "--model", "portrait"]  # two labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("layers") / "out"
    result = CliRunner().invoke(app, [*LAYERS, "-o", str(out), "--quiet"])
    assert result.exit_code == 0, result.output
    return out


def picture(source: Path | io.BytesIO) -> npt.NDArray[np.int16]:
    with Image.open(source) as opened:
        return np.asarray(opened.convert("RGB")).astype(np.int16)


def test_one_png_per_label_and_the_file(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["00-background.png", "01-person.png", "woman.ora"]


def test_source_over_of_the_layers_is_the_photo(folder: Path) -> None:
    height, width = picture(PHOTO).shape[:2]
    stack = Image.new("RGBA", (width, height))
    for name in ("00-background.png", "01-person.png"):
        with Image.open(folder / name) as layer:
            assert layer.mode == "RGBA"
            stack = Image.alpha_composite(stack, layer)
    merged = np.asarray(stack)
    assert (merged[..., 3] == 255).all()
    assert np.abs(merged[..., :3].astype(np.int16) - picture(PHOTO)).max() <= 1


def test_the_scene_model_is_the_default(tmp_path: Path) -> None:
    out = tmp_path / "out"
    photo = PHOTO.with_name("poolside.jpg")
    result = CliRunner().invoke(app, ["layers", str(photo), "-o", str(out), "-e", "sky:hide", "--json", "--quiet"])
    assert result.exit_code == 0, result.output
    layers = {layer["label"]: layer for layer in json.loads(result.stdout)["layers"]}
    assert {"background", "sky", "person"} <= layers.keys()
    assert not layers["sky"]["visible"]
    assert all(layer["area_share"] > 0.003 for layer in layers.values())
    with Image.open(out / layers["sky"]["file"]) as sky, Image.open(out / layers["person"]["file"]) as person:
        rows = np.arange(sky.height)[:, None]
        alphas = [np.asarray(layer)[..., 3].astype(np.float64) for layer in (sky, person)]
        middles = [float((alpha * rows).sum() / alpha.sum()) for alpha in alphas]
    assert middles[0] < 0.6 * middles[1]  # the sky is above


def test_openraster_rules(folder: Path) -> None:
    content = (folder / "woman.ora").read_bytes()
    # The name and the media type stand at fixed places, where file managers look for them.
    assert content[30:38] == b"mimetype"
    assert content[38:54] == b"image/openraster"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        first = archive.infolist()[0]
        assert first.compress_type == zipfile.ZIP_STORED
        root = ElementTree.fromstring(archive.read("stack.xml"))
        height, width = picture(PHOTO).shape[:2]
        assert (root.tag, root.get("w"), root.get("h")) == ("image", str(width), str(height))
        layers = root.findall("stack/layer")
        assert [layer.get("name") for layer in layers] == ["person", "background"]  # the topmost first
        stack = Image.new("RGBA", (width, height))
        for layer in reversed(layers):
            with Image.open(io.BytesIO(archive.read(str(layer.get("src"))))) as part:
                stack.alpha_composite(part.convert("RGBA"), (int(str(layer.get("x"))), int(str(layer.get("y")))))
        assert np.abs(np.asarray(stack)[..., :3].astype(np.int16) - picture(PHOTO)).max() <= 1
        merged = picture(io.BytesIO(archive.read("mergedimage.png")))
        assert np.abs(merged - picture(PHOTO)).max() <= 1
        assert max(picture(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))).shape[:2]) <= 256


def test_an_effect_changes_its_label_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, [*LAYERS, "-o", str(out), "-e", "background:desaturate", "--quiet"])
    assert result.exit_code == 0, result.output
    with Image.open(out / "01-person.png") as person:
        alpha = np.asarray(person)[..., 3]
    merged = picture(out / "merged.png")
    inside, outside = alpha == 255, alpha == 0
    assert np.abs(merged - picture(PHOTO))[inside].max() <= 1
    assert np.ptp(merged, axis=-1)[outside].max() <= 1


@pytest.mark.parametrize(
    ("effect", "named"),
    [("sky:blur=0.5", "person"), ("background:sharpen", "desaturate"), ("background:blur=2", "2"), ("person", ":")],
)
def test_unusable_effects_are_refused_by_name(tmp_path: Path, effect: str, named: str) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, [*LAYERS, "-o", str(out), "-e", effect])
    assert isinstance(result.exception, InputError), result.output
    assert named in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not out.exists()


def test_a_folder_that_cannot_be_replaced_stays_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        # The new folder does not come into place; moving the old one away and back works.
        if target == out and (self / "merged.png").exists():
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    command = [*LAYERS, "-o", str(out), "-e", "background:desaturate", "--force"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, InputError), result.output
    assert "no space" in str(result.exception)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
