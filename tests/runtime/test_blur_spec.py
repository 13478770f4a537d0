from __future__ import annotations

import json
from pathlib import Path

import pytest

from portraitlite.runtime.blur.spec import BlurSpec, Orientation, PixelType, bundled_folder
from portraitlite.runtime.errors import InputError


def test_the_bundled_spec_is_the_default_and_every_graph_of_it_is_there() -> None:
    folder = bundled_folder()
    spec = BlurSpec.load(folder)
    assert spec == BlurSpec()
    names = {spec.plan_file(orientation, k) for orientation in Orientation for k in (None, 0, 1, 2, 3)}
    for name_of in (spec.apply_file, spec.fill_file):
        names |= {name_of(scale, pixel_type) for scale in spec.scales for pixel_type in PixelType}
    assert names == {path.name for path in folder.glob("*.tflite")}


def test_json_round_trip(tmp_path: Path) -> None:
    spec = BlurSpec(scales=(1, 5), contrasts=(2.0, 1.0))
    (tmp_path / "spec.json").write_text(spec.to_json())
    assert BlurSpec.load(tmp_path) == spec


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema_version": 1}',
        '{"schema_version": 2, "scales": [1], "contrasts": [1], "colour": 3}',
        "\ud800",
    ],
)
def test_an_unusable_spec_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "spec.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError) as raised:
        BlurSpec.load(tmp_path)
    assert "\n" not in str(raised.value)
    assert "spec.json" in str(raised.value)


def test_no_spec_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"spec\.json"):
        BlurSpec.load(tmp_path)


def test_sizes() -> None:
    spec = BlurSpec()
    assert spec.plan_size(Orientation.LANDSCAPE) == (378, 504)
    assert spec.plan_size(Orientation.PORTRAIT) == (504, 378)
    assert spec.guide_size(Orientation.LANDSCAPE) == (192, 256)
    assert spec.radii == (0, 2.5, 5, 7.5, 10)
    assert spec.radius_share == pytest.approx(10 / 630)
    for scale in spec.scales:
        height, width = spec.tile_size(scale)
        assert height % scale == width % scale == 0
        assert abs(height - spec.tile_height) <= scale / 2
        assert spec.plan_tile_size(scale) == (height // scale + 2, width // scale + 2)


def test_the_json_is_readable_by_others() -> None:
    document = json.loads((bundled_folder() / "spec.json").read_text())
    assert document["schema_version"] == 2
    assert document["long_side"] == 504
