from __future__ import annotations

import json
from pathlib import Path

import pytest

from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.convert.zoo import BACKBONES, MODELS, default_zoo_dir, find_in_zoo, find_model, is_zoo_name
from portraitlite.runtime.errors import InputError, MissingDependencyError

BY_NAME = {model.name: model for model in MODELS}


def test_it_holds_the_whole_zoo_once() -> None:
    everything = (*MODELS, *BACKBONES)
    assert (len(MODELS), len(BACKBONES)) == (18, 6)
    assert len({model.name.lower() for model in everything}) == len(everything)
    assert len({model.file for model in everything}) == len(everything)
    assert all(model.file.endswith(".tar.gz") and "/" not in model.file for model in everything)
    assert all(model.url == f"https://download.tensorflow.org/models/{model.file}" for model in everything)


def test_what_can_be_converted_has_a_spec_and_a_published_figure() -> None:
    for model in MODELS:
        assert model.spec is not None
        assert DeepLabSpec.from_dict(model.spec.to_dict()) == model.spec
        assert model.results
        assert {"PASCAL VOC 2012": 21, "Cityscapes": 19, "ADE20K": 151}[model.dataset] == model.spec.classes
        assert all(result.split in ("val", "test") for result in model.results)
    assert all(model.spec is None and not model.results and not model.verified for model in BACKBONES)


def test_flags_of_the_families() -> None:
    """The flags that the zoo's page and the official defaults give, one network of each kind."""

    def spec(name: str) -> DeepLabSpec:
        found = BY_NAME[name].spec
        assert found is not None
        return found

    assert spec("mobilenetv2_dm05_coco_voc_trainaug") == DeepLabSpec(depth_multiplier=0.5)
    assert spec("mobilenetv2_ade20k_train") == DeepLabSpec(
        classes=151, crop_height=257, crop_width=257, decoder_stride=4
    )
    assert spec("xception65_coco_voc_trainval") == DeepLabSpec(
        backbone=Backbone.XCEPTION_65, atrous_rates=(6, 12, 18), decoder_stride=4
    )
    assert spec("mobilenetv3_small_cityscapes_trainfine") == DeepLabSpec(
        backbone=Backbone.MOBILENET_V3_SMALL_SEG,
        classes=19,
        crop_height=1025,
        crop_width=2049,
        output_stride=32,
        head=Head.LR_ASPP,
        decoder_stride=8,
        aspp_filters=128,
        decoder_filters=19,
        image_pooling_crop=(769, 769),
        image_pooling_stride=(4, 5),
    )
    slim = spec("EdgeTPU-DeepLab-slim")
    assert (slim.backbone, slim.depth_multiplier, slim.aspp_filters) == (Backbone.MOBILENET_EDGETPU, 0.75, 128)
    assert slim.decoder_stride is None
    dpc = spec("xception71_dpc_cityscapes_trainfine")
    assert (dpc.backbone, dpc.head, dpc.decoder_stride) == (Backbone.XCEPTION_71, Head.DPC, 4)


def test_only_families_with_a_sample_are_verified() -> None:
    verified = {model.name for model in MODELS if model.verified}
    small = "mobilenetv3_small_cityscapes_trainfine"
    assert verified == {n for n in BY_NAME if n.startswith("mobilenetv2") and not n.endswith("8bit")} | {small}


def test_published_figures_survive_as_json() -> None:
    document = json.loads(json.dumps(BY_NAME["mobilenetv2_coco_voc_trainaug"].to_dict()))
    assert [(r["output_stride"], r["miou_percent"]) for r in document["published"]] == [(16, 75.32), (8, 77.33)]
    assert document["published"][1]["multiply_adds_billions"] == 152.59
    assert document["spec"]["backbone"] == "mobilenet_v2"
    assert "Apache-2.0" in document["licence"]
    assert document["size_bytes_approximate"] == 23 << 20
    single = [result.single_pass for result in BY_NAME["mobilenetv2_coco_voc_trainaug"].results]
    assert single == [True, False]
    (ade,) = BY_NAME["xception65_ade20k_train"].results
    assert ade.describe() == "45.65 val, OS8, scales 0.5:0.25:1.75, flip, pixel accuracy 82.52"


def test_names_in_any_case_and_what_is_close() -> None:
    assert is_zoo_name("edgetpu-deeplab")
    assert find_model("EDGETPU-DEEPLAB-SLIM").file == "edgetpu-deeplab-slim_2020_03_09.tar.gz"
    assert not is_zoo_name("deeplabv3_mnv2_ade20k_train_2018_12_03.tar.gz")
    with pytest.raises(InputError, match="did you mean mobilenetv2_ade20k_train or"):
        find_model("mobilenet_v2_ade20k")
    with pytest.raises(InputError, match="`portraitlite zoo` lists them"):
        find_model("Ω")


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "HOME/.cache/portraitlite/zoo"),
        ("linux", {"XDG_CACHE_HOME": "/c"}, "/c/portraitlite/zoo"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "HOME/.cache/portraitlite/zoo"),
        ("darwin", {"XDG_CACHE_HOME": "/c"}, "HOME/Library/Caches/portraitlite/zoo"),
        ("win32", {"LOCALAPPDATA": "/l", "XDG_CACHE_HOME": "/c"}, "/l/portraitlite/zoo"),
        ("win32", {}, "HOME/AppData/Local/portraitlite/zoo"),
    ],
)
def test_the_default_folder(platform: str, environment: dict[str, str], expected: str) -> None:
    assert default_zoo_dir(platform, environment) == Path(expected.replace("HOME", str(Path.home())))


def test_finding_a_tarball(tmp_path: Path) -> None:
    model = BY_NAME["mobilenetv2_ade20k_train"]
    folder = tmp_path / "my zoo"
    with pytest.raises(MissingDependencyError) as caught:
        find_in_zoo(model.name, folder)
    for piece in (model.url, "24.8 MB", f"portraitlite zoo {model.name} --download --zoo-dir '{folder}'"):
        assert piece in str(caught.value)
    assert caught.value.exit_code == 3
    folder.mkdir()
    (folder / model.file).write_bytes(b"there")
    assert find_in_zoo(model.name.upper(), folder) == folder / model.file


def test_the_default_folder_is_looked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portraitlite.convert.zoo.folder.default_zoo_dir", lambda: tmp_path)
    with pytest.raises(MissingDependencyError, match="--download` fetches it \\(size not published\\)"):
        find_in_zoo("EdgeTPU-DeepLab")


def test_backbones_are_not_offered_for_conversion(tmp_path: Path) -> None:
    (tmp_path / BACKBONES[0].file).write_bytes(b"there")
    with pytest.raises(InputError, match="can be trained from, not converted"):
        find_in_zoo(BACKBONES[0].name, tmp_path)
