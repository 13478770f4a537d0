"""What the phone does, in Python: segment, blur, layers. Needs no TensorFlow.

    from portraitlite.runtime import Portrait
    result = Portrait()(image, strength=0.6)

Importing this loads numpy and Pillow only; a TFLite runtime loads with the first model.
"""

from portraitlite.runtime.errors import (
    CheckFailedError,
    InputError,
    MissingDependencyError,
    NothingToDoError,
    PortraitLiteError,
)
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.photo import Photo, load_photo
from portraitlite.runtime.portrait import Portrait, PortraitResult
from portraitlite.runtime.save import save_gray, save_photo
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.subject import SubjectMask, subject_mask
from portraitlite.runtime.types import Fit, IfNoSubject, OutputKind, ResizeConvention, ResizeFilter

__all__ = [
    "CheckFailedError",
    "Fit",
    "IfNoSubject",
    "InputError",
    "MissingDependencyError",
    "ModelMetadata",
    "NothingToDoError",
    "OutputKind",
    "Photo",
    "Portrait",
    "PortraitLiteError",
    "PortraitResult",
    "ResizeConvention",
    "ResizeFilter",
    "Segmentation",
    "Segmenter",
    "SubjectMask",
    "load_photo",
    "save_gray",
    "save_photo",
    "subject_mask",
]
