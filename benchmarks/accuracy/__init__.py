"""Accuracy of `.tflite` files on labelled photos: data sets, metrics, intervals, and the cost of quantization."""
