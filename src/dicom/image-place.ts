// Where an image lies and what tells it from others at the same position: read from its header, for a classic object or one frame.
import type { DataSet } from './data-set.js';
import { frameScopes, scopeOf } from './functional-groups.js';
import type { Plane } from './geometry.js';
import { sha256Of } from './uid.js';
import { items, number, numbers, texts } from './values.js';

/** Where the pixels of an image lie, and of which time and kind it is. */
export interface ImagePlace extends Plane {
  readonly rows: number;
  readonly columns: number;
  /** Pixel Spacing, mm: between rows, between columns; empty where missing. */
  readonly spacing: readonly number[];
  /** Of which time, phase, acquisition and kind it is, in the order of `telling`; null where the header does not say. */
  readonly told: readonly (string | null)[];
}

/** What differs between images of one series that lie at one position: 4D, perfusion, cardiac phases, energies, kernels, stacks, echoes, b-values. */
const telling: readonly number[] = [
  0x00200100, // Temporal Position Identifier
  0x00209128, // Temporal Position Index
  0x00200012, // Acquisition Number
  0x00209156, // Frame Acquisition Number
  0x0008002a, // Acquisition DateTime
  0x00189074, // Frame Acquisition DateTime
  0x00189151, // Frame Reference DateTime
  0x00080022, // Acquisition Date
  0x00080032, // Acquisition Time
  0x00181060, // Trigger Time
  0x00209153, // Nominal Cardiac Trigger Delay Time
  0x00209241, // Nominal Percentage of Cardiac Phase
  0x00209056, // Stack ID
  0x00200052, // Frame of Reference UID
  0x00080008, // Image Type
  0x00089007, // Frame Type
  0x00180050, // Slice Thickness
  0x00180060, // KVP
  0x00181210, // Convolution Kernel
  0x00180081, // Echo Time
  0x00189082, // Effective Echo Time
  0x00180086, // Echo Number(s)
  0x00180082, // Inversion Time
  0x00181314, // Flip Angle
  0x00189087, // Diffusion b-value
  0x00189089, // Diffusion Gradient Orientation
];

/** Longer values stand by their hash: a peer may write any length, and each image of a series is told. */
const longest = 256;

function toldBy(value: string): string | null {
  if (value === '') return null;
  return value.length <= longest ? value : sha256Of(value);
}

/** The place of an image. @param frame from 0 */
export function imagePlace(dataSet: DataSet, frame: number): ImagePlace {
  const groups = frameScopes(dataSet, frame);
  // Of a frame the direction stands one sequence deeper than its b-value (PS3.3 C.8.13.5.9).
  const scopes = [...groups.flatMap((group) => items(group, 'DiffusionGradientDirectionSequence')), ...groups];
  return {
    position: numbers(scopeOf(scopes, 0x00200032), 'ImagePositionPatient'),
    orientation: numbers(scopeOf(scopes, 0x00200037), 'ImageOrientationPatient'),
    spacing: numbers(scopeOf(scopes, 0x00280030), 'PixelSpacing'),
    rows: number(dataSet, 'Rows') ?? 0,
    columns: number(dataSet, 'Columns') ?? 0,
    told: telling.map((tag) => toldBy(texts(scopeOf(scopes, tag), tag).join('\\'))),
  };
}
