import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sweeper.data.decode import BadImage, decode

FORMATS = {"JPEG": "RGB", "PNG": "RGB", "WEBP": "RGB", "BMP": "RGB", "GIF": "P", "TIFF": "RGB"}


def saved(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def gradient(width=64, height=48):
    across = np.linspace(0, 255, width, dtype=np.uint8)
    return Image.fromarray(np.broadcast_to(across[None, :, None], (height, width, 3)).copy())


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("format", "mode"), FORMATS.items())
def test_every_format_is_read_by_its_content(format, mode):
    (pixels,) = decode(saved(gradient().convert(mode), format), [16])
    assert pixels.shape == (16, 16, 3)
    assert pixels[:, 0].mean() < 20
    assert pixels[:, -1].mean() > 235


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "P", "RGBA", "1"])
def test_every_mode_becomes_rgb(mode):
    image = Image.new("RGB", (20, 20), "white").convert(mode)
    assert decode(saved(image), [8])[0].tolist() == np.full((8, 8, 3), 255).tolist()


def test_cmyk_becomes_rgb():
    (pixels,) = decode(saved(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"), [8])
    red, green, blue = pixels.reshape(-1, 3).mean(0)
    assert red > 200
    assert max(green, blue) < 80


def test_sixteen_bits_keep_their_upper_byte():
    levels = np.full((10, 10), 0x80FF, dtype=np.uint16)
    assert np.unique(decode(saved(Image.fromarray(levels)), [4])[0]).tolist() == [0x80]


def test_transparency_lies_on_white():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert decode(saved(image), [4])[0].min() == 255


def test_grey_stores_have_one_channel():
    assert decode(saved(gradient()), [8], channels=1)[0].shape == (8, 8, 1)


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (8, 8), color) for color in ("black", "white")]
    raw = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(raw, [4])[0].max() == 0


def test_exif_rotation_is_honoured():
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down and mirrored: left becomes right
    (pixels,) = decode(saved(gradient(), "JPEG", exif=exif), [16])
    assert pixels[:, 0].mean() > pixels[:, -1].mean()


def test_a_size_looks_the_same_whatever_is_built_with_it():
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    raw = saved(Image.fromarray(noise).resize((1600, 1200)), "JPEG")
    together = decode(raw, [32, 64, 256, 512])
    for size, pixels in zip([32, 64, 256, 512], together, strict=True):
        assert np.array_equal(pixels, decode(raw, [size])[0])


def test_scaled_decoding_stays_close_to_the_full_one():
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC)
    raw = saved(image, "JPEG", quality=95)
    full = Image.open(io.BytesIO(raw)).resize((64, 64), Image.Resampling.BILINEAR)
    difference = np.abs(decode(raw, [64])[0].astype(int) - np.asarray(full).astype(int))
    assert difference.mean() < 1.0


def test_a_box_is_cut_out_of_the_upright_image():
    (pixels,) = decode(saved(gradient(100, 50)), [8], box=(80, 0, 140, 60))
    assert pixels.min() > 195


def test_arrays_of_the_right_size_are_kept_to_the_bit():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.array_equal(decode(pixels, [8])[0], pixels)


BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello, I am a photo", "not an image"),
    "truncated": (saved(gradient(400, 300), "JPEG")[:3000], "cannot be decoded"),
    "damaged": (saved(gradient())[:60] + b"\0" * 200, "cannot be decoded"),
    "bomb": (png_header(20_000, 20_000), "decompression bomb"),
    "bomb that Pillow only warns of": (png_header(11_000, 11_000), "decompression bomb"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("raw", "reason"), BAD.values(), ids=BAD)
def test_an_unusable_image_says_why(raw, reason):
    with pytest.raises(BadImage, match=reason):
        decode(raw, [8])


def test_a_box_outside_of_the_image_is_refused():
    with pytest.raises(BadImage, match="outside"):
        decode(saved(gradient(100, 50)), [8], box=(200, 0, 240, 40))
