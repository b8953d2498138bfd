// Own check of a derived series as a whole: no instance missing or twice, none with another's pixels (conformance 3.5, 5, 11).
import type { DataSet } from '../dicom/data-set.js';
import { readInstance } from '../dicom/file.js';
import { items, text } from '../dicom/values.js';
import type { DecodedSource } from './faults.js';
import { onSourceGrid } from './grid.js';
import type { DerivationPlan } from './plan.js';

/** Pixels at fixed places, for telling images apart: of the derived object, and of the source it should be made of. */
export interface Sample {
  readonly derived: Float32Array;
  readonly source: Float32Array;
}

/** What the series check keeps of one instance once its pixels are gone. */
export interface InstanceSummary {
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  /** SOP Instance UID that the derived object names as its source. */
  readonly source: string;
  /** Attributes that one series has in common. */
  readonly common: string;
  /** Of each of its images. */
  readonly samples: readonly Sample[];
}

const common = [
  'StudyInstanceUID',
  'SeriesNumber',
  'SeriesDescription',
  'SeriesDate',
  'SeriesTime',
  'Modality',
  'Manufacturer',
  'SoftwareVersions',
];
const places = 1024;
/** How far along the stack another slice is looked for: results are mixed up between neighbours in the pipeline. */
const reach = 16;
/** A derived slice may be nearer to another source than to its own by this much. */
const margin = 0.02;

/** Summary of a derived instance that `checkInstance` found no fault with. `derivedPixels`: its stored values. */
export function summaryOf(
  source: DecodedSource,
  derivedBytes: Uint8Array,
  derivedPixels: Int32Array,
  plan: DerivationPlan,
): InstanceSummary {
  return headerSummary(readInstance(derivedBytes).dataSet, [
    sampleOf(onSourceGrid(derivedPixels, source.description, plan), source.pixels),
  ]);
}

/** What the series check keeps of one image's pixels, both on the source's grid. */
export function sampleOf(derived: Int32Array, source: Int32Array): Sample {
  return { derived: sampled(derived), source: sampled(source) };
}

/** The same from a derived object's header, with the samples of its frames. */
export function headerSummary(dataSet: DataSet, ofImages: readonly Sample[]): InstanceSummary {
  const [frame] = items(dataSet, 'PerFrameFunctionalGroupsSequence');
  const last = frame === undefined ? undefined : items(frame, 'DerivationImageSequence').at(-1);
  const [image] = items(last ?? dataSet, 'SourceImageSequence');
  return {
    sopInstanceUid: text(dataSet, 'SOPInstanceUID') ?? '',
    seriesInstanceUid: text(dataSet, 'SeriesInstanceUID') ?? '',
    source: image === undefined ? '' : (text(image, 'ReferencedSOPInstanceUID') ?? ''),
    common: JSON.stringify(common.map((keyword) => text(dataSet, keyword))),
    samples: ofImages,
  };
}

/** Values at fixed places with mean 0 and length 1, so that a dot product is the correlation; all zero for a flat slice. */
function sampled(pixels: Int32Array): Float32Array {
  const count = Math.min(places, pixels.length);
  // A stride that shares no factor with usual widths, so that the places do not line up in columns.
  const out = Float32Array.from({ length: count }, (_, index) => pixels[(index * 2_654_435_761) % pixels.length] ?? 0);
  const mean = out.reduce((sum, value) => sum + value, 0) / count;
  const length = Math.sqrt(out.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return out.map((value) => (length === 0 ? 0 : (value - mean) / length));
}

/**
 * Faults of a whole series, `RULE: what`.
 * @param sources SOP Instance UIDs of the source instances, each of which must have one derived instance
 * @param derived in the order of the stack
 */
export function checkSeries(
  sources: readonly string[],
  derived: readonly InstanceSummary[],
  plan: DerivationPlan,
): string[] {
  const faults: string[] = [];
  const repeated = (values: readonly string[]): number => values.length - new Set(values).size;
  const expected = new Set(sources);
  if (expected.size !== sources.length) faults.push('SOURCE: the source series has an instance twice');
  if (derived.length !== expected.size)
    faults.push(`COUNT: ${derived.length} derived instances, ${expected.size} expected`);
  const twice = repeated(derived.map(({ sopInstanceUid }) => sopInstanceUid));
  if (twice > 0) faults.push(`UID: ${twice} SOP Instance UIDs are used twice`);
  const named = derived.map(({ source }) => source);
  if (repeated(named) > 0) faults.push(`SOURCE: ${repeated(named)} sources were derived twice`);
  const strange = named.filter((uid) => !expected.has(uid)).length;
  if (strange > 0) faults.push(`SOURCE: ${strange} instances name a source outside the series`);
  if (derived.some(({ seriesInstanceUid }) => seriesInstanceUid !== plan.seriesInstanceUid)) {
    faults.push('UID: an instance belongs to another series');
  }
  if (new Set(derived.map((summary) => summary.common)).size > 1)
    faults.push('SERIES: attributes of the series differ between instances');
  return [...faults, ...mixedUp(derived)];
}

function mixedUp(derived: readonly InstanceSummary[]): string[] {
  let mixed = 0;
  const all = derived.flatMap(({ samples: ofImages }) => ofImages);
  for (const [index, sample] of all.entries()) {
    const own = correlation(sample.derived, sample.source);
    const near = all.slice(Math.max(0, index - reach), index + reach + 1);
    if (near.some((other) => correlation(sample.derived, other.source) > own + margin)) mixed++;
  }
  return mixed === 0 ? [] : [`CONTENT: ${mixed} slices are nearer to another source than to their own`];
}

function correlation(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
