/** A denoising network: slice, noise map and, where it sees them, neighbours in; residual out. */
import { readFile } from 'node:fs/promises';
import { LimpidError } from '../errors.js';
import { keepEdges, keepExcess, keepLow } from '../imaging/residual.js';
import { times } from '../imaging/slice.js';
import type { Slice } from '../imaging/slice.js';
import type { ModelCard } from './card.js';
import { modelSha256 } from './identity.js';
import { planesOf } from './planes.js';
import { openSession } from './session.js';
import { cutWindow, tilesOf } from './tiles.js';
import type { Tile } from './tiles.js';

/** The slices on either side of one, of its shape; null: there is none, and the slice itself stands for it. */
export interface Neighbours {
  readonly before: Float32Array | null;
  readonly after: Float32Array | null;
  /** From their units to the slice's, where each slice has a scale of its own, as in MR; absent: they have its unit. */
  readonly factors?: { readonly before: number; readonly after: number };
}

/** A slice and the local deviation of its noise, same shape and unit. */
export interface NoisySlice {
  readonly slice: Slice;
  readonly noise: Float32Array;
  /** Looked at by networks that see three slices. */
  readonly neighbours?: Neighbours;
}

export interface Network {
  /** Input less output of each, in the slices' unit. Slices of one shape that need no tiles go through the graph together. */
  residuals(batch: readonly NoisySlice[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** A plane times `factor`, its last row and column repeated up to `height` x `width`. */
function fillPlane(
  values: Float32Array,
  { rows, columns }: Slice,
  { low, high, factor }: { readonly low: number; readonly high: number; readonly factor: number },
  out: Float32Array,
  width: number,
): void {
  for (let to = 0, r = 0; to < out.length; to += width, r++) {
    const from = Math.min(r, rows - 1) * columns;
    for (let c = 0; c < width; c++) {
      const value = values[from + (c < columns ? c : columns - 1)] ?? 0;
      out[to + c] = (value < low ? low : value > high ? high : value) * factor;
    }
  }
}

/**
 * Fills the network's input: plane 0 the slice within `range`, plane 1 the noise map; of three slices plane 2 the one before and plane
 * 3 the one after, within `range`. All are divided by `scale`; the last row and column are repeated up to `height` x `width`.
 */
export function fillInput(
  { slice, noise, neighbours }: NoisySlice,
  input: NonNullable<ModelCard['input']>,
  height: number,
  width: number,
  out: Float32Array,
): void {
  const factor = 1 / input.scale;
  /** The range of the input, of a plane that is `unit` times less than the slice's unit. */
  const limitsIn = (unit: number) => ({
    low: (input.range?.atLeast ?? Number.NEGATIVE_INFINITY) / unit,
    high: (input.range?.atMost ?? Number.POSITIVE_INFINITY) / unit,
    factor: factor * unit,
  });
  const limits = limitsIn(1);
  const unlimited = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, factor };
  const size = height * width;
  const plane = (at: number): Float32Array => out.subarray(at * size, (at + 1) * size);
  fillPlane(slice.values, slice, limits, plane(0), width);
  fillPlane(noise, slice, unlimited, plane(1), width);
  if (input.slices === 1) return;
  for (const [at, side] of (['before', 'after'] as const).entries()) {
    const beside = neighbours?.[side] ?? null;
    const unit = beside === null ? 1 : (neighbours?.factors?.[side] ?? 1);
    fillPlane(beside ?? slice.values, slice, limitsIn(unit), plane(2 + at), width);
  }
}

function isAllFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** A window of a slice, of its noise and of its neighbours. */
function windowOf({ slice, noise, neighbours }: NoisySlice, window: Tile['window']): NoisySlice {
  const part = (values: Float32Array): Float32Array => cutWindow(values, slice.columns, window);
  const { before = null, after = null } = neighbours ?? {};
  return {
    slice: { rows: window.rows, columns: window.columns, values: part(slice.values) },
    noise: part(noise),
    neighbours: { ...neighbours, before: before && part(before), after: after && part(after) },
  };
}

/** Slices of one shape that follow each other together, in their order. */
function runsOf(batch: readonly NoisySlice[]): [NoisySlice, ...NoisySlice[]][] {
  const runs: [NoisySlice, ...NoisySlice[]][] = [];
  for (const each of batch) {
    const last = runs.at(-1);
    const { rows, columns } = each.slice;
    if (last?.[0].slice.rows === rows && last[0].slice.columns === columns) last.push(each);
    else runs.push([each]);
  }
  return runs;
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
  const planes = planesOf(input);
  let buffer = new Float32Array(0);
  /** Input, as the network saw it, less output: of one window of each slice; all windows have the same shape. */
  const residualsOf = async (batch: readonly NoisySlice[]): Promise<Float32Array[]> => {
    const { rows, columns } = batch[0]?.slice ?? { rows: 0, columns: 0 };
    const height = Math.ceil(rows / input.multipleOf) * input.multipleOf;
    const width = Math.ceil(columns / input.multipleOf) * input.multipleOf;
    const plane = height * width;
    const each = planes * plane;
    if (buffer.length !== each * batch.length) buffer = new Float32Array(each * batch.length);
    for (const [i, noisy] of batch.entries()) {
      fillInput(noisy, input, height, width, buffer.subarray(each * i, each * (i + 1)));
    }
    const output = await session.run(input.input, input.output, buffer, [batch.length, planes, height, width]);
    if (output.length !== plane * batch.length) {
      const wanted = `${batch.length} of ${height} x ${width}`;
      throw new LimpidError(
        'MODEL_INVALID',
        `${id} answers ${wanted} with ${output.length} values, not one for each pixel`,
      );
    }
    // Infinity would be clipped to the limit of a pixel's change, and look like a speck.
    if (!isAllFinite(output))
      throw new LimpidError('MODEL_FAILED', `${id} answers ${rows} x ${columns} with values that are no number`);
    return batch.map((_, i) => {
      const values = new Float32Array(rows * columns);
      for (let r = 0, at = 0; r < rows; r++) {
        const seen = each * i + r * width;
        const given = plane * i + r * width;
        for (let c = 0; c < columns; c++, at++) {
          values[at] = (buffer[seen + c]! - output[given + c]!) * input.scale;
        }
      }
      return values;
    });
  };
  const tiledResidual = async (noisy: NoisySlice, tiles: readonly Tile[]): Promise<Float32Array> => {
    const { columns, values: whole } = noisy.slice;
    const out = new Float32Array(whole.length);
    for (const { window, kept } of tiles) {
      const [values = new Float32Array(0)] = await residualsOf([windowOf(noisy, window)]);
      for (let r = 0; r < kept.rows; r++) {
        const from = (kept.top - window.top + r) * window.columns + kept.left - window.left;
        out.set(values.subarray(from, from + kept.columns), (kept.top + r) * columns + kept.left);
      }
    }
    return out;
  };
  const { keptSigma, keptShare, edgeSigma, edgeWindow, edgeNoise, mapGain = 1 } = card.parameters;
  const { excessWindow, excessFrom, excessTo } = card.parameters;
  /** Puts back what is no noise. */
  const keep = (values: Float32Array, { slice, noise }: NoisySlice): void => {
    const residual = { ...slice, values };
    if (keptSigma !== undefined && keptShare !== undefined) keepLow(residual, keptSigma, keptShare);
    if (edgeSigma !== undefined && edgeWindow !== undefined && edgeNoise !== undefined) {
      keepEdges(residual, slice, noise, { sigma: edgeSigma, window: edgeWindow, noise: edgeNoise });
    }
    if (excessWindow !== undefined && excessFrom !== undefined && excessTo !== undefined) {
      keepExcess(residual, noise, { window: excessWindow, from: excessFrom, to: excessTo });
    }
  };
  return {
    async residuals(batch) {
      const told = batch.map((noisy) => (mapGain === 1 ? noisy : { ...noisy, noise: times(noisy.noise, mapGain) }));
      const out: Float32Array[] = [];
      for (const run of runsOf(told)) {
        const [{ slice }] = run;
        const tiles = tilesOf(slice.rows, slice.columns, input.tile, input.multipleOf);
        if (tiles.length === 1) out.push(...(await residualsOf(run)));
        else for (const each of run) out.push(await tiledResidual(each, tiles));
      }
      for (const [i, values] of out.entries()) keep(values, batch[i]!);
      return out;
    },
    close: () => session.close(),
  };
}
