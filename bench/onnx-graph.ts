/**
 * ONNX files of plain graphs, written without a framework: a matrix product, whose rate is the machine's, and RED-CNN with random
 * weights, whose speed is the same as with trained ones. Field numbers are those of onnx.proto (IR version 8, opset 17).
 */
import { uniform } from '../src/imaging/random.js';

type Field = readonly [number: number, value: number | string | Uint8Array];

function varint(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) + 128);
  }
}

/** A message of varints (numbers) and of bytes. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)]);
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
  });
  return Buffer.concat(parts);
}

const float = 1;

interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly integers?: Readonly<Record<string, readonly number[]>>;
}

function nodeOf({ operator, inputs, output, integers = {} }: Node): Uint8Array {
  const attributes = Object.entries(integers).map(([name, values]): Field => {
    const kind = 7; // a list of integers
    return [5, message([1, name], ...values.map((value): Field => [8, value]), [20, kind])];
  });
  return message(...inputs.map((input): Field => [1, input]), [2, output], [4, operator], ...attributes);
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

function tensorOf({ name, shape, values }: Tensor): Uint8Array {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(...shape.map((size): Field => [1, size]), [2, float], [8, name], [9, raw]);
}

/** Of an input or output; no sizes: any. */
function valueOf(name: string, shape: readonly (number | string)[]): Uint8Array {
  const sizes = shape.map((size): Field => [1, message(typeof size === 'number' ? [1, size] : [2, size])]);
  return message([1, name], [2, message([1, message([1, float], [2, message(...sizes)])])]);
}

interface Graph {
  readonly nodes: readonly Node[];
  readonly tensors: readonly Tensor[];
  readonly input: readonly [string, readonly (number | string)[]];
  readonly output: readonly [string, readonly (number | string)[]];
}

function modelOf({ nodes, tensors, input, output }: Graph): Uint8Array {
  const graph = message(
    ...nodes.map((node): Field => [1, nodeOf(node)]),
    [2, 'graph'],
    ...tensors.map((tensor): Field => [5, tensorOf(tensor)]),
    [11, valueOf(...input)],
    [12, valueOf(...output)],
  );
  return message([1, 8], [7, graph], [8, message([1, ''], [2, 17])]);
}

function randomTensor(name: string, shape: readonly number[], deviation: number): Tensor {
  const random = uniform(1);
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random() - 0.5) * deviation);
  return { name, shape, values };
}

/** x [n, n] times a constant [n, n]. */
export function matrixProduct(n: number): Uint8Array {
  return modelOf({
    nodes: [{ operator: 'MatMul', inputs: ['x', 'w'], output: 'y' }],
    tensors: [randomTensor('w', [n, n], 1)],
    input: ['x', [n, n]],
    output: ['y', [n, n]],
  });
}

/** RED-CNN (Chen 2017), five 5x5 convolutions and five transposed ones at full resolution: [n, 2, h, w] to [n, 1, h, w]. */
export function redCnn(width = 96): Uint8Array {
  const integers = { kernel_shape: [5, 5], pads: [2, 2, 2, 2], strides: [1, 1] };
  const nodes: Node[] = [];
  const tensors: Tensor[] = [];
  const kept: string[] = [];
  const add = (operator: string, inputs: readonly string[], more: Node['integers'] = {}): string => {
    const output = `${operator}${nodes.length}`;
    nodes.push({ operator, inputs, output, integers: more });
    return output;
  };
  let hidden = 'x';
  for (let i = 0; i < 5; i++) {
    if (i === 2 || i === 4) kept.push(hidden);
    tensors.push(randomTensor(`down${i}`, [width, i === 0 ? 2 : width, 5, 5], 0.05));
    hidden = add('Relu', [add('Conv', [hidden, `down${i}`], integers)]);
  }
  for (let i = 0; i < 4; i++) {
    tensors.push(randomTensor(`up${i}`, [width, width, 5, 5], 0.05));
    hidden = add('ConvTranspose', [hidden, `up${i}`], integers);
    const skipped = i === 0 || i === 2 ? kept.pop() : undefined;
    if (skipped !== undefined) hidden = add('Add', [hidden, skipped]);
    hidden = add('Relu', [hidden]);
  }
  tensors.push(randomTensor('up4', [width, 1, 5, 5], 0.05));
  nodes.push({ operator: 'ConvTranspose', inputs: [hidden, 'up4'], output: 'y', integers });
  return modelOf({ nodes, tensors, input: ['x', ['n', 2, 'h', 'w']], output: ['y', ['n', 1, 'h', 'w']] });
}

/** Width of ct-low-dose's sums, and of what lies between the two convolutions of each of its pairs: idle channels are left out. */
const ctLowDose = { width: 48, inner: [16, 48, 48, 48], planes: 4 };

/** Arithmetic of ct-low-dose, GFLOP: 6x6 of stride 2 over its planes, pairs of 3x3 at half resolution, 3x3 to four planes. */
export function ctLowDoseGflop(rows: number, columns: number): number {
  const { width, inner, planes } = ctLowDose;
  const pairs = inner.reduce((sum, between) => sum + 2 * 9 * width * between, 0);
  const perPixel = 2 * (planes * 36 * width + pairs + 9 * width * 4);
  return (perPixel * (rows / 2) * (columns / 2)) / 1e9;
}
