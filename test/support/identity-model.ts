// A network that gives its input back: what a task changes with it, the way itself has changed.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelSha256 } from '../../src/inference/identity.js';

export const identityModel = 'identity';

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
  'no numbers': { last: node('Log', 'image') },
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
const slice = (input: string, output: string, axis: number, from: number, to: number): number[] =>
  bytes(1, [
    ...words(1, input),
    ...words(2, output),
    ...words(4, 'Slice'),
    ...attribute('axes', axis),
    ...attribute('starts', from),
    ...attribute('ends', to),
  ]);

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

/** y = x[:, 0:1]; `rolled`: and each slice of a batch gets the next one's, the last the first one's. */
function modelBytes(rolled: boolean, { fixed = {}, last }: Spoilt = {}): Uint8Array {
  const axis0 = bytes(5, [...words(1, 'axis'), ...varint(3, 0), ...varint(20, 2)]);
  const concat = [...words(1, 'rest'), ...words(1, 'first'), ...words(2, 'y'), ...words(4, 'Concat'), ...axis0];
  const nodes = rolled
    ? [
        ...slice('x', 'image', 1, 0, 1),
        ...slice('image', 'rest', 0, 1, 9999),
        ...slice('image', 'first', 0, 0, 1),
        ...bytes(1, concat),
      ]
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
  }: {
    readonly rolled?: boolean;
    readonly qualification?: string;
    /** Sides that the graph takes. */
    readonly multipleOf?: number;
    readonly spoilt?: keyof typeof spoiltModels;
  } = {},
): Promise<void> {
  const blocks = multipleOf === 1 ? {} : { last: inBlocks(multipleOf) };
  const model = modelBytes(rolled, spoilt === undefined ? blocks : spoiltModels[spoilt]);
  await mkdir(join(folder, identityModel), { recursive: true });
  await writeFile(join(folder, identityModel, 'model.onnx'), model);
  const card = {
    id: identityModel,
    version: '1.0.0',
    kind: 'network',
    task: 'denoise',
    modality: ['CT', 'MR', 'US'],
    sha256: modelSha256(model),
    input: { input: 'x', output: 'y', scale: 1, multipleOf, range: null },
    parameters: {},
    defaultStrength: 0.4,
    noise: { CT: { a: 0, b: 1, unit: 'HU' }, MR: { a: 0, b: 1, unit: 'PERMILLE' }, US: { a: 0, b: 1, unit: 'GREY' } },
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
    limits: { meanShift: 0.001, residualStructure: null, noiseRatio: 0.99 },
    maker: 'limpid',
    qualification,
    words: 'nothing',
    mark: 'DN',
    codes: [{ value: 'NR', scheme: '99LIMPID', meaning: 'Noise reduction' }],
    licence: 'Apache-2.0',
    training: null,
    probe: { mean: 0, deviation: 0, row16: [0, 0, 0, 0, 0, 0, 0, 0] },
  };
  await writeFile(join(folder, identityModel, 'model.yaml'), JSON.stringify(card));
}
