"""A script that runs in .tools/deploy: zips deploy/functions into a file as SAM does."""

import sys

from samcli.lib.package.utils import make_zip_with_lambda_permissions


def main() -> None:
    make_zip_with_lambda_permissions(sys.argv[1].removesuffix(".zip"), "deploy/functions")


if __name__ == "__main__":
    main()
