// Which slice a model's output belongs to, proved by its input: slices that lie side by side look so much alike that no figure of their
// pixels would tell an exchange.
import { crc32 } from 'node:zlib';

/** What a model has made of one slice, on its way back to it. */
export interface ModelOutput {
  readonly residual: Float32Array;
  /** Fingerprint of the input, as it was when the model had done with it. */
  readonly of: number;
}

/** Fingerprint of a model's input: every bit of the image and of its noise map. */
export function fingerprintOf(values: Float32Array, map: Float32Array): number {
  return crc32(bytesOf(map), crc32(bytesOf(values)));
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
