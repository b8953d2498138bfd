// Which slice a model's output belongs to, and which neighbours it saw, proved by its input: slices that lie side by side look so much
// alike that no figure of their pixels would tell an exchange.
import { crc32 } from 'node:zlib';
import type { Neighbours } from '../inference/network.js';

/** What a model has made of one slice, on its way back to it. */
export interface ModelOutput {
  readonly residual: Float32Array;
  /** Fingerprint of the input, as it was when the model had done with it. */
  readonly of: number;
  /** Fingerprints of the slices beside it, likewise; null: there was none. */
  readonly beside: Beside;
}

/** Fingerprints of the values of neighbours. */
export interface Beside {
  readonly before: number | null;
  readonly after: number | null;
}

/** Fingerprint of a slice: every bit of its values. */
export function fingerprintOfValues(values: Float32Array): number {
  return crc32(bytesOf(values));
}

/** Fingerprint of a model's input: every bit of the image and of its noise map. @param values fingerprint of the image */
export function fingerprintOfInput(values: number, map: Float32Array): number {
  return crc32(bytesOf(map), values);
}

/** What a model has seen, read from its input. */
export function fingerprintsOf(
  values: Float32Array,
  map: Float32Array,
  { before, after }: Neighbours,
): Omit<ModelOutput, 'residual'> {
  return {
    of: fingerprintOfInput(fingerprintOfValues(values), map),
    beside: { before: before && fingerprintOfValues(before), after: after && fingerprintOfValues(after) },
  };
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
