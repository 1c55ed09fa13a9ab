"""Emulate AWS inside the process, with moto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto import mock_aws

if TYPE_CHECKING:
    from moto.core.models import MockAWS


def emulated_aws() -> MockAWS:
    """Return a context in which AWS is emulated, and empty at the start.

    The session of boto3 stays. A new one for each test would read the descriptions of all services
    again.
    """
    return mock_aws(config={"core": {"reset_boto3_session": False}})
