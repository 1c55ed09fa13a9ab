"""What may import what, and what is not imported at all."""

import os
import subprocess
import sys
from pathlib import Path


def test_no_import_contract_is_broken() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run([lint], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout
    assert " 0 broken" in finished.stdout


def test_the_pipeline_imports_neither_aws_packages_nor_scipy() -> None:
    code = (
        "import sys; from pipeline.cli.commands import pretag;"
        "[pretag.get_command(None, name) for name in pretag.list_commands(None)];"
        "import pipeline.cli.annotation;"
        "print({name.partition('.')[0] for name in sys.modules}"
        " & {'boto3', 'botocore', 'aws_lambda_powertools', 'scipy', 'pywt', 'handler'})"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "set()"


def test_telemetry_of_onnx_runtime_is_switched_off() -> None:
    code = "import pipeline.run, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean
    )
    assert finished.stdout.strip() == "1"
