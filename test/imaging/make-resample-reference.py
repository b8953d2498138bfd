"""Writes cases/resample.json: what Pillow 9.4, scipy 1.10 and numpy 1.24 (Debian 12) make of a small image given by formula, with
twice the pixels.  /usr/bin/python3 test/imaging/make-resample-reference.py"""
import json
import os

import numpy as np
from PIL import Image
from scipy import ndimage as nd
from scipy.signal import resample

ROWS, COLUMNS = 12, 9


def picture():
    r, c = np.mgrid[:ROWS, :COLUMNS]
    return 100 * np.sin(0.9 * r + 0.3) * np.cos(0.7 * c) + 20 * ((r * 7 + c * 13) % 5)


def rounded(a):
    return [round(float(v), 4) for v in np.asarray(a).ravel()]


def main():
    image = picture()
    pillow = Image.fromarray(image.astype(np.float32), mode='F')
    size = (2 * COLUMNS, 2 * ROWS)
    out = {
        'keys': rounded(pillow.resize(size, Image.BICUBIC)),
        'lanczos3': rounded(pillow.resize(size, Image.LANCZOS)),
        'b-spline': rounded(nd.zoom(image, 2, order=3, mode='reflect', grid_mode=True)),
        'zero-filled': rounded(resample(resample(image, 2 * ROWS, axis=0), 2 * COLUMNS, axis=1)),
    }
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cases', 'resample.json')
    with open(file, 'w', encoding='utf-8') as fh:
        json.dump(out, fh)


main()
