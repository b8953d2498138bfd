// Simulated series with elements as odd senders write them, put through gate and task with an identity network, and compared.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll } from '@jest/globals';
import { encodeSequence, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { checkSeries, judgeMissing } from '../process/check-series.js';
import { cpuDevice } from './cpu-device.js';
import { identityModel, writeIdentityModel } from './identity-model.js';
import { enhanceFiles, storedOf } from './sample-sets.js';
import { writeSyntheticSeries } from './synthetic-series.js';
import type { SyntheticElement, SyntheticOptions } from './synthetic-series.js';

export type Change = NonNullable<SyntheticOptions['change']>;
type Element = ReturnType<Change>[number];

/** Rows and columns. */
export const side = 48;
/** The verdict of a series that goes through. */
export const run = 'enhanced';
export const us = (tag: number, ...values: number[]): SyntheticElement => [tag, 'US', values];
export const none = (tag: number): Element => [tag, 'OW', null];
/** The same in every instance. */
export const all =
  (...elements: Element[]): Change =>
  () =>
    elements;
export const at = (z: number): SyntheticElement => [0x00200032, 'DS', `0\\0\\${z}`];
/** Six instances at three positions: `element` says what tells the two of a position apart. */
export const twice =
  (element: (second: boolean) => SyntheticElement): Change =>
  (index) => [at(2 * (index % 3)), element(index >= 3)];
export const bits = (stored: number, signed = 0, allocated = 16): SyntheticElement[] => [
  us(0x00280100, allocated),
  us(0x00280101, stored),
  us(0x00280102, stored - 1),
  us(0x00280103, signed),
];
export const matrix = (rows: number, columns: number): SyntheticElement[] => [
  us(0x00280010, rows),
  us(0x00280011, columns),
];
export const pixelBytes = (count: number, of: (index: number) => number): SyntheticElement => [
  0x7fe00010,
  'OW',
  Uint8Array.from({ length: count }, (_, index) => of(index)),
];
export const ramp = (count: number): SyntheticElement => pixelBytes(count, (index) => (index * 37) % 256);
export const item = Uint8Array.of(0xfe, 0xff, 0x00, 0xe0, 0, 0, 0, 0);
export const overlay = (bitsOfIt: number, position: number): SyntheticElement[] => [
  us(0x60000010, side),
  us(0x60000011, side),
  [0x60000040, 'CS', 'G'],
  [0x60000050, 'SS', [1, 1]],
  us(0x60000100, bitsOfIt),
  us(0x60000102, position),
];

/** Bytes of a text as they stand. */
export const latin = (value: string): Uint8Array => Buffer.from(value, 'latin1');
/** A sequence's value: items of encoded elements. */
export const items = (...of: readonly (readonly Uint8Array[])[]): Uint8Array => encodeSequence(0, of).subarray(12);
/** One item of open length, as the value of a sequence. */
export function openItem(...inner: readonly Uint8Array[]): Uint8Array {
  const begin = Uint8Array.of(0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff);
  const end = Uint8Array.of(0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0);
  return joined([begin, ...inner, end]);
}
export const openSequence = (group: number, element: number, ...of: readonly Uint8Array[]): Uint8Array =>
  joined([
    Uint8Array.of(group & 0xff, group >> 8, element & 0xff, element >> 8, 0x53, 0x51, 0, 0, 0xff, 0xff, 0xff, 0xff),
    ...of,
    Uint8Array.of(0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0),
  ]);
/** Pixel Data of 16 bits. */
export const words = (of: (index: number) => number): SyntheticElement => [
  0x7fe00010,
  'OW',
  new Uint8Array(Uint16Array.from({ length: side * side }, (_, index) => of(index) & 0xffff).buffer),
];

/** The judge takes as long again as all the rest. */
export const isWhole = process.env['LIMPID_TEST_DATA'] === 'all';

/** What is odd about a series, and its verdict: `run`, or the codes for which it is not enhanced. */
export type OddCase = readonly [name: string, modality: 'CT' | 'MR', verdict: string, change: Change];

/** What became of a series. */
interface Ended {
  /** `run`, or the codes for which it was not enhanced. */
  readonly verdict: string;
  /** Of a series that went through: images whose pixels are not their source's; null: none came out. */
  readonly differing: readonly string[] | null;
  /** Images of the source that nothing came of. */
  readonly missing: number | null;
  /** What the judge outside says; null: it was not asked. */
  readonly judged: string | null;
}

const isJudged = isWhole && judgeMissing() === null;

/** How a series of this verdict must end. */
export const endsWith = (verdict: string): Ended =>
  verdict === run
    ? { verdict, differing: [], missing: 0, judged: isJudged ? 'PASS' : null }
    : { verdict, differing: null, missing: null, judged: null };

interface OddSeries {
  /** Writes a series, puts it through, compares what comes out; with LIMPID_TEST_DATA=all it is judged from outside too. */
  readonly putThrough: (series: {
    readonly modality: 'CT' | 'MR';
    readonly change: Change;
    readonly slices?: number;
    /** What becomes of each file before it is put through. */
    readonly recoded?: (file: string) => Promise<void>;
  }) => Promise<Ended>;
  readonly close: () => Promise<void>;
}

/** A device and a folder for such series. */
async function openOddSeries(): Promise<OddSeries> {
  const folder = await mkdtemp(join(tmpdir(), 'limpid-odd-'));
  const models = join(folder, 'models');
  await writeIdentityModel(models);
  const device = cpuDevice(60_000);
  let made = 0;
  return {
    async putThrough({ modality, change, slices = 6, recoded }) {
      const own = join(folder, String(++made));
      const shape = { modality, rows: side, columns: side, seed: made, noise: 20, slices };
      const { files } = await writeSyntheticSeries(join(own, 'source'), { ...shape, change });
      if (recoded !== undefined) for (const file of files) await recoded(file);
      const options = { models, outDir: join(own, 'out'), model: identityModel, strength: 0 };
      const result = await enhanceFiles(files, device, options);
      const { verdict, outcome } = result;
      if (outcome === null || verdict !== run) return { verdict, differing: null, missing: null, judged: null };
      const sources = new Map<string, Int32Array>();
      for (const file of files) {
        const source = readInstance(new Uint8Array(await readFile(file)));
        sources.set(text(source.dataSet, 'SOPInstanceUID') ?? '', await storedOf(source));
      }
      const differing: string[] = [];
      for (const { file, source } of outcome.instances) {
        const derived = readInstance(new Uint8Array(await readFile(join(result.objects, file))));
        if (!isDeepStrictEqual(await storedOf(derived), sources.get(source))) differing.push(file);
      }
      const judged = isJudged ? await checkSeries(join(own, 'source'), result.objects) : null;
      await rm(own, { recursive: true });
      return { verdict, differing, missing: files.length - outcome.instances.length, judged };
    },
    async close() {
      await device.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Opens them for all tests of a file. */
export function useOddSeries(): Pick<OddSeries, 'putThrough'> {
  let odd: OddSeries;
  beforeAll(async () => {
    odd = await openOddSeries();
  });
  afterAll(() => odd.close());
  return { putThrough: (series) => odd.putThrough(series) };
}
