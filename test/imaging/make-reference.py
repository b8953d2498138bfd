"""Writes cases/reference.json: what scipy 1.10, scikit-image 0.19 and PyWavelets 1.1 (Debian 12) make of images given by formula
(the same formulas are in reference-images.ts).  /usr/bin/python3 test/imaging/make-reference.py

Bilateral filter and non-local means are written out by definition in numpy: scikit-image 0.19 has both one pixel off (its
spatial table has win_size + 1 columns, its fast patches are 4x4 where 5x5 are asked for), which a first comparison showed."""
import json
import os
import numpy as np
import pywt
from scipy import ndimage as nd
from skimage.exposure import equalize_adapthist
from skimage.metrics import structural_similarity
from skimage.restoration import denoise_tv_chambolle


def uniform(seed, n):
    """mulberry32"""
    m = np.uint64(0xFFFFFFFF)
    s = (np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x6D2B79F5)) & m
    t = ((s ^ (s >> np.uint64(15))) * (s | np.uint64(1))) & m
    t = (t + (((t ^ (t >> np.uint64(7))) * (t | np.uint64(61))) & m) & m) ^ t
    t &= m
    return ((t ^ (t >> np.uint64(14))) & m).astype(np.float64) / 4294967296


def bell(seed, n):
    """Nearly Gaussian, deviation 1: sum of 12 uniform numbers less 6."""
    return uniform(seed, 12 * n).reshape(n, 12).sum(1) - 6


def small(rows, columns):
    r, c = np.mgrid[:rows, :columns]
    return (100 * np.sin(.4 * r) + 60 * np.cos(.3 * c) + 80 * (uniform(7, rows * columns).reshape(rows, columns) - .5)).astype(np.float32)


def bilateral(x, sigma, value, radius):
    p = np.pad(x, radius, mode='symmetric').astype(float)
    a, w = np.zeros(x.shape), np.zeros(x.shape)
    for i in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            q = p[i:i + x.shape[0], j:j + x.shape[1]]
            k = np.exp(-((i - radius) ** 2 + (j - radius) ** 2) / (2 * sigma ** 2) - ((q - x) / value) ** 2 / 2)
            a, w = a + k * q, w + k
    return a / w


def non_local_means(x, h, sigma):
    p = np.pad(x, 9, mode='symmetric').astype(float)
    part = lambda i, j: p[9 + i:9 + i + x.shape[0], 9 + j:9 + j + x.shape[1]]
    a, w = np.zeros(x.shape), np.zeros(x.shape)
    for i in range(-7, 8):
        for j in range(-7, 8):
            d = sum((part(u, v) - part(u + i, v + j)) ** 2 - 2 * sigma ** 2 for u in range(-2, 3) for v in range(-2, 3))
            d = np.maximum(d, 0) / (25 * h * h)
            k = np.where(d < 5, np.exp(-d), 0)
            a, w = a + k * part(i, j), w + k
    return a / w


def disc(n, radius, x=0., y=0.):
    r, c = np.mgrid[:n, :n]
    return np.hypot(r - n / 2 - y, c - n / 2 - x) < radius


def ct():
    n = 256
    clean = np.where(disc(n, 100), 40., -1000.)
    clean[disc(n, 30, 20, 10)] = 120
    noise = nd.gaussian_filter(bell(11, n * n).reshape(n, n).astype(np.float32), .8)
    noise = noise / noise.std() * 20 * (1 + .5 * np.arange(n) / n)[None]
    return (clean + noise).astype(np.float32)


def mr(keep):
    n = 128
    clean = np.where(disc(n, 45), 500., 0.)
    clean[disc(n, 15, 8, -6)] = 900
    z = clean + 25 * bell(21, n * n).reshape(n, n) + 25j * bell(22, n * n).reshape(n, n)
    if keep < n:
        k = np.fft.fftshift(np.fft.fft2(z))
        a, b = n // 2 - keep // 2, n // 2 + keep // 2
        m = np.zeros((n, n)); m[a:b, a:b] = 1
        z = np.fft.ifft2(np.fft.ifftshift(k * m))
    return np.abs(z).astype(np.float32)


def mad(v):
    return 1.4826 * np.median(np.abs(v - np.median(v)))


def soft(x):
    g = nd.gaussian_filter(x, 2)
    return (g > -150) & (g < 200)


def body(x):
    g = nd.gaussian_filter(x, 2)
    return nd.binary_erosion(nd.binary_fill_holes(g > .1 * np.quantile(g, .99)), iterations=2)


def mode(x, mask):
    x = x.astype(np.float64)
    s = np.sqrt(np.maximum(nd.uniform_filter(x * x, 9) - nd.uniform_filter(x, 9) ** 2, 0))
    v = s[nd.minimum_filter(mask.astype(np.uint8), 9) > 0][::3]
    h, e = np.histogram(v, 80, (0, np.quantile(v, .9)))
    i = int(nd.gaussian_filter1d(h.astype(float), 2).argmax())
    return float((e[i] + e[i + 1]) / 2)


def block_deviations(x, mask, need):
    n = 12
    r, c = np.mgrid[:n, :n]
    basis, _ = np.linalg.qr(np.stack([np.ones(n * n), r.ravel() - 5.5, c.ravel() - 5.5], 1))
    w = np.lib.stride_tricks.sliding_window_view
    v = w(x, (n, n))[::6, ::6].reshape(-1, n * n).astype(np.float64)
    v = v[w(mask, (n, n))[::6, ::6].reshape(-1, n * n).mean(1) >= need]
    return np.sqrt(((v - (v @ basis) @ basis.T) ** 2).sum(1) / (n * n - 3))


def noise_map(x, mask, sigma):
    fine = x - nd.gaussian_filter(x, 1, truncate=3)
    k = 1.2 * np.quantile(block_deviations(x, mask, .98) / block_deviations(fine, mask, .98), .1)
    n, t = len(x), 32
    out = np.full((n // t, n // t), np.nan)
    for i in range(n // t):
        for j in range(n // t):
            # Blocks begin at multiples of 6 of the slice.
            s = tuple(slice(-(-max(0, k * t - 16) // 6) * 6, k * t + 48) for k in (i, j))
            v = block_deviations(fine[s], mask[s], .98)
            if len(v) >= 12:
                out[i, j] = np.quantile(v, .25) * k
    known, middle = np.isfinite(out), np.nanmedian(out)
    out = np.where(known, np.clip(out, .4 * middle, 6 * middle), 0)
    out = (nd.gaussian_filter(out, .5) + .05 * middle) / (nd.gaussian_filter(known.astype(float), .5) + .05)
    return nd.zoom(out, t, order=1, mode='nearest', grid_mode=True)


def laplace(x, mask):
    return float(mad(nd.convolve(x, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))[mask]) / 6)


def k_space_sigma(x, mask):
    """Second differences after cutting back to the k-space that was acquired; square images of even size."""
    n = len(x)
    f = np.fft.fftshift(np.fft.fft2(x))
    support = []
    for power in (np.abs(f) ** 2, np.abs(f.T) ** 2):
        p = np.log(np.median(power[:, np.r_[5 * n // 16:7 * n // 16, 9 * n // 16:11 * n // 16]], 1) + 1e-12)
        h = nd.uniform_filter1d((p[n // 2:] + p[n // 2 - 1::-1]) / 2, 3)
        drop = [(h[max(0, k - 4):k].mean() - h[k + 2:k + 6].mean(), (k + 1) / len(h)) for k in range(len(h) // 4, len(h) - 3)]
        best = max(drop, key=lambda d: d[0])
        support.append(best[1] if best[0] > np.log(4) else 1.)
    h, w = [int(round(n * s / 2)) * 2 for s in support]
    a, b = (n - h) // 2, (n - w) // 2
    y = np.fft.ifft2(np.fft.ifftshift(f[a:a + h, b:b + w])).real * (h * w / n / n)
    return laplace(y.astype(np.float32), nd.zoom(mask.astype(float), (h / n, w / n), order=1) > .9), support


def structure(x, y, mask):
    g = np.hypot(nd.gaussian_filter(y, 1.5, (0, 1)), nd.gaussian_filter(y, 1.5, (1, 0)))
    f = np.hypot(nd.gaussian_filter(x, 1.5, (0, 1)), nd.gaussian_filter(x, 1.5, (1, 0)))
    e = np.sqrt(nd.gaussian_filter((x - y) ** 2, 1.5))
    top = f >= np.quantile(f, .98)
    return (float(np.corrcoef(e[mask], np.minimum(g, np.quantile(g, .99))[mask])[0, 1]),
            float((g[top].astype(float) ** 2).sum() / (f[top].astype(float) ** 2).sum()))


def torso():
    n = 256
    clean = np.where(disc(n, 100), -100., -1000.)
    clean[disc(n, 86)] = 50
    clean[disc(n, 12, -30, 20)] = 900
    clean = nd.gaussian_filter(clean, 1)
    noise = nd.gaussian_filter(bell(31, n * n).reshape(n, n).astype(np.float32), .8)
    return (clean + noise / noise.std() * 12 + 25 * np.sin(np.arange(n) * .7)[:, None] * disc(n, 80)).astype(np.float32)


def noise_frequency(x, mask):
    n = 64
    r, c = np.mgrid[:n, :n] / n - .5
    basis, _ = np.linalg.qr(np.stack([v.ravel() for v in (np.ones((n, n)), c, r, c * c, r * r, c * r)], 1))
    power, blocks = 0, 0
    counted = nd.binary_erosion(mask, iterations=2)
    for i in range(0, len(x) - n + 1, n // 2):
        for j in range(0, len(x) - n + 1, n // 2):
            if mask[i:i + n, j:j + n].mean() >= .97:
                z, m = x[i:i + n, j:j + n].astype(float).ravel(), counted[i:i + n, j:j + n].ravel()
                rest = np.where(m, z - basis @ np.linalg.lstsq(basis[m], z[m], rcond=None)[0], 0)
                power = power + np.abs(np.fft.fft2(rest.reshape(n, n))) ** 2
                blocks += 1
    f = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None]).ravel()
    k = np.floor(f * 64).astype(int)
    radial = np.bincount(k[k < 32], power.ravel()[k < 32], 32) / np.maximum(np.bincount(k[k < 32], minlength=32), 1)
    f = (np.arange(32) + .5) / 64
    return float((f * f * radial).sum() / (f * radial).sum()), blocks


def streak_index(x, mask):
    y, z = [int(v.mean()) for v in np.where(mask)]
    a = int(np.clip(y - 128, 0, max(0, x.shape[0] - 256))), int(np.clip(z - 128, 0, max(0, x.shape[1] - 256)))
    x, mask = [v[a[0]:a[0] + 256, a[1]:a[1] + 256] for v in (x.astype(float), mask)]
    mask = nd.binary_erosion(mask, iterations=2)
    base = nd.gaussian_filter(np.where(mask, x, 0), 6) / np.maximum(nd.gaussian_filter(mask.astype(float), 6), 1e-3)
    t = np.where(mask, x - base, 0)
    s = 3 * mad(t[mask])
    power = np.abs(np.fft.fft2(np.clip(t, -s, s) * nd.gaussian_filter(mask.astype(float), 2) * mask)) ** 2
    fy, fx = np.fft.fftfreq(t.shape[0])[:, None], np.fft.fftfreq(t.shape[1])[None]
    f = np.hypot(fy, fx)
    turn = np.floor((np.arctan2(fy, fx) % np.pi) / np.pi * 24 + .5).astype(int) % 24
    ok = (f > .03) & (f < .2)
    e = np.bincount(turn[ok], power[ok], 24) / np.bincount(turn[ok], minlength=24)
    return float(100 * (e - np.median(e))[e > 2 * np.median(e)].sum() / e.sum())


def edge_frequency(x, sigma):
    g = nd.gaussian_filter(x.astype(float), 1)
    gy, gx = nd.sobel(g, 0) / 8, nd.sobel(g, 1) / 8
    size = np.hypot(gy, gx)
    t = np.arange(-8, 8.125, .25)
    found = []
    places = np.argwhere((size == nd.maximum_filter(size, 5)) & (size > 1.5 * sigma))
    places = [p for p in places if 10 < p[0] < len(x) - 11 and 10 < p[1] < len(x) - 11]
    for r, c in sorted(places, key=lambda p: -size[tuple(p)])[:1200]:
        p = nd.map_coordinates(x.astype(float), [r + gy[r, c] / size[r, c] * t, c + gx[r, c] / size[r, c] * t], order=1)
        a, d = p[:12].mean(), p[-12:].mean() - p[:12].mean()
        if d > 12 * sigma and max(p[:12].std(), p[-12:].std()) < .08 * d + 1.5 * sigma:
            p = (p - a) / d
            if p.min() > -.2 and p.max() < 1.2 and len(found) < 300:
                k = np.flatnonzero((p[:-1] < .5) & (p[1:] >= .5))
                k = k[np.argmin(np.abs(k - 32))]
                found.append(np.interp(np.arange(65) + k + (.5 - p[k]) / (p[k + 1] - p[k]) - 32, np.arange(65), p))
    line = np.gradient(np.median(found, 0)) * np.hanning(65)
    m = np.abs(np.fft.rfft(line, 2048))
    m /= m[0]
    i = int(np.argmax(m < .5))
    return float((i - (.5 - m[i]) / (m[i - 1] - m[i])) / 512), len(found)


def otsu_contrast(v):
    h, e = np.histogram(v, 128, (np.quantile(v, .005), np.quantile(v, .995)))
    c, p = (e[1:] + e[:-1]) / 2, h / h.sum()
    w, m = np.cumsum(p), np.cumsum(p * c)
    with np.errstate(divide='ignore', invalid='ignore'):
        t = c[int(np.nanargmax((m[-1] * w - m) ** 2 / (w * (1 - w))))]
    return float(np.median(v[v > t]) - np.median(v[v <= t]))


def rounded(a, digits):
    return [round(float(v), digits) for v in np.ravel(a)]


x = small(24, 20)
w = small(32, 48)
# Whole numbers: scikit-image makes 16 bits of any image first.
grey = np.round(small(50, 68)).astype(int)
equalised = equalize_adapthist((grey - grey.min()).astype(np.uint16), kernel_size=(6, 8), clip_limit=.03)
parts = pywt.wavedec2(w, 'db4', mode='periodization', level=2)
parts = [parts[0]] + [tuple(pywt.threshold(d, 30, 'soft') for d in p) for p in parts[1:]]
out = dict(
    gaussian=rounded(nd.gaussian_filter(x, 1.2), 3),
    gradient=rounded(np.hypot(nd.gaussian_filter(x, 1.5, (0, 1)), nd.gaussian_filter(x, 1.5, (1, 0))), 3),
    median=rounded(nd.median_filter(x, 5), 3),
    bilateral=rounded(bilateral(x, 2, 50, 6), 2),
    nonLocalMeans=rounded(non_local_means(x, 20, 23), 2),
    totalVariation=rounded(denoise_tv_chambolle(x.astype(float), weight=30, eps=0, max_num_iter=40), 3),
    clahe=rounded(grey.min() + equalised * np.ptp(grey), 3),
    wavelet=rounded(pywt.waverec2(parts, 'db4', mode='periodization'), 3),
)
c = ct()
m = soft(c)
s = mode(c, m)
y = nd.gaussian_filter(c, 1)
half = (c - .5 * (c - y)).astype(np.float32)
a, b = structure(c, half, m)
out['ct'] = dict(first=rounded(c[128, 100:108], 3), maskPixels=int(m.sum()), mode=s, blocks=float(np.quantile(block_deviations(c, m, .98), .25) * 1.16),
                 map=rounded(noise_map(c, m, s)[16::32, 16::32], 3), residualStructure=a, edgeRatio=b,
                 psnr=float(10 * np.log10(400 ** 2 / ((np.clip(c, -160, 240) - np.clip(y, -160, 240)).astype(float) ** 2).mean())),
                 ssim=float(structural_similarity(np.clip(c, -160, 240).astype(float), np.clip(y, -160, 240).astype(float), data_range=400,
                                                  gaussian_weights=True, sigma=1.5, use_sample_covariance=False)))
full, cut = mr(128), mr(72)
mask, cut_mask = body(full), body(cut)
air = full[~nd.binary_dilation(mask, iterations=8)]
masked = np.where(nd.binary_dilation(body(cut), iterations=4), cut, 0).astype(np.float32)
k_sigma, support = k_space_sigma(masked, body(masked))
out['mr'] = dict(first=rounded(full[64, 30:38], 3), maskPixels=int(mask.sum()), airPixels=int(air.size), background=float(np.median(air) / 1.1774),
                 laplacian=laplace(full, mask), cutFirst=rounded(cut[64, 30:38], 3), cutLaplacian=laplace(cut, cut_mask), kSpace=k_sigma, support=support)
t = torso()
m, g = soft(t), nd.gaussian_filter(t, 2)
tissue, fat = [nd.binary_erosion((g > a) & (g < b), iterations=2) for a, b in ((0, 150), (-130, -60))]
h = np.histogram(np.clip(t[m], -160, 240), 256, (-160, 240))[0] / m.sum()
out['quality'] = dict(first=rounded(t[128, 100:108], 3), contrast=float(np.median(t[tissue]) - np.median(t[fat])), entropy=float(-(h[h > 0] * np.log2(h[h > 0])).sum()),
                      noiseFrequency=noise_frequency(t, disc(256, 78)), edges=edge_frequency(t, 12), streaks=streak_index(t, m), mrContrast=otsu_contrast(full[mask]))
with open(os.path.join(os.path.dirname(__file__), 'cases', 'reference.json'), 'w') as f:
    json.dump(out, f, separators=(',', ':'))
    f.write('\n')
