// A network that gives its input back: what a task changes with it, the way itself has changed. And one that sees three slices: it takes
// away the slice before less the slice after, so that its residual tells which slices it saw.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '../../src/inference/card.js';
import { modelSha256 } from '../../src/inference/identity.js';

export const identityModel = 'identity';
export const neighboursModel = 'neighbours';
/** File beside the graph of 'weights outside': 1000 float32. */
export const weightsFile = 'weights.bin';

// ONNX is a protocol buffer: fields are a number with a kind (0: varint, 2: bytes), then the value.
const number = (value: number): number[] => (value < 128 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);
const varint = (field: number, value: number): number[] => [...number(field * 8), ...number(value)];
const bytes = (field: number, value: readonly number[]): number[] => [
  ...number(field * 8 + 2),
  ...number(value.length),
  ...value,
];
const words = (field: number, text: string): number[] => bytes(field, [...Buffer.from(text, 'latin1')]);

interface Fixed {
  readonly n?: number;
  readonly h?: number;
  readonly w?: number;
}

/** What may be wrong with a network that its card does not show. */
export const spoiltModels = {
  'fixed sides': { fixed: { h: 32, w: 48 } },
  'one slice at a time': { fixed: { n: 1 } },
  'two planes': { last: node('Identity', 'x') },
  'half the size': {
    last: node('AveragePool', 'image', attribute('kernel_shape', 2, 2), attribute('strides', 2, 2)),
  },
  'half a pixel away': {
    last: node('AveragePool', 'image', attribute('kernel_shape', 2, 2), attribute('pads', 1, 1, 0, 0)),
  },
  'rows for columns': { last: node('Transpose', 'image', attribute('perm', 0, 1, 3, 2)) },
  'weights outside': { last: outside() },
  'three times the value': { last: [...both('Add', 'image', 'image', 'twice'), ...both('Add', 'twice', 'image', 'y')] },
  'a little added': { last: [...constant('little', 0.02), ...both('Add', 'image', 'little', 'y')] },
  'a fifth more': { last: [...constant('more', 1.2), ...both('Mul', 'image', 'more', 'y')] },
  'no numbers': { last: node('Log', 'image') },
  'other numbers each time': { last: byChance() },
  'no end': { last: endless() },
  'all memory': { last: vast() },
} as const satisfies Readonly<Record<string, Spoilt>>;

interface Spoilt {
  readonly fixed?: Fixed;
  /** The node that makes y, behind the one that makes `image`. */
  readonly last?: readonly number[];
}

/** AttributeProto of a node: name, ints, type INTS. */
function attribute(name: string, ...values: readonly number[]): number[] {
  return bytes(5, [...words(1, name), ...values.flatMap((value) => varint(8, value)), ...varint(20, 7)]);
}
/** NodeProto of one input, whose output is y. */
function node(operator: string, input: string, ...attributes: readonly number[][]): number[] {
  return bytes(1, [...words(1, input), ...words(2, 'y'), ...words(4, operator), ...attributes.flat()]);
}
/** A number by its name. */
function constant(name: string, value: number): number[] {
  const scalar = [...varint(2, 1), ...words(8, name), ...bytes(9, [...new Uint8Array(Float32Array.of(value).buffer)])];
  const held = bytes(5, [...words(1, 'value'), ...bytes(5, scalar), ...varint(20, 4)]);
  return bytes(1, [...words(2, name), ...words(4, 'Constant'), ...held]);
}
/** y = image times the mean of weights that lie in `weightsFile`. */
function outside(): number[] {
  const entries = [
    ['location', weightsFile],
    ['offset', '0'],
    ['length', '4000'],
  ] as const;
  const where = entries.flatMap(([key, value]) => bytes(13, [...words(1, key), ...words(2, value)]));
  const weights = [...varint(1, 1000), ...varint(2, 1), ...words(8, 'weights'), ...where, ...varint(14, 1)];
  const scalar = bytes(5, [...words(1, 'keepdims'), ...varint(3, 0), ...varint(20, 2)]);
  const mean = [...words(1, 'weights'), ...words(2, 'mean'), ...words(4, 'ReduceMean'), ...scalar];
  return [...bytes(5, weights), ...bytes(1, mean), ...both('Mul', 'image', 'mean', 'y')];
}
/** y = image and noise of the graph's own. */
function byChance(): number[] {
  const noise = [...words(1, 'image'), ...words(2, 'noise'), ...words(4, 'RandomNormalLike')];
  return [...bytes(1, noise), ...both('Add', 'image', 'noise', 'y')];
}
/** y = image, by a Loop whose condition stays true. */
function endless(): number[] {
  const value = (field: number, name: string, type: number): number[] =>
    bytes(field, [...words(1, name), ...bytes(2, bytes(1, [...varint(1, type), ...bytes(2, [])]))]);
  const same = (from: string, to: string): number[] =>
    bytes(1, [...words(1, from), ...words(2, to), ...words(4, 'Identity')]);
  const given = [value(11, 'at', 7), value(11, 'on', 9), bytes(11, words(1, 'now'))];
  const made = [value(12, 'goes on', 9), bytes(12, words(1, 'next'))];
  const body = [...same('on', 'goes on'), ...same('now', 'next'), ...words(2, 'body'), ...[...given, ...made].flat()];
  const yes = [...varint(2, 9), ...words(8, 'yes'), ...bytes(9, [1])];
  const always = bytes(5, [...words(1, 'value'), ...bytes(5, yes), ...varint(20, 4)]);
  const loop = bytes(5, [...words(1, 'body'), ...bytes(6, body), ...varint(20, 5)]);
  const inputs = ['', 'yes', 'image'].flatMap((name) => words(1, name));
  return [
    ...bytes(1, [...words(2, 'yes'), ...words(4, 'Constant'), ...always]),
    ...bytes(1, [...inputs, ...words(2, 'y'), ...words(4, 'Loop'), ...loop]),
  ];
}
/** y = image and the sum of 2^40 zeros. */
function vast(): number[] {
  const count = [...new Uint8Array(BigInt64Array.of(2n ** 40n).buffer)];
  const shape = [...varint(1, 1), ...varint(2, 7), ...words(8, 'count'), ...bytes(9, count)];
  const fixed = bytes(5, [...words(1, 'value'), ...bytes(5, shape), ...varint(20, 4)]);
  const scalar = bytes(5, [...words(1, 'keepdims'), ...varint(3, 0), ...varint(20, 2)]);
  const zeros = [...words(1, 'count'), ...words(2, 'zeros'), ...words(4, 'ConstantOfShape')];
  return [
    ...bytes(1, [...words(2, 'count'), ...words(4, 'Constant'), ...fixed]),
    ...bytes(1, zeros),
    ...bytes(1, [...words(1, 'zeros'), ...words(2, 'sum'), ...words(4, 'ReduceSum'), ...scalar]),
    ...both('Add', 'image', 'sum', 'y'),
  ];
}
/** ValueInfoProto of a float tensor [n, channels, h, w]. @param fixed sides that are numbers: n, h and w, where they are given */
function tensor(field: number, name: string, channels: number, fixed: Fixed = {}): number[] {
  const side = (key: keyof Fixed): number[] => {
    const value = fixed[key];
    return value === undefined ? words(2, key) : varint(1, value);
  };
  const dims = [side('n'), varint(1, channels), side('h'), side('w')].flatMap((dim) => bytes(1, dim));
  return bytes(field, [...words(1, name), ...bytes(2, bytes(1, [...varint(1, 1), ...bytes(2, dims)]))]);
}

/** output = input[from:to] along an axis, by the Slice of operator set 9. */
function slice(input: string, output: string, axis: number, from: number, to: number): number[] {
  return bytes(1, [
    ...words(1, input),
    ...words(2, output),
    ...words(4, 'Slice'),
    ...attribute('axes', axis),
    ...attribute('starts', from),
    ...attribute('ends', to),
  ]);
}

/** An image of which every `side` x `side` pixels become channels, and pixels again: it must have whole such blocks. */
function inBlocks(side: number): number[] {
  const blocks = bytes(5, [...words(1, 'blocksize'), ...varint(3, side), ...varint(20, 2)]);
  return ['SpaceToDepth', 'DepthToSpace'].flatMap((operator, at) =>
    bytes(1, [
      ...words(1, at === 0 ? 'image' : 'deep'),
      ...words(2, at === 0 ? 'deep' : 'y'),
      ...words(4, operator),
      ...blocks,
    ]),
  );
}

/** output = one input and another, by an operator. */
function both(operator: string, first: string, second: string, output: string): number[] {
  return bytes(1, [...words(1, first), ...words(1, second), ...words(2, output), ...words(4, operator)]);
}

/** output = input with the slices of a batch moved on by one, the last one first. */
const rolledBatch = (input: string, output: string): number[] => [
  ...slice(input, `${input} rest`, 0, 1, 9999),
  ...slice(input, `${input} first`, 0, 0, 1),
  ...bytes(1, [
    ...words(1, `${input} rest`),
    ...words(1, `${input} first`),
    ...words(2, output),
    ...words(4, 'Concat'),
    ...bytes(5, [...words(1, 'axis'), ...varint(3, 0), ...varint(20, 2)]),
  ]),
];

/**
 * y = x[:, 0:1] - (x[:, 2:3] - x[:, 3:4]); `rolled`: with the neighbours of the next slice of a batch; `misplaced`: with the slice before
 * in the place of the slice.
 */
function neighboursBytes(rolled: boolean, misplaced: boolean): Uint8Array {
  const at = misplaced ? 2 : 0;
  const nodes = [
    ...slice('x', 'image', 1, at, at + 1),
    ...slice('x', 'before', 1, 2, 3),
    ...slice('x', 'after', 1, 3, 4),
    ...both('Sub', 'before', 'after', 'step'),
    ...(rolled ? rolledBatch('step', 'taken') : []),
    ...both('Sub', 'image', rolled ? 'taken' : 'step', 'y'),
  ];
  const graph = [...nodes, ...words(2, neighboursModel), ...tensor(11, 'x', 4), ...tensor(12, 'y', 1)];
  return Uint8Array.from([...varint(1, 4), ...bytes(7, graph), ...bytes(8, varint(2, 9))]);
}

/** y = x[:, 0:1]; `rolled`: and each slice of a batch gets the next one's, the last the first one's. */
function modelBytes(rolled: boolean, { fixed = {}, last }: Spoilt = {}): Uint8Array {
  const nodes = rolled
    ? [...slice('x', 'image', 1, 0, 1), ...rolledBatch('image', 'y')]
    : last === undefined
      ? slice('x', 'y', 1, 0, 1)
      : [...slice('x', 'image', 1, 0, 1), ...last];
  // Of an answer of another size nothing is said: onnxruntime would only warn of it.
  const answer = last === undefined ? tensor(12, 'y', 1, fixed) : bytes(12, words(1, 'y'));
  const graph = [...nodes, ...words(2, identityModel), ...tensor(11, 'x', 2, fixed), ...answer];
  return Uint8Array.from([...varint(1, 4), ...bytes(7, graph), ...bytes(8, varint(2, 9))]);
}

/** Writes a models folder with the identity in it, for CT, MR and ultrasound of any kind. @param rolled one that mixes up its batches */
export async function writeIdentityModel(
  folder: string,
  {
    rolled = false,
    qualification = 'RESEARCH',
    multipleOf = 1,
    spoilt,
    task = 'denoise',
  }: {
    readonly rolled?: boolean;
    readonly qualification?: string;
    /** Sides that the graph takes. */
    readonly multipleOf?: number;
    readonly spoilt?: keyof typeof spoiltModels;
    /** As `denoise` it is told that it takes no noise away. */
    readonly task?: 'denoise' | 'contrast';
  } = {},
): Promise<void> {
  const blocks = multipleOf === 1 ? {} : { last: inBlocks(multipleOf) };
  const model = modelBytes(rolled, spoilt === undefined ? blocks : spoiltModels[spoilt]);
  await writeModel(folder, model, {
    id: identityModel,
    task,
    modality: ['CT', 'MR', 'US'],
    input: { input: 'x', output: 'y', scale: 1, multipleOf, range: null },
    noise: { CT: { a: 0, b: 1, unit: 'HU' }, MR: { a: 0, b: 1, unit: 'PERMILLE' }, US: { a: 0, b: 1, unit: 'GREY' } },
    limits: { meanShift: 0.001, residualStructure: null, smoothChange: null, noiseRatio: 0.99 },
    qualification,
  });
}

/** Writes a models folder with the network that sees three slices in it. @param rolled one that mixes up the neighbours of a batch */
export function writeNeighboursModel(
  folder: string,
  {
    rolled = false,
    misplaced = false,
    input = {},
    limits = { meanShift: null, residualStructure: null, smoothChange: null, noiseRatio: null },
    fixedBlend = 0.5,
    modality = ['CT'],
    probe = { mean: 0, deviation: 0, row16: [0, 0, 0, 0, 0, 0, 0, 0] },
    task = 'denoise',
  }: {
    readonly rolled?: boolean;
    readonly misplaced?: boolean;
    /** Of the card's `input`, in place of what stands there. */
    readonly input?: Readonly<Record<string, unknown>>;
    readonly limits?: Readonly<Record<string, number | null>>;
    readonly fixedBlend?: number;
    readonly modality?: readonly string[];
    readonly probe?: ModelCard['probe'];
    readonly task?: ModelCard['task'];
  } = {},
): Promise<void> {
  const own = { input: 'x', output: 'y', slices: 3, neighbourMm: { atLeast: 0.3, atMost: 6 }, scale: 1000 };
  return writeModel(folder, neighboursBytes(rolled, misplaced), {
    id: neighboursModel,
    task,
    modality,
    input: { ...own, multipleOf: 1, range: null, ...input },
    noise: { CT: { a: 0, b: 1, unit: 'HU' }, MR: { a: 0, b: 1, unit: 'PERMILLE' }, US: { a: 0, b: 1, unit: 'GREY' } },
    limits,
    fixedBlend,
    probe,
  });
}

async function writeModel(
  folder: string,
  model: Uint8Array,
  own: { readonly id: string } & Readonly<Record<string, unknown>>,
): Promise<void> {
  await mkdir(join(folder, own.id), { recursive: true });
  await writeFile(join(folder, own.id, 'model.onnx'), model);
  const card = {
    version: '1.0.0',
    kind: 'network',
    task: 'denoise',
    sha256: modelSha256(model),
    parameters: {},
    defaultStrength: 0.4,
    mostBlend: 1,
    fixedBlend: 0.5,
    intendedUse: {
      says: 'Tests.',
      minimumAgeYears: null,
      minimumSlices: 1,
      sliceThicknessMm: null,
      pixelSpacingMm: null,
      magneticFieldStrengthT: null,
      matrix: { atLeast: 1, atMost: 8192 },
    },
    maker: 'limpid',
    words: 'nothing',
    mark: 'DN',
    codes: [{ value: 'NR', scheme: '99LIMPID', meaning: 'Noise reduction' }],
    licence: 'Apache-2.0',
    training: null,
    probe: { mean: 0, deviation: 0, row16: [0, 0, 0, 0, 0, 0, 0, 0] },
    ...own,
  };
  await writeFile(join(folder, own.id, 'model.yaml'), JSON.stringify(card));
}
