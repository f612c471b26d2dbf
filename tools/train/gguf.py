"""GGUF version 3, written and read with numpy alone.

The quantisers follow the reference code of ggml to the bit: the same order of
operations in 32-bit floats, the same rounding.
"""

import struct

import numpy as np

ALIGNMENT = 32
BLOCK = 32
F32, Q4_0, Q8_0 = 0, 2, 8
BYTES_PER_BLOCK = {Q4_0: 18, Q8_0: 34}

# Types of metadata values: number in the file, struct format.
_SCALARS = {"u8": (0, "B"), "i8": (1, "b"), "u16": (2, "H"), "i16": (3, "h"), "u32": (4, "I"),
            "i32": (5, "i"), "f32": (6, "f"), "bool": (7, "?"), "u64": (10, "Q"),
            "i64": (11, "q"), "f64": (12, "d")}
_FORMATS = dict(_SCALARS.values())
_STRING, _ARRAY = 8, 9


def quantise_q8_0(values):
    """Blocks of a 16-bit scale and 32 signed bytes."""
    x = np.ascontiguousarray(values, np.float32).reshape(-1, BLOCK)
    scale = np.abs(x).max(axis=1) / np.float32(127)
    with np.errstate(divide="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    y = x * inverse[:, None].astype(np.float32)
    # C's roundf rounds halves away from zero, unlike numpy's.
    levels = np.trunc(y + np.copysign(np.float32(0.5), y)).astype(np.int8)
    return _blocks(scale, levels.view(np.uint8))


def quantise_q4_0(values):
    """Blocks of a 16-bit scale and 32 half bytes."""
    x = np.ascontiguousarray(values, np.float32).reshape(-1, BLOCK)
    extreme = np.take_along_axis(x, np.abs(x).argmax(axis=1)[:, None], axis=1)[:, 0]
    scale = extreme / np.float32(-8)
    with np.errstate(divide="ignore"):
        inverse = np.where(scale == 0, np.float32(0), np.float32(1) / scale)
    y = x * inverse[:, None].astype(np.float32) + np.float32(8.5)
    levels = np.minimum(15, np.trunc(y).astype(np.int8)).astype(np.uint8)
    return _blocks(scale, levels[:, :16] | levels[:, 16:] << 4)


def _blocks(scale, body):
    halves = scale.astype("<f2").view(np.uint8).reshape(-1, 2)
    return np.concatenate((halves, body), axis=1).tobytes()


QUANTISERS = {
    F32: lambda values: np.ascontiguousarray(values, "<f4").tobytes(),
    Q4_0: quantise_q4_0,
    Q8_0: quantise_q8_0,
}


def dequantise(data, tensor_type, shape):
    """Bytes of a tensor to 32-bit floats."""
    if tensor_type == F32:
        return np.frombuffer(data, "<f4").reshape(shape)
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BYTES_PER_BLOCK[tensor_type])
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    body = blocks[:, 2:]
    if tensor_type == Q8_0:
        levels = body.view(np.int8).astype(np.float32)
    else:
        halves = np.concatenate((body & 15, body >> 4), axis=1)
        levels = halves.astype(np.float32) - 8
    return (levels * scale).reshape(shape)


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    """The bytes of a metadata value; kind is "str", "u32", ... or "[str]"."""
    if kind.startswith("["):
        inner = kind[1:-1]
        number = _STRING if inner == "str" else _SCALARS[inner][0]
        items = b"".join(_bare(inner, item) for item in value)
        return struct.pack("<IIQ", _ARRAY, number, len(value)) + items
    number = _STRING if kind == "str" else _SCALARS[kind][0]
    return struct.pack("<I", number) + _bare(kind, value)


def _bare(kind, value):
    return _string(value) if kind == "str" else struct.pack("<" + _SCALARS[kind][1], value)


def _padding(length):
    return b"\0" * (-length % ALIGNMENT)


def write(path, metadata, tensors):
    """metadata: (key, kind, value)...; tensors: (name, array, tensor type)..."""
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    head += b"".join(_string(key) + _value(kind, value) for key, kind, value in metadata)
    body = b""
    for name, array, tensor_type in tensors:
        head += _string(name) + struct.pack("<I", array.ndim)
        # GGUF lists the sizes from the innermost to the outermost.
        head += struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        head += struct.pack("<IQ", tensor_type, len(body))
        data = QUANTISERS[tensor_type](array)
        body += data + _padding(len(data))
    with open(path, "wb") as file:
        file.write(head + _padding(len(head)) + body)


class Reader:
    """Reads a whole file: `metadata` and `tensors`, the latter as floats."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.at = 0
        magic, version, tensor_count, key_count = self._unpack("4sIQQ")
        if magic != b"GGUF" or version != 3:
            raise ValueError(f"{path} is not a GGUF file of version 3")
        self.metadata = {}
        for _ in range(key_count):
            key = self._string()
            self.metadata[key] = self._typed(self._unpack("I")[0])
        infos = [self._tensor_info() for _ in range(tensor_count)]
        start = self.at + -self.at % self.metadata.get("general.alignment", ALIGNMENT)
        self.types = {name: tensor_type for name, _, tensor_type, _ in infos}
        self.tensors = {name: self._tensor(start + offset, tensor_type, shape)
                        for name, shape, tensor_type, offset in infos}

    def _unpack(self, layout):
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def _string(self):
        length = self._unpack("Q")[0]
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def _typed(self, number):
        if number == _STRING:
            return self._string()
        if number == _ARRAY:
            inner, count = self._unpack("IQ")
            return [self._typed(inner) for _ in range(count)]
        return self._unpack(_FORMATS[number])[0]

    def _tensor_info(self):
        name = self._string()
        rank = self._unpack("I")[0]
        shape = tuple(reversed(self._unpack(f"{rank}Q")))
        tensor_type, offset = self._unpack("IQ")
        return name, shape, tensor_type, offset

    def _tensor(self, start, tensor_type, shape):
        count = int(np.prod(shape))
        size = count * 4 if tensor_type == F32 else count // BLOCK * BYTES_PER_BLOCK[tensor_type]
        return dequantise(self.data[start : start + size], tensor_type, shape)
