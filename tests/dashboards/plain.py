"""Pictures that are good and yet too plain for a fingerprint: a clear sky with a wire across."""
import struct
import zlib

WIDTH, HEIGHT = 320, 240


def write_pictures(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"plain-{number}.png").write_bytes(png(rows(number)))


def rows(number):
    """Grey, brighter towards the ground; the wire is at another height in each."""
    wire = 40 + 22 * number
    for y in range(HEIGHT):
        yield bytes([100 + y // 2 - (50 if wire <= y < wire + 3 else 0)]) * WIDTH


def png(lines):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + line for line in lines))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))
