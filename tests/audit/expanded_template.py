"""A script that runs in .tools/deploy: expands template.yaml as SAM does in AWS, with parameters
that are given as a JSON object, and prints the result as JSON."""

import json
import logging
import os
import sys
from types import SimpleNamespace

from samtranslator.translator.transform import transform

from tests.e2e.template import read_template


def main() -> None:
    logging.disable(logging.WARNING)  # about metrics that SAM sends nowhere
    os.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
    template = read_template()
    parameters = json.loads(sys.argv[1])
    policies = SimpleNamespace(load=dict)  # no policy of AWS is named in the template
    print(json.dumps(transform(template, parameters, policies)))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
