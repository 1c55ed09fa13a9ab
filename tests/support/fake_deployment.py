"""A deployment whose CloudFormation and Lambda answer inside the process, on the wire of boto3."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from pipeline.deployment.clients import cloudformation_client, lambda_client

if TYPE_CHECKING:
    import pytest
    from botocore.awsrequest import AWSPreparedRequest

STACK, FUNCTION = "pretag-test", "pretag-test-function"
LIVE_FUNCTION = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}:live"


@dataclass
class FakeDeployment:
    """Answers the requests of the two clients, and records the events that were sent.

    Attributes:
        parameters, outputs: those of the stack.
        configuration: what GetFunctionConfiguration returns.
        answers: HTTP status and error code of the next invocations; then each is accepted.
        events: the events that were accepted.
    """

    parameters: dict[str, str]
    outputs: dict[str, str]
    configuration: dict[str, Any] = field(
        default_factory=lambda: {"MemorySize": 1024, "Timeout": 900, "Architectures": ["x86_64"]}
    )
    answers: list[tuple[int, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer the requests of the process's clients from now on."""
        # moto answers for the addresses of AWS.
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "https://lambda.test")
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", "https://cloudformation.test")
        cloudformation_client.cache_clear()
        lambda_client.cache_clear()
        clients: list[Any] = [cloudformation_client(), lambda_client()]
        for client in clients:
            client.meta.events.register("before-send", self._answer)

    def _answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        path = unquote(urlsplit(request.url).path)
        if path.endswith("/configuration"):
            assert path.split("/")[3] in {FUNCTION, LIVE_FUNCTION}
            return response(200, json.dumps(self.configuration))
        if path.endswith("/invocations"):
            assert path.split("/")[3] in {FUNCTION, LIVE_FUNCTION}
            return self._invoked(request)
        return self._described(str(request.body))

    def _invoked(self, request: AWSPreparedRequest) -> AWSResponse:
        assert request.headers["X-Amz-Invocation-Type"] in {"Event", b"Event"}
        if self.answers:
            status, code = self.answers.pop(0)
            return response(status, json.dumps({"message": "why"}), {"x-amzn-ErrorType": code})
        body = request.body
        data = body if isinstance(body, bytes) else body.read()  # type: ignore[union-attr]
        assert len(data) < 256 * 1024
        self.events.append(json.loads(data))
        return response(202, "")

    def _described(self, body: str) -> AWSResponse:
        if f"StackName={STACK}" not in body:
            return response(400, _xml_error("ValidationError", "Stack does not exist"))
        outputs = _members(self.outputs, "Output")
        parameters = _members(self.parameters, "Parameter")
        return response(
            200,
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            f"<StackName>{STACK}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
            f"<Outputs>{outputs}</Outputs><Parameters>{parameters}</Parameters>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        )


def _members(values: dict[str, str], kind: str) -> str:
    return "".join(
        f"<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>"
        for key, value in values.items()
    )


def _xml_error(code: str, message: str) -> str:
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    return f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"


def response(status: int, body: str, headers: dict[str, str] | None = None) -> AWSResponse:
    raw = io.BytesIO(body.encode())
    raw.stream = lambda *_args, **_kwargs: iter([body.encode()])  # type: ignore[attr-defined]
    fields = HTTPHeaders()
    for name, value in (headers or {}).items():
        fields[name] = value
    return AWSResponse("https://aws", status, fields, raw)
