import { withBorder } from './border.js';
import type { Slice } from './slice.js';

/** Median of (2 radius + 1) x (2 radius + 1) pixels; the border is mirrored. */
export function medianFilter(slice: Slice, radius: number): Float32Array {
  const { rows, columns } = slice;
  const bordered = withBorder(slice, radius);
  const size = 2 * radius + 1;
  const middle = (size * size - 1) / 2;
  const window = new Float32Array(size * size);
  const out = new Float32Array(rows * columns);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      for (let i = 0, n = 0; i < size; i++) {
        let from = (r + i) * bordered.columns + c;
        for (let j = 0; j < size; j++) window[n++] = bordered.values[from++]!;
      }
      let low = 0;
      let high = window.length - 1;
      while (low < high) {
        const pivot = window[middle]!;
        let i = low;
        let j = high;
        while (i <= j) {
          while (window[i]! < pivot) i++;
          while (window[j]! > pivot) j--;
          if (i <= j) {
            const swap = window[i]!;
            window[i++] = window[j]!;
            window[j--] = swap;
          }
        }
        if (j < middle) low = i;
        if (i > middle) high = j;
      }
      out[at] = window[middle]!;
    }
  }
  return out;
}
