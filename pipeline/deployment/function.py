"""The deployed function: its settings, and the events that are sent to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeline.config.video_suffixes import video_suffixes
from pipeline.deployment.clients import lambda_client, translated_errors


@dataclass(frozen=True)
class Function:
    """A Lambda function.

    Attributes:
        name: its name or ARN.
        memory_megabytes: its memory.
        timeout_seconds: its time-out.
        storage_megabytes: its space in /tmp.
        is_arm: whether it runs on arm64, which costs less.
        suffixes: lower-case suffixes of the objects that it takes for videos.
    """

    name: str
    memory_megabytes: int
    timeout_seconds: int
    storage_megabytes: int
    is_arm: bool
    suffixes: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a deployed function.

        Raises:
            BrokenError: there is no such function, or it may not be read.
            RetryableError: Lambda failed.
        """
        client = lambda_client()
        with translated_errors(f"the function {name}"):
            answer = client.get_function_configuration(FunctionName=name)
        variables = answer.get("Environment", {}).get("Variables", {})
        return cls(
            name=name,
            memory_megabytes=answer["MemorySize"],
            timeout_seconds=answer["Timeout"],
            storage_megabytes=answer.get("EphemeralStorage", {}).get("Size", 512),
            is_arm="arm64" in answer.get("Architectures", []),
            suffixes=video_suffixes(variables.get("VIDEO_SUFFIXES")),
        )

    def send(self, event: bytes) -> None:
        """Send an event, and do not wait for what comes of it.

        Lambda keeps the event until the function has time, and tries it three times.

        Raises:
            BrokenError: Lambda refuses the event.
            RetryableError: Lambda throttled all tries, or failed.
        """
        client = lambda_client()
        with translated_errors(f"the function {self.name}"):
            client.invoke(FunctionName=self.name, InvocationType="Event", Payload=event)
