"""Images and the clock in shared memory."""

import mmap
import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.decoding.process.shared_clock import SharedClock
from pipeline.decoding.process.shared_memory import ImageReader, ImageWriter
from pipeline.frame import Image
from tests.support import clips


def handed_over(writer: ImageWriter, reader: ImageReader, image: Image) -> Image:
    number, descriptor, dropped = writer.write(image)
    reader.drop(dropped)
    if descriptor is not None:
        reader.add(number, descriptor)
    return reader.read(number, *image.shape[:2])


def test_an_image_is_the_same_on_the_other_side() -> None:
    image = clips.texture(1, 33, 17)
    shared = handed_over(ImageWriter(), ImageReader(), image)
    assert np.array_equal(shared, image)
    assert shared.flags.c_contiguous


def test_memory_is_used_again_only_when_nobody_uses_its_image() -> None:
    writer, reader = ImageWriter(), ImageReader()
    images = [clips.texture(seed, 33, 17) for seed in range(4)]
    first = handed_over(writer, reader, images[0])
    part = first[3:5]
    del first
    writer.free(reader.take_freed())
    second = handed_over(writer, reader, images[1])
    assert np.array_equal(part, images[0][3:5])
    del second
    freed = reader.take_freed()
    assert len(freed) == 1
    writer.free(freed)
    number, descriptor, _ = writer.write(images[2])
    assert (number, descriptor) == (freed[0], None)
    assert np.array_equal(reader.read(number, 17, 33), images[2])


def test_an_image_of_another_size_gets_other_memory() -> None:
    writer, reader = ImageWriter(), ImageReader()
    handed_over(writer, reader, clips.texture(1, 33, 17))
    writer.free(reader.take_freed())
    other = clips.texture(2, 8, 8)
    assert np.array_equal(handed_over(writer, reader, other), other)


def test_images_of_many_sizes_do_not_take_more_and_more_memory() -> None:
    writer, reader = ImageWriter(), ImageReader()
    kept = clips.texture(0, 8, 8)
    in_use = handed_over(writer, reader, kept)
    before = mapped_images()
    for size in range(10, 40):
        image = clips.texture(size, size, size)
        assert np.array_equal(handed_over(writer, reader, image), image)
        writer.free(reader.take_freed())
    assert mapped_images() == before + 2  # that of the last image, on both sides
    assert np.array_equal(in_use, kept)


def mapped_images() -> int:
    """Count the mappings of memory for images in this process."""
    return Path("/proc/self/maps").read_text().count("memfd:image")


def test_the_size_of_memory_cannot_change_under_the_parent() -> None:
    writer, reader = ImageWriter(), ImageReader()
    number, descriptor, _ = writer.write(clips.texture(1, 8, 8))
    assert descriptor is not None
    own = os.dup(descriptor)
    reader.add(number, descriptor)
    with pytest.raises(PermissionError):
        os.ftruncate(own, 0)
    os.close(own)
    with pytest.raises(ValueError, match="buffer is smaller than requested"):
        reader.read(number, 8, 9)


def test_memory_that_cannot_be_sealed_is_refused() -> None:
    descriptor = os.memfd_create("a")
    os.ftruncate(descriptor, mmap.PAGESIZE)
    with pytest.raises(PermissionError):
        ImageReader().add(0, descriptor)


def test_the_clock_cannot_shrink() -> None:
    """An access beyond the end of shared memory would end the process with SIGBUS."""
    clock = SharedClock.create()
    with pytest.raises(PermissionError):
        os.ftruncate(clock, 0)
    os.close(clock)


def test_a_file_in_place_of_memory_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(192))
    with pytest.raises(OSError, match="Invalid argument"):
        ImageReader().add(0, os.open(path, os.O_RDWR))


def test_the_clock_counts_from_the_last_progress() -> None:
    descriptor = SharedClock.create()
    clock, other = SharedClock(descriptor), SharedClock(descriptor)
    os.close(descriptor)
    before = clock.idle_seconds()
    while other.idle_seconds() <= before:
        pass
    clock.set()
    assert other.idle_seconds() <= before + 1
