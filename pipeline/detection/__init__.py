"""Finding objects: an ONNX model in, `Detections` in displayed pixels out."""
