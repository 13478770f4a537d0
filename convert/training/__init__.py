"""`portraitlite train`: fine-tune and distil a DeepLab-v3+ from one TOML file.

Everything but the teachers' `.tflite` files runs on any Keras 3 backend (TensorFlow, JAX, PyTorch); set KERAS_BACKEND.
"""
