"""Images with a planted fault: the image under test, with another handler around its own."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e import docker

# Each is a module with a handler that Lambda calls instead of that of the image.
FAULTS = {
    "raises": """
def lambda_handler(event, context):
    raise RuntimeError("planted")
""",
    "wrong-boxes": """
from pipeline.detection import detector
from handler.app import lambda_handler

real = detector.Detector.detect

def moved(self, image):
    found = real(self, image)
    found.boxes[:, 0] -= 0.2
    return found

detector.Detector.detect = moved
""",
    "slow": """
import time
from handler.app import lambda_handler as real

def lambda_handler(event, context):
    time.sleep(600)
    return real(event, context)
""",
}


def build(image: str, fault: str) -> str:
    """Build an image with a planted fault, and return its name."""
    name = f"{image.partition(':')[0]}:planted-{fault}"
    with TemporaryDirectory() as folder:
        Path(folder, "planted.py").write_text(FAULTS[fault])
        Path(folder, "Dockerfile").write_text(
            f'FROM {image}\nCOPY planted.py ./\nCMD ["planted.lambda_handler"]\n'
        )
        docker.docker("build", "--tag", name, folder)
    return name
