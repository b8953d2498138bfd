/**
 * Gaussian smoothing and its derivatives, separable, with scipy.ndimage's kernels (truncated at 4 sigma) and its
 * `reflect` border (d c b a | a b c d | d c b a).
 */
import type { Slice } from './slice.js';

/** Right half of a Gaussian kernel, centre first, of unit sum; it ends at `truncate` sigma. */
export function gaussianKernel(sigma: number, truncate = 4): Float32Array {
  const radius = Math.floor(truncate * sigma + 0.5);
  const half = Float64Array.from({ length: radius + 1 }, (_, i) => Math.exp((-0.5 * i * i) / (sigma * sigma)));
  let sum = -(half[0] ?? 0);
  for (const weight of half) sum += 2 * weight;
  return Float32Array.from(half, (weight) => weight / sum);
}

/** Right half of the kernel's first derivative: antisymmetric, `sum w(i) (x(+i) - x(-i))` is the derivative. */
export function derivativeKernel(sigma: number): Float32Array {
  return gaussianKernel(sigma).map((weight, i) => (i * weight) / (sigma * sigma));
}

/** Index within 0..length-1 of a position outside, mirrored with the edge pixel repeated. */
export function reflected(position: number, length: number): number {
  const period = 2 * length;
  const at = ((position % period) + period) % period;
  return at < length ? at : period - 1 - at;
}

/**
 * Filters along the rows (horizontally) at every `step`-th column; symmetric or antisymmetric kernel given by its right half.
 *
 * @returns rows x ceil(columns / step)
 */
export function filterRows(slice: Slice, kernel: Float32Array, parity: 'even' | 'odd', step: number): Float32Array {
  const { rows, columns, values } = slice;
  const radius = kernel.length - 1;
  const width = Math.ceil(columns / step);
  const out = new Float32Array(rows * width);
  const line = new Float32Array(columns + 2 * radius);
  const centre = parity === 'even' ? kernel[0]! : 0;
  for (let r = 0; r < rows; r++) {
    line.set(values.subarray(r * columns, (r + 1) * columns), radius);
    for (let i = 1; i <= radius; i++) {
      line[radius - i] = values[r * columns + reflected(-i, columns)]!;
      line[radius + columns - 1 + i] = values[r * columns + reflected(columns - 1 + i, columns)]!;
    }
    for (let c = 0, at = r * width; c < columns; c += step, at++) {
      const middle = c + radius;
      let sum = centre * line[middle]!;
      if (parity === 'even')
        for (let i = 1; i <= radius; i++) sum += kernel[i]! * (line[middle + i]! + line[middle - i]!);
      else for (let i = 1; i <= radius; i++) sum += kernel[i]! * (line[middle + i]! - line[middle - i]!);
      out[at] = sum;
    }
  }
  return out;
}

/**
 * Filters along the columns (vertically) at every `step`-th row.
 *
 * @returns ceil(rows / step) x columns
 */
export function filterColumns(slice: Slice, kernel: Float32Array, parity: 'even' | 'odd', step: number): Float32Array {
  const { rows, columns, values } = slice;
  const radius = kernel.length - 1;
  const out = new Float32Array(Math.ceil(rows / step) * columns);
  const sign = parity === 'even' ? 1 : -1;
  for (let r = 0, to = 0; r < rows; r += step, to += columns) {
    const middle = r * columns;
    if (parity === 'even') {
      const centre = kernel[0]!;
      for (let c = 0; c < columns; c++) out[to + c] = centre * values[middle + c]!;
    }
    // Two pairs of rows at a time: half the passes over the line that is being summed.
    for (let i = 1; i <= radius; i += 2) {
      const weight = kernel[i]!;
      const below = reflected(r + i, rows) * columns;
      const above = reflected(r - i, rows) * columns;
      if (i === radius) {
        for (let c = 0; c < columns; c++) out[to + c]! += weight * (values[below + c]! + sign * values[above + c]!);
        break;
      }
      const weight2 = kernel[i + 1]!;
      const below2 = reflected(r + i + 1, rows) * columns;
      const above2 = reflected(r - i - 1, rows) * columns;
      for (let c = 0; c < columns; c++) {
        out[to + c]! +=
          weight * (values[below + c]! + sign * values[above + c]!) +
          weight2 * (values[below2 + c]! + sign * values[above2 + c]!);
      }
    }
  }
  return out;
}

/** Gaussian smoothing; `sigma` in pixels, 0 gives a copy. The slice is not changed. */
export function gaussian(slice: Slice, sigma: number, truncate = 4): Float32Array {
  if (sigma <= 0) return slice.values.slice();
  const kernel = gaussianKernel(sigma, truncate);
  const values = filterRows(slice, kernel, 'even', 1);
  return filterColumns({ rows: slice.rows, columns: slice.columns, values }, kernel, 'even', 1);
}

/** Gaussian smoothing evaluated at every `step`-th row and column: ceil(rows / step) x ceil(columns / step). */
export function gaussianAt(slice: Slice, sigma: number, step: number): Float32Array {
  const kernel = gaussianKernel(sigma);
  const values = filterRows(slice, kernel, 'even', step);
  return filterColumns({ rows: slice.rows, columns: Math.ceil(slice.columns / step), values }, kernel, 'even', step);
}

/** Magnitude of the gradient of the smoothed slice (per pixel), at every `step`-th row and column. */
export function gradientAt(slice: Slice, sigma: number, step: number): Float32Array {
  const smooth = gaussianKernel(sigma);
  const derive = derivativeKernel(sigma);
  const columns = Math.ceil(slice.columns / step);
  const shape = { rows: slice.rows, columns };
  const alongColumns = filterColumns(
    { ...shape, values: filterRows(slice, smooth, 'even', step) },
    derive,
    'odd',
    step,
  );
  const alongRows = filterColumns({ ...shape, values: filterRows(slice, derive, 'odd', step) }, smooth, 'even', step);
  for (let i = 0; i < alongRows.length; i++) alongRows[i] = Math.sqrt(alongRows[i]! ** 2 + alongColumns[i]! ** 2);
  return alongRows;
}
