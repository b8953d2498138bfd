// Where the pixels of a finer grid lie: spacing, position, and what else is counted in pixels (conformance 3.4; PS3.3 C.7.6.2.1.1).
import type { DataSet, Element } from '../dicom/data-set.js';
import { decimalString } from '../dicom/decimal.js';
import { keywordOf, tagOf, vrOf } from '../dicom/dictionary.js';
import { encodeElement, encodeSequence } from '../dicom/element.js';
import { copiedElement } from '../dicom/explicit-le.js';
import { frameScopes, hasFunctionalGroups, scopeOf } from '../dicom/functional-groups.js';
import { items, number, numbers } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { gridKeywords } from './attributes.js';
import type { Drop } from '../dicom/explicit-le.js';
import { selectionOf } from './encode.js';
import type { Written } from './encode.js';
import type { DerivationPlan, NewGrid } from './plan.js';

/** Functional groups that a new grid changes. */
export const gridMacros: ReadonlySet<string> = new Set([
  'PixelMeasuresSequence',
  'PlanePositionSequence',
  'CTReconstructionSequence',
]);

/** The plane of one image: spacing of rows and columns, mm; direction of a row and of a column; position of the first pixel's centre. */
export interface ImagePlane {
  readonly rows: number;
  readonly columns: number;
  readonly spacing: readonly number[];
  readonly orientation: readonly number[];
  readonly position: readonly number[];
}

/** Spacing on the new grid, rows then columns. */
export function newSpacing(
  { rows, columns, spacing }: Pick<ImagePlane, 'rows' | 'columns' | 'spacing'>,
  grid: NewGrid,
): number[] {
  const [row = 0, column = 0] = spacing;
  const { scale, sampling } = grid;
  if (sampling !== 'align_corners') return [row / scale, column / scale];
  return [(row * (rows - 1)) / (scale * rows - 1), (column * (columns - 1)) / (scale * columns - 1)];
}

/** Centre of the new grid's first pixel. */
export function newPosition({ spacing, orientation, position }: ImagePlane, { scale, sampling }: NewGrid): number[] {
  const [row = 0, column = 0] = spacing;
  const back = sampling === 'half_pixel' ? (scale - 1) / (2 * scale) : 0;
  return position.map(
    (value, axis) => value - back * ((orientation[axis] ?? 0) * column + (orientation[axis + 3] ?? 0) * row),
  );
}

/** The plane of a source's frame; values that it does not have are empty. */
export function planeOf(source: DataSet, frame: number): ImagePlane {
  const scopes = frameScopes(source, frame);
  const values = (keyword: string): number[] => numbers(scopeOf(scopes, tagOf(keyword) ?? 0), keyword);
  return {
    rows: number(source, 'Rows') ?? 0,
    columns: number(source, 'Columns') ?? 0,
    spacing: values('PixelSpacing'),
    orientation: values('ImageOrientationPatient'),
    position: values('ImagePositionPatient'),
  };
}

/** What of the top level says where the new pixels lie; nothing on the source's own grid. */
export function gridElements(source: DataSet, plan: DerivationPlan): Written[] {
  const { geometry } = plan;
  if (geometry === undefined) return [];
  const plane = planeOf(source, 0);
  const { scale } = geometry;
  const elements = [
    onGrid('Rows', 'US', plane.rows * scale),
    onGrid('Columns', 'US', plane.columns * scale),
    ...['ImagerPixelSpacing', 'NominalScannedPixelSpacing'].flatMap((keyword) => {
      const values = numbers(source, keyword);
      return values.length === 0
        ? []
        : [onGrid(keyword, 'DS', ds(newSpacing({ ...plane, spacing: values }, geometry)))];
    }),
    ...regions(source, geometry, selectionOf(plan).dropped),
  ];
  if (hasFunctionalGroups(source)) return elements;
  if (plane.spacing.length === 2) elements.push(onGrid('PixelSpacing', 'DS', ds(newSpacing(plane, geometry))));
  if (isWhole(plane)) elements.push(onGrid('ImagePositionPatient', 'DS', ds(newPosition(plane, geometry))));
  return elements;
}

/** A functional group on the new grid; `frame` null for one that all frames share. */
export function gridMacro(
  source: DataSet,
  item: DataSet,
  element: Element,
  frame: number | null,
  grid: NewGrid,
  dropped: Drop,
): Uint8Array[] {
  const plane = planeOf(source, frame ?? 0);
  return [
    encodeSequence(
      element.tag,
      items(item, element.tag).map((macro) =>
        macro.elements
          .filter((inner) => !dropped(macro, inner))
          .flatMap((inner) => {
            const values = valuesOnGrid(macro, inner, plane, grid);
            const vr = vrOf(inner.tag);
            return values === null
              ? copiedElement(macro, inner, dropped)
              : [encodeElement(inner.tag, vr, vr === 'DS' ? ds(values) : values)];
          }),
      ),
    ),
  ];
}

function valuesOnGrid(macro: DataSet, inner: Element, plane: ImagePlane, grid: NewGrid): number[] | null {
  const keyword = keywordOf(inner.tag);
  const values = keyword === undefined ? [] : numbers(macro, inner.tag);
  if ((keyword === 'PixelSpacing' || keyword === 'ReconstructionPixelSpacing') && values.length === 2)
    return newSpacing({ ...plane, spacing: values }, grid);
  return keyword === 'ImagePositionPatient' && isWhole(plane)
    ? newPosition({ ...plane, position: values }, grid)
    : null;
}

function isWhole({ spacing, orientation, position }: ImagePlane): boolean {
  return spacing.length === 2 && orientation.length === 6 && position.length === 3;
}

const ds = (values: readonly number[]): string => values.map(decimalString).join('\\');

function onGrid(keyword: string, vr: string, value: string | number): Written {
  const tag = tagOf(keyword);
  if (tag === undefined || !gridKeywords.has(keyword))
    throw new LimpidError('INTERNAL', `${keyword} is not of the grid`);
  return { tag, bytes: encodeElement(tag, vr, value) };
}

/** Regions of ultrasound (PS3.3 C.8.5.5): places in pixels, and what a pixel measures. */
function regions(source: DataSet, { scale, sampling }: NewGrid, dropped: Drop): Written[] {
  const tag = tagOf('SequenceOfUltrasoundRegions') ?? 0;
  const all = items(source, tag);
  if (all.length === 0) return [];
  const first = (value: number): number => value * scale;
  const last = (value: number): number => value * scale + scale - 1;
  const reference = (value: number): number =>
    Math.round(value * scale + (sampling === 'half_pixel' ? (scale - 1) / 2 : 0));
  const finer = (value: number): number => value / scale;
  const changes: Readonly<Record<string, (value: number) => number>> = {
    RegionLocationMinX0: first,
    RegionLocationMinY0: first,
    RegionLocationMaxX1: last,
    RegionLocationMaxY1: last,
    ReferencePixelX0: reference,
    ReferencePixelY0: reference,
    PhysicalDeltaX: finer,
    PhysicalDeltaY: finer,
  };
  const bytes = encodeSequence(
    tag,
    all.map((item) =>
      item.elements
        .filter((element) => !dropped(item, element))
        .flatMap((element) => {
          const change = changes[keywordOf(element.tag) ?? ''];
          const value = number(item, element.tag);
          return change === undefined || value === null
            ? copiedElement(item, element, dropped)
            : [encodeElement(element.tag, vrOf(element.tag), change(value))];
        }),
    ),
  );
  return [{ tag, bytes }];
}
