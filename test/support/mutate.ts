// Files of the sample data, damaged: by a seed, so that every finding can be made again.
import { readInstance } from '../../src/dicom/file.js';
import type { Element } from '../../src/dicom/data-set.js';
import { transferSyntaxes } from '../../src/dicom/uids.js';
import { LimpidError } from '../../src/errors.js';
import { uniform } from '../../src/imaging/random.js';

type Random = () => number;
const below = (random: Random, end: number): number => Math.floor(random() * end);
const pick = <T>(random: Random, values: readonly T[]): T | undefined => values[below(random, values.length)];

/** Numbers on which readers fail: none, the largest, signs, powers and their neighbours. */
const edges = [
  0, 1, 2, 7, 8, 0x7f, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0xfffffffe, 0xffffffff,
];

type Mutation = (bytes: Uint8Array, random: Random, others: () => Uint8Array) => Uint8Array;

const flipBits: Mutation = (bytes, random) => {
  for (let count = 1 + below(random, 8); count > 0 && bytes.length > 0; count--) {
    const at = below(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
  }
  return bytes;
};
const edgeNumber: Mutation = (bytes, random) => {
  const size = pick(random, [1, 2, 4]) ?? 1;
  const at = below(random, Math.max(1, Math.min(bytes.length - size, random() < 0.7 ? 4096 : bytes.length)));
  const value = pick(random, edges) ?? 0;
  for (let byte = 0; byte < size && at + byte < bytes.length; byte++) bytes[at + byte] = (value >>> (8 * byte)) & 0xff;
  return bytes;
};
const cut: Mutation = (bytes, random) => bytes.slice(0, below(random, bytes.length + 1));
const blank: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  return bytes.fill(random() < 0.5 ? 0 : 0xff, at, at + 1 + below(random, 256));
};
const remove: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  return join(bytes.subarray(0, at), bytes.subarray(at + 1 + below(random, 64)));
};
const repeat: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  const end = at + 1 + below(random, 512);
  return join(bytes.subarray(0, end), bytes.subarray(at));
};
const splice: Mutation = (bytes, random, others) => {
  const other = others();
  return join(bytes.subarray(0, below(random, bytes.length)), other.subarray(below(random, other.length)));
};

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** The bytes of an element that is there: its VR, its length, or its value become others. */
const element: Mutation = (bytes, random) => {
  let found: { at: number; of: Element } | null;
  try {
    found = anyElement(bytes, random);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    return flipBits(bytes, random, () => bytes); // a file that cannot be read has no elements
  }
  if (found === null) return bytes;
  const { at, of } = found;
  const kind = random();
  if (kind < 0.2) {
    bytes[at + of.offset + 4] = 0x41 + below(random, 26);
    bytes[at + of.offset + 5] = 0x41 + below(random, 26);
  } else {
    const start = kind < 0.5 ? at + of.offset + 4 : at + of.valueOffset;
    const value = pick(random, edges) ?? 0;
    for (let byte = 0; byte < Math.min(4, Math.max(2, of.length)); byte++)
      bytes[start + byte] = (value >>> (8 * byte)) & 0xff;
  }
  return bytes;
};

/** Of the pixel description more often than of the rest: its numbers decide what is allocated. */
function anyElement(bytes: Uint8Array, random: Random): { at: number; of: Element } | null {
  const { dataSet, part10 } = readInstance(bytes);
  if (dataSet.bytes.buffer !== bytes.buffer) return null; // inflated: not where it stands
  const image = dataSet.elements.filter(({ tag }) => tag >>> 16 === 0x0028 || tag === 0x7fe00010);
  const of = pick(random, random() < 0.5 && image.length > 0 ? image : dataSet.elements);
  return of === undefined ? null : { at: part10.dataSetOffset, of };
}

/** The code stream of a compressed frame only, behind its header or within it. */
const frame: Mutation = (bytes, random) => {
  try {
    const { dataSet, part10 } = readInstance(bytes);
    const fragment = pick(random, dataSet.get(0x7fe00010)?.fragments?.slice(1) ?? []);
    if (fragment === undefined) return flipBits(bytes, random, () => bytes);
    const start = part10.dataSetOffset + fragment.offset;
    const length = random() < 0.5 ? Math.min(64, fragment.length) : fragment.length;
    for (let count = 1 + below(random, 4); count > 0; count--) {
      bytes[start + below(random, length)] = random() < 0.5 ? (pick(random, edges) ?? 0) & 0xff : below(random, 256);
    }
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
  }
  return bytes;
};

/** Another transfer syntax in the file meta group, of the same length or shorter. */
const syntax: Mutation = (bytes, random) => {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 1024));
  const at = text.indexOf('1.2.840.10008.1.2', 200);
  const length = at < 0 ? 0 : (/^[0-9.]*/.exec(text.slice(at))?.[0].length ?? 0);
  const fitting = transferSyntaxes.filter(({ uid }) => uid.length <= length);
  const { uid } = pick(random, fitting) ?? { uid: '' };
  for (let byte = 0; byte < length; byte++) bytes[at + byte] = byte < uid.length ? uid.charCodeAt(byte) : 0;
  return bytes;
};

/** Those that leave the structure whole come more often: behind a broken one nothing is read. */
const mutations: readonly Mutation[] = [
  flipBits,
  edgeNumber,
  cut,
  blank,
  remove,
  repeat,
  splice,
  syntax,
  ...Array.from({ length: 8 }, () => element),
  ...Array.from({ length: 6 }, () => frame),
];

export interface Mutated {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The mutated file of a seed. `files`: names, in an order that stays; `read` gives a file's bytes. */
export function mutated(seed: number, files: readonly string[], read: (file: string) => Uint8Array): Mutated {
  const random = uniform(seed);
  const file = pick(random, files) ?? '';
  let bytes = read(file).slice();
  for (let count = 1 + below(random, 2); count > 0; count--) {
    const mutate = pick(random, mutations) ?? flipBits;
    if (bytes.length > 0) bytes = mutate(bytes, random, () => read(pick(random, files) ?? '')).slice();
  }
  return { file, bytes };
}
