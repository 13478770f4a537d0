"""What the phone does, in Python: segment, blur, layers. Needs no TensorFlow.

    from portraitlite.runtime import Portrait
    result = Portrait()(image, strength=0.6)

Importing this loads numpy and Pillow only; a TFLite runtime loads with the first model. Nothing is kept between calls
but in objects. A `Segmenter` or a `Portrait` is for one thread; functions and results may be shared between threads.
"""

from portraitlite.runtime.depth import DepthConvention, DepthGuess, DepthMap, blur_map
from portraitlite.runtime.depth_file import load_depth
from portraitlite.runtime.errors import (
    CheckFailedError,
    InputError,
    MissingDependencyError,
    NothingToDoError,
    PortraitLiteError,
)
from portraitlite.runtime.figures import Figure
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.photo import Photo, load_photo
from portraitlite.runtime.portrait import Portrait, PortraitResult
from portraitlite.runtime.save import save_gray, save_photo
from portraitlite.runtime.segmentation import Segmentation
from portraitlite.runtime.segmenter import Segmenter
from portraitlite.runtime.subject import Keep, SubjectChoice, SubjectMask, subject_mask
from portraitlite.runtime.types import Fit, IfNoSubject, OutputKind, ResizeConvention, ResizeFilter

__all__ = [
    "CheckFailedError",
    "DepthConvention",
    "DepthGuess",
    "DepthMap",
    "Figure",
    "Fit",
    "IfNoSubject",
    "InputError",
    "Keep",
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
    "SubjectChoice",
    "SubjectMask",
    "blur_map",
    "load_depth",
    "load_photo",
    "save_gray",
    "save_photo",
    "subject_mask",
]
