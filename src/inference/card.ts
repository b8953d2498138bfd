/** The model card: what `models/<id>/model.yaml` says of one network or filter. */
import { z } from 'zod';
import { printableText } from '../conditions/printable.js';
import { compileUse } from './intended-use.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const range = z
  .strictObject({ atLeast: z.number(), atMost: z.number() })
  .refine(({ atLeast, atMost }) => atLeast <= atMost, { message: 'atLeast must not be above atMost' });

const noiseRanges = z.partialRecord(z.enum(['CT', 'MR', 'US']), range);

/** How the noise-adaptive factor min(1, max(0, (noise - a) / b)) reads for one modality. */
const noiseScale = z.strictObject({
  /** At this noise and below, nothing is done. */
  a: z.number().min(0),
  /** From a + b on, the whole strength. */
  b: z.number().positive(),
  /** GREY: stored values of ultrasound. PERMILLE: of the slice's 99.5th percentile (MR has no unit of its own). */
  unit: z.enum(['HU', 'PERMILLE', 'GREY']),
});

/** Words that stand in derived objects: they hold in every character set, and are one value. */
const printed = (longest: number) => z.string().max(longest).regex(printableText, 'ASCII without backslash');
const code = z.strictObject({ value: printed(16), scheme: printed(16), meaning: printed(64) });

/** Parameters of networks that have no meaning without each other. */
const groups = [
  ['keptSigma', 'keptShare'],
  ['edgeSigma', 'edgeWindow', 'edgeNoise'],
  ['excessWindow', 'excessFrom', 'excessTo'],
] as const;

/**
 * What parameters of networks may be: Gaussians in pixels, shares, and multiples of the noise. A Gaussian of a million pixels would
 * keep a thread until the deadline.
 */
const most: Readonly<Record<string, number>> = {
  keptSigma: 64,
  keptShare: 1,
  edgeSigma: 64,
  edgeWindow: 64,
  edgeNoise: 100,
  excessWindow: 64,
  excessFrom: 100,
  excessTo: 100,
  loudFrom: 100,
  mapGain: 100,
};

/** What a network may have in `parameters`; filters have numbers of their own. */
export const networkParameters: readonly string[] = Object.keys(most);

const fields = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,32}$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  kind: z.enum(['network', 'filter']),
  task: z.enum(['denoise', 'super-resolution', 'contrast']),
  /** The finer grid of super-resolution, and where its pixels lie on the source's (conformance: geometry for super-resolution); null: the source's grid. */
  grid: z
    .strictObject({
      scale: z.union([z.literal(2), z.literal(4)]),
      sampling: z.enum(['half_pixel', 'align_corners', 'asymmetric']),
    })
    .nullable()
    .default(null),
  /** CR, DX and XA are projection images, no class of which is enhanced yet. */
  modality: z.array(z.enum(['CT', 'MR', 'US', 'CR', 'DX', 'XA'])).min(1),
  /** Of model.onnx; of a filter: SHA-256 of `filter:` + id + LF + version. */
  sha256,
  /** How the network takes a slice; null for filters. */
  input: z
    .strictObject({
      /**
       * ONNX names; x is [n, 2, h, w]: image and noise map, both divided by `scale`; with three `slices` [n, 4, h, w]: then the slice
       * before and the slice after. y is [n, 1, h, w], divided likewise.
       */
      input: z.string(),
      output: z.string(),
      /** 3: the network sees the neighbours on either side of a slice as well; one that is missing is the slice itself once more. */
      slices: z.union([z.literal(1), z.literal(3)]).default(1),
      /** How far a neighbour lies along the normal, mm; what is nearer or farther is none. Null with one slice. */
      neighbourMm: range.nullable().default(null),
      scale: z.number().positive(),
      /** h and w must be multiples of this; slices are padded by repeating their edge. */
      multipleOf: z.int().min(1).max(512),
      /** Values are limited to this range before the network, in the modality's unit; null: not limited. */
      range: range.nullable(),
      /** Slices with more rows or columns than `side` are cut into tiles that see `halo` pixels more; null: never. */
      tile: z
        .strictObject({ side: z.int().min(64), halo: z.int().min(0).max(512) })
        .nullable()
        .default(null),
    })
    .refine(({ slices, neighbourMm }) => (slices === 3) === (neighbourMm !== null), {
      path: ['neighbourMm'],
      message: 'three slices need it, one slice has no use for it',
    })
    .nullable(),
  /**
   * The filter's own numbers; part of a task's settings. Of networks `keptSigma` (pixels) and `keptShare`: this share of the residual's
   * low frequencies always stays in the image, where noise has little power and faint lesions have much; `edgeSigma`, `edgeWindow`
   * (pixels) and `edgeNoise` (sigmas): what the residual took from edges that are stronger goes back; `excessWindow` (pixels),
   * `excessFrom` and `excessTo` (sigmas): where the residual has more power than noise explains, less of it is taken away from the one
   * on, nothing from the other on; `loudFrom` (multiples of the slice's noise, 1 at least): where the local noise is louder, the share that
   * is taken away grows with it, up to `mostBlend`; `mapGain`: the network is told this many times the measured noise, where the measure reads a grain
   * that is coarse for its windows too low.
   */
  parameters: z
    .record(z.string(), z.number())
    .refine((numbers) => groups.every((names) => new Set(names.map((name) => name in numbers)).size === 1), {
      message: `all of a group or none: ${groups.join('; ')}`,
    })
    .superRefine((numbers, context) => {
      for (const [name, value] of Object.entries(numbers)) {
        const limit = most[name];
        if (limit !== undefined && !(value >= 0 && value <= limit))
          context.addIssue({ code: 'custom', path: [name], message: `from 0 to ${limit}` });
      }
    })
    .refine(({ loudFrom = 1 }) => loudFrom >= 1, { path: ['loudFrom'], message: 'from 1 on' })
    .refine(({ excessFrom = 0, excessTo = Number.POSITIVE_INFINITY }) => excessFrom < excessTo, {
      message: 'excessTo must be above excessFrom',
    }),
  /** Share of the noise; 0 for super-resolution and contrast, which have no strength. */
  defaultStrength: z.number().min(0).max(0.75),
  noise: z.partialRecord(z.enum(['CT', 'MR', 'US']), noiseScale),
  /** Blend at most: beyond it the result looks painted where the noise is overestimated. */
  mostBlend: z.number().min(0).max(1),
  /**
   * Blends above `mostBlend` for series that are noise through and through: where the whole residual leaves at most `from` of the measured
   * noise, up to `most`; from `to` on none, between the two in proportion. What it leaves more of was fine structure in part. Null: never.
   */
  evenBlend: z
    .strictObject({ most: z.number().min(0).max(1), from: z.number().min(0).max(1), to: z.number().min(0).max(1) })
    .refine(({ from, to }) => from < to, { path: ['to'], message: 'to must be above from' })
    .nullable()
    .default(null),
  /** Blend where the noise cannot be measured; null: the task is skipped then. */
  fixedBlend: z.number().min(0).max(1).nullable(),
  /** Order in which `with: auto` tries the models that fit a series; null: never taken by itself. */
  rank: z.int().min(1).nullable().default(null),
  intendedUse: z.strictObject({
    says: z.string(),
    /** Noise in the unit of `noise`, by modality; absent: any. Only `with: auto` asks: else the noise is known too late. */
    noise: noiseRanges.optional(),
    /**
     * What headers must say, as a rule's `when`; absent: nothing. A missing attribute makes a test false: where it may be missing,
     * the condition says so (`exists: false`) or is a `not`.
     */
    conditions: z
      .record(z.string(), z.unknown())
      .superRefine((conditions, context) =>
        compileUse(conditions, (path, message) => context.addIssue({ code: 'custom', path: [...path], message })),
      )
      .optional(),
    /** Younger patients: PAEDIATRIC. Null: no limit. */
    minimumAgeYears: z.number().nullable(),
    minimumSlices: z.int().min(1),
    sliceThicknessMm: range.nullable(),
    pixelSpacingMm: range.nullable(),
    magneticFieldStrengthT: range.nullable(),
    /** Rows and Columns each. */
    matrix: range,
  }),
  /** A result beyond these is withheld; null: the limit does not apply. */
  limits: z.strictObject({
    /** Absolute mean shift over the tissue before it is corrected, in the unit of `noise`. */
    meanShift: z.number().positive().nullable(),
    /** Residual structure index: correlation of what was taken away with edges of the output. */
    residualStructure: z.number().nullable(),
    /** Strongest periodic pattern (line pairs, stripes) that was taken away: root mean square, in deviations of the local noise. */
    periodicPattern: z.number().positive().nullable().optional(),
    /**
     * Largest change that is wider than grain (what a Gaussian of 4 pixels leaves of it), in deviations of the local noise: a spot that is drawn or
     * wiped out. A card that does not say is held to 0.8.
     */
    smoothChange: z.number().positive().nullable().default(0.8),
    /** Difference of the result, brought back to the source's grid, from the source: root mean square, in the unit of `noise`. */
    sourceAgain: z.number().positive().nullable().optional(),
    /** Noise after over noise before, at least. */
    noiseRatio: z.number().min(0).max(1).nullable(),
  }),
  maker: printed(64),
  /** What its maker answers for: PRODUCT where it is cleared for clinical use. Objects say PRODUCT only where the site says so too. */
  qualification: z.enum(['RESEARCH', 'PRODUCT']).default('RESEARCH'),
  /** What it does, in words: `noise reduction`. */
  words: printed(200),
  mark: z.enum(['DN', 'SR2x', 'SR4x', 'DSP', 'CE']),
  /** Derivation codes of the step. */
  codes: z.array(code).min(1),
  licence: z.string(),
  training: z.string().nullable(),
  /** Output of the model for the input of `probeInput`, to test a port or a provider; null for filters. */
  probe: z.strictObject({ mean: z.number(), deviation: z.number(), row16: z.array(z.number()).length(8) }).nullable(),
});

export const modelCard = fields.refine(
  ({ mostBlend, evenBlend }) => evenBlend === null || evenBlend.most >= mostBlend,
  {
    path: ['evenBlend', 'most'],
    message: 'most must not be below mostBlend',
  },
);

/** A card as read; `modality` lists what it may be used for. */
export type ModelCard = Readonly<z.infer<typeof modelCard>>;

/** JSON Schema of `model.yaml`, for editors and for sites that add a model of their own. */
export function modelJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(modelCard, { io: 'input' }), title: 'limpid model card' };
}
