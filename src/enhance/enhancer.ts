/** One interface for networks and filters: what should be taken away from a slice, or the slice on a finer grid. */
import { bilateral } from '../imaging/bilateral.js';
import { clahe } from '../imaging/clahe.js';
import { gaussian } from '../imaging/gaussian.js';
import { medianFilter } from '../imaging/median-filter.js';
import { nonLocalMeans } from '../imaging/non-local-means.js';
import { enlargedField } from '../imaging/padding.js';
import { backProjected, upsampled, zeroFilled } from '../imaging/resample.js';
import type { Slice } from '../imaging/slice.js';
import { median } from '../imaging/statistics.js';
import { totalVariation } from '../imaging/total-variation.js';
import { universalThreshold, waveletThreshold } from '../imaging/wavelet.js';
import { LimpidError } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import { openNetwork } from '../inference/network.js';
import type { NoisySlice } from '../inference/network.js';

export interface Enhancer {
  /**
   * Input less the model's output, `[row][column]`, in the slice's unit; the slice is not changed. Of a card with a grid: the output
   * itself, on that grid.
   *
   * @param noise local deviation of the noise, same shape and unit
   */
  residual(slice: Slice, noise: Float32Array): Promise<Float32Array>;
  /** The same of several, at once where the model can. */
  residuals(batch: readonly NoisySlice[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

type Upsampler = (slice: Slice, scale: number, parameter: (name: string) => number) => Slice;

const upsamplers: Readonly<Record<string, Upsampler>> = {
  bicubic: (slice, scale) => upsampled(slice, scale, 'keys'),
  lanczos: (slice, scale) => upsampled(slice, scale, 'lanczos3'),
  'ct-super-resolution-x2': (slice, scale, parameter) =>
    enlargedField(slice, scale, (field) => backProjected(field, scale, parameter('rounds'))),
  'mr-super-resolution-x2': (slice, scale) => zeroFilled(slice, scale),
};

type Filter = (slice: Slice, sigma: number, parameter: (name: string) => number) => Float32Array;

const filters: Readonly<Record<string, Filter>> = {
  gaussian: (slice, _, parameter) => gaussian(slice, parameter('sigma')),
  median: (slice, _, parameter) => medianFilter(slice, parameter('radius')),
  bilateral: (slice, sigma, parameter) => bilateral(slice, parameter('sigma'), parameter('range') * sigma),
  nlm: (slice, sigma, parameter) =>
    nonLocalMeans(slice, {
      patch: parameter('patch'),
      search: parameter('search'),
      h: Math.max(parameter('h') * sigma, 1e-3),
      sigma,
    }),
  tv: (slice, sigma, parameter) =>
    totalVariation(slice, Math.max(parameter('weight') * sigma, 1e-3), parameter('iterations')),
  clahe: (slice, _, parameter) => clahe(slice, { regions: parameter('regions'), limit: parameter('limit') }),
  wavelet: (slice, sigma, parameter) =>
    waveletThreshold(slice, parameter('levels'), parameter('factor') * universalThreshold(slice, sigma)),
};

type Alone = Omit<Enhancer, 'residuals'>;

function openFilter(card: ModelCard): Alone {
  const parameter = (name: string): number => {
    const value = card.parameters[name];
    if (value === undefined) throw new LimpidError('MODEL_INVALID', `the card of ${card.id} has no parameter ${name}`);
    return value;
  };
  const { grid } = card;
  if (grid !== null) {
    const upsample = upsamplers[card.id];
    if (!upsample) throw new LimpidError('MODEL_UNKNOWN', `there is no upsampling filter ${card.id}`);
    return {
      residual: (slice) => Promise.resolve(upsample(slice, grid.scale, parameter).values),
      close: () => Promise.resolve(),
    };
  }
  const filter = filters[card.id];
  if (!filter) throw new LimpidError('MODEL_UNKNOWN', `there is no filter ${card.id}`);
  return {
    residual(slice, noise) {
      const out = filter(slice, median(noise), parameter);
      for (let i = 0; i < out.length; i++) out[i] = (slice.values[i] ?? 0) - (out[i] ?? 0);
      return Promise.resolve(out);
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Opens the model of a card.
 *
 * @param file model.onnx of a network
 * @throws LimpidError `MODEL_INVALID`: file and card do not fit; `MODEL_UNKNOWN`: no such filter
 */
export async function openEnhancer(card: ModelCard, file: string, provider: string): Promise<Enhancer> {
  if (card.kind === 'network') {
    const network = await openNetwork(card, file, provider);
    return {
      ...network,
      async residual(slice, noise) {
        const [values = new Float32Array(0)] = await network.residuals([{ slice, noise }]);
        return values;
      },
    };
  }
  const filter = openFilter(card);
  return {
    ...filter,
    residuals: (batch) => Promise.all(batch.map(({ slice, noise }) => filter.residual(slice, noise))),
  };
}
