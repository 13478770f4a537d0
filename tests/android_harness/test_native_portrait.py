"""The portrait path on this machine: the native program against the Python runtime, with the same LiteRT library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_blur_steps import SPEC
from golden_vectors import Case, read_cases
from native_build import host_litert, native_harness, run_native
from native_portrait import prepare
from PIL import Image

from portraitlite.android_harness.build import Target
from portraitlite.android_harness.model_facts import blur_files
from portraitlite.runtime import IfNoSubject, Keep, Portrait, Segmenter, SubjectChoice, subject_mask
from portraitlite.runtime.blur.spec import bundled_folder
from portraitlite.runtime.bundled import resolve_model
from portraitlite.runtime.depth import DepthMap
from portraitlite.runtime.network_input import fit_photo, input_tensor


@pytest.fixture(scope="module")
def program() -> Path:
    return native_harness()


@pytest.fixture(scope="module")
def checked_program() -> Path:
    """With sanitizers."""
    return native_harness(Target.HOST_ASAN)


def photo(photos: Path, name: str, width: int = 512, height: int = 512) -> np.ndarray:
    with Image.open(photos / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB").resize((width, height)))


def largest_difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("model", ["portrait", "scene"])
@pytest.mark.parametrize(("name", "width", "height"), [("man", 512, 512), ("street", 611, 397)])
def test_the_picture_is_pythons(
    checked_program: Path, photos: Path, tmp_path: Path, model: str, name: str, width: int, height: int
) -> None:
    pixels, portrait = photo(photos, name, width, height), Portrait(model)
    metadata = portrait.segmenter.metadata
    files = prepare(tmp_path, pixels, metadata)
    graphs = ("--model", resolve_model(model), "--blur", bundled_folder())
    document = files.run(checked_program, "portrait", *graphs, "--picture", tmp_path / "picture.rgb")
    result, segmentation = portrait(pixels), portrait.segmenter(pixels)
    shape = result.subject.values.shape
    # The int8 network's answer, as it left the network: not a bit may differ.
    runner = portrait.segmenter._runner
    source = fit_photo(pixels, metadata.input_height, metadata.input_width, metadata.fit)
    (stored,) = runner.run({runner.inputs[0].name: input_tensor(source, runner.inputs[0], metadata)})
    np.testing.assert_array_equal(files.read("output", stored.dtype, *stored.shape), stored)
    softmax = metadata.output_kind == "logits"
    assert largest_difference(files.read("mask", np.uint8, *shape), segmentation.mask("person")) <= int(softmax)
    assert largest_difference(files.read("subject", np.uint8, *shape), result.subject.values) <= int(softmax)
    picture = np.fromfile(tmp_path / "picture.rgb", np.uint8).reshape(pixels.shape)
    assert largest_difference(picture, result.pixels) <= 2
    assert largest_difference(picture, pixels) > 20  # it was blurred at all
    assert document["result"]["mask_box"] == pytest.approx(result.subject.box, abs=1e-9)
    assert document["result"]["subject_share"] == pytest.approx(result.subject.share)
    opened = [Path(row["path"]).name for row in document["models"]]
    assert opened[1:] == list(blur_files(height, width, SPEC, strength=0.6))


def test_the_stages_alone_give_the_same(program: Path, photos: Path, tmp_path: Path) -> None:
    pixels = photo(photos, "woman", 500, 380)
    portrait = Portrait()
    files = prepare(tmp_path, pixels, portrait.segmenter.metadata)
    model, blur = ("--model", resolve_model("portrait")), ("--blur", bundled_folder())
    files.run(program, "portrait", *model, *blur, "--strength", "0.8")
    whole = {name: files.folder.joinpath(f"{name}.bin").read_bytes() for name in ("subject", "plan", "picture")}
    found = files.run(program, "segment", *model)["result"]
    size = f"{found['mask_width']}x{found['mask_height']}"
    mask = ("--mask", tmp_path / "subject.bin", "--mask-size", size)
    box = ("--mask-box", ",".join(map(repr, found["mask_box"])))
    files.run(program, "plan", *blur, *mask, *box, "--strength", "0.8")
    (tmp_path / "plan.in").write_bytes((tmp_path / "plan.bin").read_bytes())
    done = files.run(program, "apply", *blur, "--plan", tmp_path / "plan.in", "--picture", tmp_path / "again.rgb")
    for name, data in whole.items():
        assert (tmp_path / f"{name}.bin").read_bytes() == data, name
    assert (tmp_path / "again.rgb").read_bytes() == whole["picture"]
    counts = done["result"]["tiles"]
    assert sum(counts.values()) == len((tmp_path / "kinds.bin").read_bytes())
    assert counts["apply"] > 0


@pytest.mark.parametrize(
    ("keep", "focus"), [("largest", None), ("near", None), ("focus", (0.3, 0.4)), ("near", (0.6, 0.5))]
)
def test_who_stays_sharp(
    program: Path, photos: Path, tmp_path: Path, keep: str, focus: tuple[float, float] | None
) -> None:
    """Two people side by side; with a model of many classes, so that what they hold counts too."""
    both = np.concatenate([photo(photos, "man", 300, 400), photo(photos, "terrace", 320, 400)], 1)
    segmenter = Segmenter("scene")
    choice = SubjectChoice(keep=Keep(keep), focus=focus)
    wanted = subject_mask(segmenter(both), choice)
    files = prepare(tmp_path, both, segmenter.metadata, choice)
    where = ("--focus", f"{focus[0]},{focus[1]}") if focus else ()
    document = files.run(program, "segment", "--model", resolve_model("scene"), "--keep", keep, *where)
    found = files.read("subject", np.uint8, *wanted.values.shape)
    assert largest_difference(found, wanted.values) <= 1
    assert document["result"]["figures"] == len(wanted.figures)
    assert document["result"]["kept"] == sum(figure.kept for figure in wanted.figures)


def test_a_held_class_is_added(program: Path, photos: Path, tmp_path: Path) -> None:
    """The other class of the photo, whatever it is, so that the test does not depend on what the photo shows."""
    pixels, segmenter = photo(photos, "street"), Segmenter("scene")
    labels = [label for label in segmenter.metadata.labels if label not in ("person", "background")]
    masks = {label: int(segmenter(pixels).mask(label).astype(int).sum()) for label in labels}
    choice = SubjectChoice(held=tuple(sorted(masks, key=lambda label: -masks[label])[:3]))
    wanted = subject_mask(segmenter(pixels), choice)
    files = prepare(tmp_path, pixels, segmenter.metadata, choice)
    files.run(program, "segment", "--model", resolve_model("scene"))
    assert largest_difference(files.read("subject", np.uint8, *wanted.values.shape), wanted.values) <= 1


def test_depth(program: Path, photos: Path, tmp_path: Path) -> None:
    pixels = photo(photos, "man", 420, 500)
    nearness = np.tile(np.linspace(0, 1, 64, dtype=np.float32)[:, None], (1, 48))
    portrait = Portrait()
    result = portrait(pixels, depth=DepthMap(nearness), strength=1.0)
    assert result.blur_map is not None
    coc = result.blur_map
    coc.astype("<f4").tofile(tmp_path / "coc")
    files = prepare(tmp_path, pixels, portrait.segmenter.metadata)
    options = ("--model", resolve_model("portrait"), "--blur", bundled_folder(), "--strength", "1")
    size = f"{coc.shape[1]}x{coc.shape[0]}"
    document = files.run(program, "portrait", *options, "--coc", tmp_path / "coc", "--coc-size", size)
    assert largest_difference(files.read("picture", np.uint8, *pixels.shape), result.pixels) <= 2
    graph = blur_files(500, 420, SPEC, strength=1.0, coc=coc)[0]
    assert Path(document["models"][1]["path"]).name == graph


def test_nobody_in_the_photo(program: Path, tmp_path: Path) -> None:
    sky = np.tile(np.linspace(90, 200, 300)[:, None, None], (1, 200, 3)).astype(np.uint8)
    portrait = Portrait()
    files = prepare(tmp_path, sky, portrait.segmenter.metadata)
    options = ("--model", resolve_model("portrait"), "--blur", bundled_folder())
    picture = tmp_path / "picture.rgb"
    document = files.run(program, "portrait", *options, "--picture", picture, code=1)
    assert document["error"]["kind"] == "no_subject"
    assert not picture.exists()
    for what in (IfNoSubject.COPY, IfNoSubject.BLUR):
        files.run(program, "portrait", *options, "--picture", picture, "--if-no-subject", what)
        found = np.fromfile(picture, np.uint8).reshape(sky.shape)
        assert largest_difference(found, portrait(sky, if_no_subject=what).pixels) <= 2


def test_no_strength_gives_the_photo_back(program: Path, photos: Path, tmp_path: Path) -> None:
    pixels = photo(photos, "man", 200, 200)
    files = prepare(tmp_path, pixels, Portrait().segmenter.metadata)
    options = ("--model", resolve_model("portrait"), "--blur", bundled_folder(), "--strength", "0")
    files.run(program, "portrait", *options)
    np.testing.assert_array_equal(files.read("picture", np.uint8, *pixels.shape), pixels)


CASES = read_cases()


@pytest.mark.parametrize("case", [case for case in CASES if case.step == "segment"], ids=lambda case: case.name)
def test_golden_segment(program: Path, tmp_path: Path, case: Case) -> None:
    segmenter = Segmenter(case.parameters["model"])
    files = prepare(tmp_path, case.inputs["photo"], segmenter.metadata)
    files.run(program, "segment", "--model", resolve_model(case.parameters["model"]))
    wanted = case.outputs["mask"]
    assert largest_difference(files.read("mask", np.uint8, *wanted.shape), wanted) <= case.tolerance["mask"]


@pytest.mark.parametrize("case", [case for case in CASES if case.step == "render"], ids=lambda case: case.name)
def test_golden_render(program: Path, tmp_path: Path, case: Case) -> None:
    pixels, mask = case.inputs["photo"], case.inputs["mask"]
    files = prepare(tmp_path, pixels)
    (tmp_path / "mask").write_bytes(mask.tobytes())
    options: list[Any] = ["--blur", bundled_folder(), "--mask", tmp_path / "mask", "--mask-size"]
    options.append(f"{mask.shape[1]}x{mask.shape[0]}")
    if "coc" in case.inputs:
        coc = case.inputs["coc"]
        coc.astype("<f4").tofile(tmp_path / "coc")
        options += ["--coc", tmp_path / "coc", "--coc-size", f"{coc.shape[1]}x{coc.shape[0]}"]
    for name in ("strength", "highlights"):
        options += [f"--{name}", repr(case.parameters[name])]
    files.run(program, "plan", *options)
    (tmp_path / "plan.in").write_bytes((tmp_path / "plan.bin").read_bytes())
    grain = ("--grain", repr(case.parameters["grain"]))
    files.run(program, "apply", "--blur", bundled_folder(), "--plan", tmp_path / "plan.in", *grain)
    wanted = case.outputs["picture"]
    assert largest_difference(files.read("picture", np.uint8, *wanted.shape), wanted) <= case.tolerance["picture"]


def test_any_model_gives_what_python_gives(checked_program: Path, photos: Path, tmp_path: Path) -> None:
    """Mode run, inputs and outputs by name and in order."""
    from portraitlite.runtime.backends import open_model

    path = bundled_folder() / SPEC.apply_file(2, "uint8")  # type: ignore[arg-type]
    runner = open_model(path.read_bytes())
    rng = np.random.default_rng(5)
    inputs = {
        info.name: rng.random(info.shape, np.float32)
        if info.dtype == np.float32
        else rng.integers(0, 256, info.shape, dtype=np.uint8)
        for info in runner.inputs
    }
    (wanted,) = runner.run(inputs)
    options: list[Any] = ["--library", host_litert(), "--model", path]
    for name, array in inputs.items():
        array.tofile(tmp_path / name)
        options += ["--input", f"{name}={tmp_path / name}"]
    run_native(checked_program, "run", *options, "--output", tmp_path / "out")
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out", wanted.dtype).reshape(wanted.shape), wanted)
