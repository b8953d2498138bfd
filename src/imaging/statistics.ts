/** Order statistics and correlation of samples. Samples are not changed. */

/** Puts the k-th smallest value at k, smaller ones before it, larger ones behind (Hoare's selection); changes `sample`. */
function select(sample: Float32Array, k: number): number {
  let low = 0;
  let high = sample.length - 1;
  while (low < high) {
    const pivot = sample[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (sample[i]! < pivot) i++;
      while (sample[j]! > pivot) j--;
      if (i <= j) {
        const swap = sample[i]!;
        sample[i++] = sample[j]!;
        sample[j--] = swap;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return sample[k]!;
}

/** The `q`-quantile (0..1) with linear interpolation between order statistics, as numpy's; NaN for an empty sample. */
export function quantile(sample: Float32Array, q: number): number {
  if (sample.length === 0) return Number.NaN;
  const copy = sample.slice();
  const position = q * (copy.length - 1);
  const k = Math.floor(position);
  const value = select(copy, k);
  if (position === k) return value;
  let next = Number.POSITIVE_INFINITY;
  for (let i = k + 1; i < copy.length; i++) if (copy[i]! < next) next = copy[i]!;
  return value + (position - k) * (next - value);
}

/** The middle value; NaN for an empty sample. */
export function median(sample: Float32Array): number {
  return quantile(sample, 0.5);
}

/** Deviation of a Gaussian with the sample's median absolute deviation (1.4826 x MAD). */
export function robustDeviation(sample: Float32Array): number {
  const middle = median(sample);
  const distances = new Float32Array(sample.length);
  for (let i = 0; i < sample.length; i++) distances[i] = Math.abs(sample[i]! - middle);
  return 1.4826 * median(distances);
}

/** Mean and standard deviation (of the whole sample, not an estimate for a larger one). */
export function meanAndDeviation(sample: Float32Array): { mean: number; deviation: number } {
  let sum = 0;
  for (let i = 0; i < sample.length; i++) sum += sample[i]!;
  const mean = sum / sample.length;
  let squares = 0;
  for (let i = 0; i < sample.length; i++) squares += (sample[i]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / sample.length) };
}

/** Pearson's correlation of two samples of one length; 0 where one of them does not vary. */
export function correlation(a: Float32Array, b: Float32Array): number {
  const first = meanAndDeviation(a);
  const second = meanAndDeviation(b);
  if (!(first.deviation > 1e-9 && second.deviation > 1e-9)) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - first.mean) * (b[i]! - second.mean);
  return sum / (a.length * first.deviation * second.deviation);
}

/** The values where `mask` is not 0, in order. */
export function masked(values: Float32Array, mask: Uint8Array): Float32Array {
  const out = new Float32Array(values.length);
  let length = 0;
  for (let i = 0; i < values.length; i++) if (mask[i]! !== 0) out[length++] = values[i]!;
  return out.subarray(0, length);
}
