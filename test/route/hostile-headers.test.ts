// Headers of some hundred kilobytes that held the node up for many seconds, or filled its memory: for each of thousands of elements or
// frames, thousands were looked through again.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { builtInMarks } from '../../src/config/vendor-marks.js';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { readInstance } from '../../src/route/read-facts.js';
import type { InstanceFacts } from '../../src/route/series-facts.js';
import { syntheticCt } from '../support/derivation.js';
import { withFolder } from '../support/temporary.js';
import { processorMs } from '../support/processor-time.js';

/** Before, each took 7 s and more. */
const soonMs = 3000;

const often = (count: number, bytes: Uint8Array): Uint8Array => joined(Array.from({ length: count }, () => bytes));

async function factsOf(elements: ReadonlyMap<number, Uint8Array>): Promise<{ ms: number; facts: InstanceFacts[] }> {
  return withFolder(async (folder) => {
    const file = join(folder, 'hostile.dcm');
    await writeFile(file, syntheticCt(0, new Map(elements)));
    const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.ct, transferSyntaxUid: explicitLittleEndian };
    const started = processorMs();
    const facts = await readInstance(file, identity, { tags: new Set(), marks: builtInMarks() });
    return { ms: processorMs() - started, facts };
  });
}

const frameContent = encodeSequence(0x00209111, [[encodeElement(0x00209057, 'UL', 1)]]);
const enhanced = (frames: number): [number, Uint8Array][] => [
  [0x00080016, encodeElement(0x00080016, 'UI', sopClasses.enhancedCt)],
  [0x00280008, encodeElement(0x00280008, 'IS', String(frames))],
];
const perFrame = (frames: number): [number, Uint8Array] => [
  0x52009230,
  encodeSequence(
    0x52009230,
    Array.from({ length: frames }, () => [frameContent]),
  ),
];
const shared = (...elements: Uint8Array[]): [number, Uint8Array] => [
  0x52009229,
  encodeSequence(0x52009229, [elements]),
];

it.each<[name: string, elements: readonly (readonly [number, Uint8Array])[]]>([
  [
    'private elements of a creator of 64 KB',
    [
      [0x01770010, encodeElement(0x01770010, 'LO', 'A'.repeat(65_534))],
      [0x01771001, often(20_000, encodeElement(0x01771001, 'LO', ''))],
    ],
  ],
  [
    'nothing but escapes',
    [
      [0x00080005, encodeElement(0x00080005, 'CS', String.raw`ISO_IR 100\ISO 2022 IR 87`)],
      [0x0040a160, encodeElement(0x0040a160, 'UT', new Uint8Array(4 * 1024 * 1024).fill(0x1b))],
    ],
  ],
  [
    'thousands of character sets',
    [
      [0x00080005, encodeElement(0x00080005, 'CS', 'ISO_IR 100\\'.repeat(5950))],
      [0x00104000, often(100_000, encodeElement(0x00104000, 'LT', Uint8Array.of(0xe4, 0x20)))],
    ],
  ],
  [
    'thousands of groups for thousands of frames',
    [
      ...enhanced(10_000),
      shared(often(5000, encodeSequence(0x00189329, [[encodeElement(0x00189328, 'FD', 0)]]))),
      perFrame(10_000),
    ],
  ],
])('reads a header with %s at once', async (_name, elements) => {
  const { ms, facts } = await factsOf(new Map(elements));
  expect(facts.every(({ unreadable }) => unreadable === null)).toBe(true);
  expect(ms).toBeLessThan(soonMs);
});

it('does not keep a text of 64 KB for each of thousands of frames', async () => {
  const frames = 10_000;
  const long = encodeSequence(0x00189329, [[encodeElement(0x00089007, 'CS', 'B'.repeat(65_534))]]);
  const { ms, facts } = await factsOf(new Map([...enhanced(frames), shared(long), perFrame(frames)]));
  expect(facts.map(({ unreadable }) => unreadable)).toEqual(['a value of 65534 bytes where text is asked for']);
  expect(ms).toBeLessThan(soonMs);
});

it('reads a text of all frames once for all of them', async () => {
  const frames = 1000;
  const short = encodeSequence(0x00189329, [[encodeElement(0x00089007, 'CS', String.raw`ORIGINAL\PRIMARY`)]]);
  const { facts } = await factsOf(new Map([...enhanced(frames), shared(short), perFrame(frames)]));
  expect(facts).toHaveLength(frames);
  expect(new Set(facts.map(({ values }) => values.get(0x00089007)))).toHaveProperty('size', 1);
});

it('walks functional groups that stand in UN once', async () => {
  const frames = 2000;
  const content = [0x20, 0, 0x57, 0x90, 4, 0, 0, 0, 1, 0, 0, 0];
  const sequence = [0x20, 0, 0x11, 0x91, 20, 0, 0, 0, 0xfe, 0xff, 0, 0xe0, 12, 0, 0, 0, ...content];
  const item = Uint8Array.of(0xfe, 0xff, 0, 0xe0, sequence.length, 0, 0, 0, ...sequence);
  const groups = encodeElement(0x52009230, 'UN', often(frames, item));
  const { ms, facts } = await factsOf(new Map([...enhanced(frames), [0x52009230, groups]]));
  expect(facts).toHaveLength(frames);
  expect(ms).toBeLessThan(soonMs);
});
