"""Video in, labelled dataset out. Imports no AWS package; runs on any laptop."""

import os

__version__ = "0.1.0"

# Since 1.29 ONNX Runtime's Linux wheels report sessions and model names to their maker, unless
# told otherwise before the import: https://github.com/microsoft/onnxruntime/pull/27379
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
