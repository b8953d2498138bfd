/** Discrete Fourier transforms of any length: radix 2, and Bluestein's chirp for other lengths. */

/** Transforms `re`, `im` in place, unnormalised: forward sum x(n) exp(-2 pi i k n / length). */
export type Transform = (re: Float64Array, im: Float64Array) => void;

function radix2(length: number): Transform {
  const cosines = Float64Array.from({ length: length / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const sines = Float64Array.from({ length: length / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / length));
  const bits = Math.log2(length);
  const order = Int32Array.from({ length }, (_, i) => {
    let out = 0;
    for (let b = 0; b < bits; b++) out |= ((i >> b) & 1) << (bits - 1 - b);
    return out;
  });
  return (re, im) => {
    for (let i = 0; i < length; i++) {
      const j = order[i]!;
      if (j <= i) continue;
      const a = re[i]!;
      re[i] = re[j]!;
      re[j] = a;
      const b = im[i]!;
      im[i] = im[j]!;
      im[j] = b;
    }
    for (let size = 2; size <= length; size *= 2) {
      const half = size / 2;
      const stride = length / size;
      for (let start = 0; start < length; start += size) {
        for (let k = 0, t = 0, i = start, j = start + half; k < half; k++, t += stride, i++, j++) {
          const c = cosines[t]!;
          const s = sines[t]!;
          const a = re[j]! * c + im[j]! * s;
          const b = im[j]! * c - re[j]! * s;
          re[j] = re[i]! - a;
          im[j] = im[i]! - b;
          re[i]! += a;
          im[i]! += b;
        }
      }
    }
  };
}

function bluestein(length: number): Transform {
  const padded = 2 ** Math.ceil(Math.log2(2 * length - 1));
  const inner = radix2(padded);
  const cosines = new Float64Array(length);
  const sines = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const angle = (Math.PI * ((i * i) % (2 * length))) / length;
    cosines[i] = Math.cos(angle);
    sines[i] = Math.sin(angle);
  }
  const chirpRe = new Float64Array(padded);
  const chirpIm = new Float64Array(padded);
  for (let i = 0; i < length; i++) {
    chirpRe[i] = cosines[i]!;
    chirpIm[i] = sines[i]!;
    if (i > 0) {
      chirpRe[padded - i] = cosines[i]!;
      chirpIm[padded - i] = sines[i]!;
    }
  }
  inner(chirpRe, chirpIm);
  const a = new Float64Array(padded);
  const b = new Float64Array(padded);
  return (re, im) => {
    a.fill(0);
    b.fill(0);
    for (let i = 0; i < length; i++) {
      a[i] = re[i]! * cosines[i]! + im[i]! * sines[i]!;
      b[i] = im[i]! * cosines[i]! - re[i]! * sines[i]!;
    }
    inner(a, b);
    for (let i = 0; i < padded; i++) {
      const real = a[i]! * chirpRe[i]! - b[i]! * chirpIm[i]!;
      const imaginary = a[i]! * chirpIm[i]! + b[i]! * chirpRe[i]!;
      a[i] = real;
      b[i] = -imaginary; // conjugated: a forward transform of it is the inverse's conjugate
    }
    inner(a, b);
    for (let i = 0; i < length; i++) {
      const real = a[i]! / padded;
      const imaginary = -b[i]! / padded;
      re[i] = real * cosines[i]! + imaginary * sines[i]!;
      im[i] = imaginary * cosines[i]! - real * sines[i]!;
    }
  };
}

/** Makes the transform of one length; reuse it for many lines. */
export function openTransform(length: number): Transform {
  if (length < 2) return () => undefined;
  return Number.isInteger(Math.log2(length)) ? radix2(length) : bluestein(length);
}

/** A complex plane, `[row][column]`. */
export interface Plane {
  readonly rows: number;
  readonly columns: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** Transforms a plane in place along both axes; the inverse is normalised by 1 / (rows x columns). */
export function transformPlane(plane: Plane, direction: 'forward' | 'inverse'): void {
  const { rows, columns } = plane;
  // The inverse is the forward transform with real and imaginary parts changed over.
  const re = direction === 'forward' ? plane.re : plane.im;
  const im = direction === 'forward' ? plane.im : plane.re;
  const alongRow = openTransform(columns);
  for (let r = 0; r < rows; r++) {
    alongRow(re.subarray(r * columns, (r + 1) * columns), im.subarray(r * columns, (r + 1) * columns));
  }
  const alongColumn = openTransform(rows);
  const a = new Float64Array(rows);
  const b = new Float64Array(rows);
  for (let c = 0; c < columns; c++) {
    for (let r = 0, at = c; r < rows; r++, at += columns) {
      a[r] = re[at]!;
      b[r] = im[at]!;
    }
    alongColumn(a, b);
    for (let r = 0, at = c; r < rows; r++, at += columns) {
      re[at] = a[r]!;
      im[at] = b[r]!;
    }
  }
  if (direction === 'inverse') {
    const scale = 1 / (rows * columns);
    for (let i = 0; i < re.length; i++) {
      re[i]! *= scale;
      im[i]! *= scale;
    }
  }
}
