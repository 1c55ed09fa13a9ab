"""Detect objects in images with an ONNX model.

An ONNX file with its model card, and images, come in; `Detections` in displayed pixels of the image
go out. Model files and cards are read from local paths only, never from `storage`. May import
`config`, `frame`, `digest`, `errors` and `text`.
"""
