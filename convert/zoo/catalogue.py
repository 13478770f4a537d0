"""Every tarball of the official DeepLab model zoo, with its published figures and the flags of its network.

Source: `research/deeplab/g3doc/model_zoo.md` and `quantize.md` of tensorflow/models. The flags follow that page and
`research/deeplab/common.py`. Networks are set to output stride 16 (MobileNetV3: 32), the one of most single-pass
figures and a third of the work of 8; the tarballs' frozen graphs have 8, and so have some entries' only figures.
"""

from __future__ import annotations

import dataclasses
import difflib

from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.convert.zoo.model import PublishedResult, ZooModel
from portraitlite.runtime.errors import InputError

__all__ = ["BACKBONES", "MODELS", "find_model", "is_zoo_name"]

VOC, CITYSCAPES, ADE20K = "PASCAL VOC 2012", "Cityscapes", "ADE20K"
ALL_SCALES, NEAR_SCALES = "0.5:0.25:1.75", "0.75:0.25:1.25"
NO_SAMPLE_8BIT = "trained with simulated quantization; a checkpoint of this kind was not at hand"

MNV2_VOC = DeepLabSpec()
MNV2_HALF_VOC = dataclasses.replace(MNV2_VOC, depth_multiplier=0.5)
MNV2_STREET = dataclasses.replace(MNV2_VOC, classes=19, crop_height=1025, crop_width=2049)
MNV2_ADE = dataclasses.replace(MNV2_VOC, classes=151, crop_height=257, crop_width=257, decoder_stride=4)
XCEPTION_VOC = DeepLabSpec(backbone=Backbone.XCEPTION_65, atrous_rates=(6, 12, 18), decoder_stride=4)
XCEPTION_STREET = dataclasses.replace(XCEPTION_VOC, classes=19, crop_height=1025, crop_width=2049)
XCEPTION_ADE = dataclasses.replace(XCEPTION_VOC, classes=151)
# The rates of the dense prediction cell belong to the cell, not to the flags.
DPC_STREET = dataclasses.replace(XCEPTION_STREET, backbone=Backbone.XCEPTION_71, head=Head.DPC, atrous_rates=())
MNV3_LARGE = dataclasses.replace(
    MNV2_STREET,
    backbone=Backbone.MOBILENET_V3_LARGE_SEG,
    output_stride=32,
    head=Head.LR_ASPP,
    decoder_stride=8,
    aspp_filters=128,
    decoder_filters=19,
    image_pooling_crop=(769, 769),
    image_pooling_stride=(4, 5),
)
MNV3_SMALL = dataclasses.replace(MNV3_LARGE, backbone=Backbone.MOBILENET_V3_SMALL_SEG)
EDGETPU = dataclasses.replace(MNV2_STREET, backbone=Backbone.MOBILENET_EDGETPU)
EDGETPU_SLIM = dataclasses.replace(EDGETPU, depth_multiplier=0.75, aspp_filters=128)
EDGETPU_NOTE = "the zoo does not state the input size of its multiply-adds; the crop is that of the evaluation"


def _once(stride: int, miou: float, billions: float | None = None, split: str = "val") -> PublishedResult:
    return PublishedResult(stride, miou, split, multiply_adds_billions=billions)


def _averaged(miou: float, scales: str, billions: float | None = None, split: str = "val") -> PublishedResult:
    return PublishedResult(8, miou, split, scales, flip=True, multiply_adds_billions=billions)


MODELS: tuple[ZooModel, ...] = (
    ZooModel(
        "mobilenetv2_dm05_coco_voc_trainaug",
        "deeplabv3_mnv2_dm05_pascal_trainaug_2018_10_01.tar.gz",
        *(VOC, 7.6, MNV2_HALF_VOC, (_once(16, 70.19, 0.88),)),
        verified=True,
    ),
    ZooModel(
        "mobilenetv2_dm05_coco_voc_trainval",
        "deeplabv3_mnv2_dm05_pascal_trainval_2018_10_01.tar.gz",
        *(VOC, 7.6, MNV2_HALF_VOC, (_once(8, 71.83, 2.84, "test"),)),
        verified=True,
    ),
    ZooModel(
        "mobilenetv2_coco_voc_trainaug",
        "deeplabv3_mnv2_pascal_train_aug_2018_01_29.tar.gz",
        *(VOC, 23, MNV2_VOC, (_once(16, 75.32, 2.75), _averaged(77.33, ALL_SCALES, 152.59))),
        verified=True,
    ),
    ZooModel(
        "mobilenetv2_coco_voc_trainval",
        "deeplabv3_mnv2_pascal_trainval_2018_01_29.tar.gz",
        *(VOC, 23, MNV2_VOC, (_averaged(80.25, ALL_SCALES, 152.59, "test"),)),
        verified=True,
    ),
    ZooModel(
        "xception65_coco_voc_trainaug",
        "deeplabv3_pascal_train_aug_2018_01_04.tar.gz",
        *(VOC, 439, XCEPTION_VOC, (_once(16, 82.20, 54.17), _averaged(83.58, ALL_SCALES, 3055.35))),
    ),
    ZooModel(
        "xception65_coco_voc_trainval",
        "deeplabv3_pascal_trainval_2018_01_04.tar.gz",
        *(VOC, 439, XCEPTION_VOC, (_averaged(87.80, ALL_SCALES, 3055.35, "test"),)),
    ),
    ZooModel(
        "mobilenetv2_dm05_coco_voc_trainaug_8bit",
        "deeplabv3_mnv2_dm05_pascal_train_aug_8bit_2019_04_26.tar.gz",
        *(VOC, 8.2, MNV2_HALF_VOC, (_once(16, 69.65, 0.88),)),
        quantized=True,
        note=NO_SAMPLE_8BIT,
    ),
    ZooModel(
        "mobilenetv2_coco_voc_trainaug_8bit",
        "deeplabv3_mnv2_pascal_train_aug_8bit_2019_04_26.tar.gz",
        *(VOC, 24, MNV2_VOC, (_once(16, 74.26, 2.75),)),
        quantized=True,
        note=NO_SAMPLE_8BIT,
    ),
    ZooModel(
        "mobilenetv2_coco_cityscapes_trainfine",
        "deeplabv3_mnv2_cityscapes_train_2018_02_05.tar.gz",
        *(CITYSCAPES, 23, MNV2_STREET, (_once(16, 70.71, 21.27), _averaged(73.57, NEAR_SCALES, 433.24))),
        verified=True,
    ),
    ZooModel(
        "mobilenetv3_large_cityscapes_trainfine",
        "deeplab_mnv3_large_cityscapes_trainfine_2019_11_15.tar.gz",
        *(CITYSCAPES, 17, MNV3_LARGE, (_once(32, 72.41, 15.95),)),
    ),
    ZooModel(
        "mobilenetv3_small_cityscapes_trainfine",
        "deeplab_mnv3_small_cityscapes_trainfine_2019_11_15.tar.gz",
        *(CITYSCAPES, 5, MNV3_SMALL, (_once(32, 68.99, 4.63),)),
        verified=True,
    ),
    ZooModel(
        "xception65_cityscapes_trainfine",
        "deeplabv3_cityscapes_train_2018_02_06.tar.gz",
        *(CITYSCAPES, 439, XCEPTION_STREET, (_once(16, 78.79, 418.64), _averaged(80.42, NEAR_SCALES, 8677.92))),
    ),
    ZooModel(
        "xception71_dpc_cityscapes_trainfine",
        "deeplab_cityscapes_xception71_trainfine_2018_09_08.tar.gz",
        *(CITYSCAPES, 445, DPC_STREET, (_once(16, 80.31, 502.07),)),
    ),
    ZooModel(
        "xception71_dpc_cityscapes_trainval",
        "deeplab_cityscapes_xception71_trainvalfine_2018_09_08.tar.gz",
        *(CITYSCAPES, 446, DPC_STREET, (_averaged(82.66, "0.75:0.25:2", split="test"),)),
    ),
    ZooModel(
        "EdgeTPU-DeepLab",
        "edgetpu-deeplab_2020_03_09.tar.gz",
        *(CITYSCAPES, None, EDGETPU, (_once(32, 70.6, 5.6), _once(16, 74.1, 7.1))),
        note=EDGETPU_NOTE,
    ),
    ZooModel(
        "EdgeTPU-DeepLab-slim",
        "edgetpu-deeplab-slim_2020_03_09.tar.gz",
        *(CITYSCAPES, None, EDGETPU_SLIM, (_once(32, 70.0, 3.5), _once(16, 73.2, 4.3))),
        note=EDGETPU_NOTE,
    ),
    ZooModel(
        "mobilenetv2_ade20k_train",
        "deeplabv3_mnv2_ade20k_train_2018_12_03.tar.gz",
        *(ADE20K, 24.8, MNV2_ADE, (PublishedResult(16, 32.04, pixel_accuracy_percent=75.41),)),
        verified=True,
    ),
    ZooModel(
        "xception65_ade20k_train",
        "deeplabv3_xception_ade20k_train_2018_05_29.tar.gz",
        *(ADE20K, 439, XCEPTION_ADE),
        results=(PublishedResult(8, 45.65, scales=ALL_SCALES, flip=True, pixel_accuracy_percent=82.52),),
    ),
)

# To train from: they have no segmentation head.
BACKBONES: tuple[ZooModel, ...] = (
    ZooModel("xception_41_imagenet", "xception_41_2018_05_09.tar.gz", "ImageNet", 288),
    ZooModel("xception_65_imagenet", "deeplabv3_xception_2018_01_04.tar.gz", "ImageNet", 447),
    ZooModel("xception_65_imagenet_coco", "xception_65_coco_pretrained_2018_10_02.tar.gz", "ImageNet, MS-COCO", 292),
    ZooModel("xception_71_imagenet", "xception_71_2018_05_09.tar.gz", "ImageNet", 474),
    ZooModel("resnet_v1_50_beta_imagenet", "resnet_v1_50_2018_05_04.tar.gz", "ImageNet", 274),
    ZooModel("resnet_v1_101_beta_imagenet", "resnet_v1_101_2018_05_04.tar.gz", "ImageNet", 477),
)

_BY_NAME = {model.name.lower(): model for model in (*MODELS, *BACKBONES)}


def is_zoo_name(text: str) -> bool:
    """Whether the zoo has a tarball of this name, in any case of letters."""
    return text.lower() in _BY_NAME


def find_model(name: str) -> ZooModel:
    """The entry of this name, in any case of letters.

    Raises:
        InputError: there is none; the message has names that are alike.
    """
    model = _BY_NAME.get(name.lower())
    if model is None:
        close = [_BY_NAME[key].name for key in difflib.get_close_matches(name.lower(), _BY_NAME, n=3, cutoff=0.4)]
        hint = f"did you mean {' or '.join(close)}?" if close else "`portraitlite zoo` lists them"
        raise InputError(f"the zoo has no model {name!r}: {hint}")
    return model
