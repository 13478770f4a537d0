"""What is inside a `.tflite`, ours or anybody's, and what each delegate will do with it."""

from __future__ import annotations
