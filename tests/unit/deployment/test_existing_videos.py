"""Events in the form of S3's notification, and what the handler reads in them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from handler.events import jobs_in
from handler.jobs import Job
from pipeline.deployment.existing_videos import event_of
from pipeline.storage.s3.versions import NO_VERSION, ObjectVersion

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255)


@given(TEXT, st.sampled_from([NO_VERSION, "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"]))
def test_the_handler_reads_what_was_sent(key: str, version_id: str) -> None:
    video = ObjectVersion(key, version_id, "abc-2", 7, "STANDARD", is_latest=True, is_marker=False)
    data = event_of("incoming", video, "0123")
    assert len(data) < 256 * 1024
    (job,) = jobs_in(json.loads(data))
    version = None if version_id == NO_VERSION else version_id
    assert job == Job("incoming", key, version, "abc-2", None, "0123")
    assert job.upload is not None
    assert job.upload.id != Job("incoming", key, version, "abc-2", None, "0124").upload.id  # type: ignore[union-attr]
