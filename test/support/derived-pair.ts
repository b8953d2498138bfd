// What is derived of simulated images, for tests that prove the conformance rules' rows; and the form of such tests.
import { describe, expect, it } from '@jest/globals';
import type { DataSet } from '../../src/dicom/data-set.js';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { find, items } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import type { DecodedSource } from '../../src/derive/faults.js';
import { onNewGrid } from '../../src/derive/grid.js';
import type { DerivationPlan, Sampling } from '../../src/derive/plan.js';
import { rules } from './conformance-rules.js';
import { described, planFor, syntheticCt } from './derivation.js';
import { derivedObject } from './derived-object.js';
import { enhancedCt } from './enhanced-ct.js';
import type { Planted } from './planted-faults.js';

type Proof = () => void | Promise<void>;
export type Proofs = Readonly<Record<string, Proof>>;
type Value = string | number | Uint8Array;
/** Tag, VR, value; null leaves the element out. */
export type Change = readonly [tag: number, vr: string, value: Value | null];
export const now = Date.UTC(2026, 10, 21, 10, 16, 0);
export const figures = { noiseBefore: 24.1, noiseAfter: 14.5 };

/** Every row of a table with its proof, and no other. */
export function rowsWithProofs(name: string, rows: readonly string[][], proofs: Proofs): void {
  describe(name, () => {
    (rules === null ? it.skip : it)('has a proof for every row (needs ../shared/conformance.md)', () => {
      expect(Object.keys(proofs)).toEqual(rows.map(([first = '']) => first));
    });
    it.each(Object.entries(proofs))('%s', async (_, proof) => proof());
  });
}

/** Elements by tag, encoded. */
export const extra = (changes: readonly Change[]): Map<number, Uint8Array> =>
  new Map(changes.map(([tag, vr, value]) => [tag, value === null ? new Uint8Array(0) : encodeElement(tag, vr, value)]));
export const superResolution = (scale: number, sampling: Sampling): Partial<DerivationPlan> => ({
  geometry: { scale, sampling },
});

/** A source and what was derived of it. */
export interface Pair {
  readonly source: DecodedSource;
  readonly derived: Instance;
  readonly from: DataSet;
  readonly to: DataSet;
  readonly pixels: Int32Array;
  readonly faults: readonly string[];
}

/** A synthetic CT image with these elements, and what is derived of it; nothing is done to its pixels unless said. */
export async function classic(
  changes: readonly Change[] = [],
  plans: Partial<DerivationPlan> = {},
  onPixels: (stored: Int32Array) => Int32Array = (stored) => stored,
): Promise<Pair> {
  const read = described(readInstance(syntheticCt(0, extra(changes))));
  const stored = await decodePixels(read.dataSet, read.description, read.part10.transferSyntaxUid);
  const source = { ...read, pixels: stored };
  const plan = { ...planFor([source], 0), ...plans };
  const grown = onNewGrid(stored, source.description, plan);
  const bytes = deriveInstance(source, plan, onPixels(grown), figures, now);
  const derived = readInstance(bytes);
  const description = pixelDescription(derived.dataSet);
  if (isReason(description)) throw new Error(description.code);
  return {
    source,
    derived,
    from: source.dataSet,
    to: derived.dataSet,
    pixels: await decodePixels(derived.dataSet, description, explicitLittleEndian),
    faults: checkInstance(source, bytes, plan),
  };
}

/** An Enhanced CT image, changed, and what is derived of it. */
export async function enhanced(
  plant: Planted = (bytes) => bytes,
  plans: Partial<DerivationPlan> = {},
  options: Parameters<typeof enhancedCt>[0] = { frames: 3, size: 32 },
): Promise<{ from: DataSet; to: DataSet; faults: readonly string[] }> {
  const source = readInstance(plant(enhancedCt(options)));
  const plan = { ...planFor([source], 0), ...plans };
  const onFrame = (stored: Int32Array, description: PixelDescription) => onNewGrid(stored, description, plan);
  const { bytes, faults } = await derivedObject(source, plan, onFrame, now);
  return { from: source.dataSet, to: readInstance(bytes).dataSet, faults };
}

export const framesOf = (ds: DataSet): readonly DataSet[] => items(ds, 'PerFrameFunctionalGroupsSequence');
/** The first item of a sequence. */
export const macroOf = (item: DataSet | undefined, keyword: string): DataSet => {
  const [macro] = item === undefined ? [] : items(item, keyword);
  if (macro === undefined) throw new Error(`no ${keyword}`);
  return macro;
};
export const sharedOf = (ds: DataSet): DataSet | undefined => items(ds, 'SharedFunctionalGroupsSequence')[0];
/** The bytes of a value. */
export const raw = (ds: DataSet, keyword: string): Uint8Array | undefined => {
  const element = find(ds, keyword);
  return element === undefined ? undefined : ds.value(element);
};
/** The attributes have the source's bytes. */
export function expectKept({ from, to }: { readonly from: DataSet; readonly to: DataSet }, keywords: string): void {
  for (const keyword of keywords.split(' ')) {
    expect([keyword, find(from, keyword) !== undefined]).toEqual([keyword, true]);
    expect([keyword, raw(to, keyword)]).toEqual([keyword, raw(from, keyword)]);
  }
}
