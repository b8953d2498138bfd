#!/usr/bin/python3
# Pixels of images as pydicom and GDCM read them: a line of JSON for each file and reader, with the SHA-256 of the stored values
# (all frames, masked to Bits Stored, 32-bit little endian). Files by standard input, one a line.
import hashlib
import json
import sys

import gdcm
import numpy
import pydicom


def digest(values, bits, signed):
    values = values.astype(numpy.int64) & ((1 << bits) - 1)
    if signed:
        values = numpy.where(values >= 1 << (bits - 1), values - (1 << bits), values)
    return hashlib.sha256(values.astype("<i4").tobytes()).hexdigest()


def by_pydicom(file):
    ds = pydicom.dcmread(file)
    # Asked before decoding: a handler changes it where a JPEG 2000 code stream says otherwise.
    signed = ds.PixelRepresentation == 1
    return digest(ds.pixel_array, ds.BitsStored, signed)


def by_gdcm(file):
    reader = gdcm.ImageReader()
    reader.SetFileName(file)
    if not reader.Read():
        raise ValueError("GDCM does not read it")
    image = reader.GetImage()
    kind = image.GetPixelFormat()
    raw = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    size = kind.GetBitsAllocated() // 8
    return digest(numpy.frombuffer(raw, f"<u{size}"), kind.GetBitsStored(), kind.GetPixelRepresentation() == 1)


for line in sys.stdin:
    file = line.rstrip("\n")
    for name, read in (("pydicom", by_pydicom), ("GDCM", by_gdcm)):
        try:
            answer = {"sha256": read(file)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"file": file, "reader": name, **answer}))
