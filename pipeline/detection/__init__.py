"""Detect objects: an image and an ONNX model file come in, `Detections` in image pixels go out.

Reads model files and model cards from local paths only, and knows neither videos nor S3. May
import `config` and the modules on top of `pipeline`: `frame`, `digest`, `errors` and `text`.
"""
