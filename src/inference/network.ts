/** A denoising network: slice and noise map in, residual out. */
import { readFile } from 'node:fs/promises';
import { LimpidError } from '../errors.js';
import { gaussian } from '../imaging/gaussian.js';
import type { Slice } from '../imaging/slice.js';
import type { ModelCard } from './card.js';
import { modelSha256 } from './identity.js';
import { openSession } from './session.js';
import { tilesOf } from './tiles.js';
import type { Tile } from './tiles.js';

export interface Network {
  /** Input less output, in the slice's unit. */
  residual(slice: Slice, noise: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Fills the network's input: plane 0 the slice within `range`, plane 1 the noise map, both divided by `scale`, the last row
 * and column repeated up to `height` x `width`.
 */
export function fillInput(
  slice: Slice,
  noise: Float32Array,
  input: NonNullable<ModelCard['input']>,
  height: number,
  width: number,
  out: Float32Array,
): void {
  const { rows, columns, values } = slice;
  const low = input.range?.atLeast ?? Number.NEGATIVE_INFINITY;
  const high = input.range?.atMost ?? Number.POSITIVE_INFINITY;
  const factor = 1 / input.scale;
  const plane = height * width;
  for (let r = 0; r < height; r++) {
    const from = Math.min(r, rows - 1) * columns;
    const to = r * width;
    for (let c = 0; c < width; c++) {
      const at = from + (c < columns ? c : columns - 1);
      const value = values[at] ?? 0;
      out[to + c] = (value < low ? low : value > high ? high : value) * factor;
      out[plane + to + c] = (noise[at] ?? 0) * factor;
    }
  }
}

/** A window of a plane. */
function cut(values: Float32Array, stride: number, { top, left, rows, columns }: Tile['window']): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const from = (top + r) * stride + left;
    out.set(values.subarray(from, from + columns), r * columns);
  }
  return out;
}

/** Takes `share` of what lies below about 1 / (2 pi `sigma`) cycles per pixel out of a residual, in place: it stays in the image. */
export function keepLow(residual: Slice, sigma: number, share: number): void {
  const low = gaussian(residual, sigma, 3);
  for (let i = 0; i < low.length; i++) residual.values[i]! -= share * low[i]!;
}

/**
 * Opens the network of a card.
 *
 * @throws LimpidError `MODEL_INVALID`: the file is missing or not the one that the card names by its SHA-256
 */
export async function openNetwork(card: ModelCard, file: string, provider: string): Promise<Network> {
  const { input, id } = card;
  if (input === null) throw new LimpidError('MODEL_INVALID', `the card of ${id} has no input`);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new LimpidError('MODEL_INVALID', `model.onnx of ${id} cannot be read`, { cause: error });
  }
  if (modelSha256(bytes) !== card.sha256) {
    throw new LimpidError('MODEL_INVALID', `model.onnx of ${id} is not the file that its card names`);
  }
  const session = await openSession(bytes, provider);
  let buffer = new Float32Array(0);
  /** Input, as the network saw it, less output: of one window of a slice. */
  const residualOf = async (slice: Slice, noise: Float32Array): Promise<Slice> => {
    const { rows, columns } = slice;
    const height = Math.ceil(rows / input.multipleOf) * input.multipleOf;
    const width = Math.ceil(columns / input.multipleOf) * input.multipleOf;
    if (buffer.length !== 2 * height * width) buffer = new Float32Array(2 * height * width);
    fillInput(slice, noise, input, height, width, buffer);
    const output = await session.run(input.input, input.output, buffer, [1, 2, height, width]);
    const values = new Float32Array(rows * columns);
    for (let r = 0, at = 0; r < rows; r++) {
      const line = r * width;
      for (let c = 0; c < columns; c++, at++) {
        values[at] = ((buffer[line + c] ?? 0) - (output[line + c] ?? 0)) * input.scale;
      }
    }
    return { rows, columns, values };
  };
  const wholeResidual = async (slice: Slice, noise: Float32Array): Promise<Float32Array> => {
    const { rows, columns } = slice;
    const tiles = tilesOf(rows, columns, input.tile, input.multipleOf);
    if (tiles.length === 1) return (await residualOf(slice, noise)).values;
    const out = new Float32Array(slice.values.length);
    for (const { window, kept } of tiles) {
      const part = { rows: window.rows, columns: window.columns, values: cut(slice.values, columns, window) };
      const { values } = await residualOf(part, cut(noise, columns, window));
      for (let r = 0; r < kept.rows; r++) {
        const from = (kept.top - window.top + r) * window.columns + kept.left - window.left;
        out.set(values.subarray(from, from + kept.columns), (kept.top + r) * columns + kept.left);
      }
    }
    return out;
  };
  const { keptSigma, keptShare, mapGain = 1 } = card.parameters;
  return {
    async residual(slice, noise) {
      const told = mapGain === 1 ? noise : noise.map((value) => mapGain * value);
      const values = await wholeResidual(slice, told);
      if (keptSigma !== undefined && keptShare !== undefined) keepLow({ ...slice, values }, keptSigma, keptShare);
      return values;
    },
    close: () => session.close(),
  };
}
