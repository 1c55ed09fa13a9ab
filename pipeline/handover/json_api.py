"""Call an API that speaks JSON over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import urllib3

from pipeline.errors import BrokenError, RetryableError
from pipeline.handover.handed import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SECONDS = urllib3.Timeout(connect=10, read=300)
_SERVER_ERROR = 500
_ERROR = 300
_LONGEST_DETAIL = 500


class JsonApi:
    """One server. Redirects are not followed, because they could carry the secret elsewhere.

    All methods raise:
        BrokenError: the server refuses, or does not answer with JSON.
        RetryableError: it cannot be reached, or failed.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """Describe the server; nothing is requested.

        Args:
            url: its address, with http:// or https://.
            headers: headers of each request, such as `Authorization`.

        Raises:
            InputFileError: the address has another form.
        """
        check_url(url)
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self._pool = urllib3.PoolManager(timeout=_SECONDS, retries=False)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to a request.

        Args:
            method: such as `GET`.
            path: begins with a slash, and may have a query.
            body: a JSON value; None: no body.
        """
        if body is None:
            return self._request(method, path)
        headers = {"Content-Type": "application/json"}
        return self._request(method, path, body=json.dumps(body).encode(), headers=headers)

    def upload(self, path: str, files: Sequence[tuple[str, bytes]]) -> Any:  # noqa: ANN401 - JSON
        """Return the answer to the upload of files: the name and the JPEG of each."""
        fields = [(name, (name, data, "image/jpeg")) for name, data in files]
        body, content_type = urllib3.encode_multipart_formdata(fields)
        return self._request("POST", path, body=body, headers={"Content-Type": content_type})

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Any:  # noqa: ANN401 - JSON
        address = self._url + path
        try:
            answer = self._pool.request(
                method, address, body=body, headers={**self._headers, **headers}
            )
        except urllib3.exceptions.HTTPError as error:
            raise RetryableError(
                f"{self._url} cannot be reached: {error}. Check the address, and try again."
            ) from error
        if answer.status >= _SERVER_ERROR:
            raise RetryableError(f"{address} failed with status {answer.status}. Try again.")
        if answer.status >= _ERROR:
            detail = answer.data.decode("utf-8", "replace")[:_LONGEST_DETAIL]
            raise BrokenError(
                f"{address} refused the request with status {answer.status}: {detail} "
                "Check the address, the access token, and its rights."
            )
        try:
            return json.loads(answer.data)
        except ValueError as error:
            raise BrokenError(
                f"{address} did not answer with JSON. Check that the address is that of the server."
            ) from error
