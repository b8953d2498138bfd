// The regions of an ultrasound image, as its header tells them (PS3.3 C.8.5.5): where its tissue is.
import type { DataSet } from './data-set.js';
import { items, number } from './values.js';

/** Region Spatial Format 2D; Region Data Types None, Tissue and Color Flow. */
const twoDimensional = 1;
const noData = 0;
const tissue = 1;
const colourFlow = 2;

interface Matrix {
  readonly rows: number;
  readonly columns: number;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const isFlat = (type: number) => (region: DataSet) =>
  number(region, 'RegionDataType') === type && number(region, 'RegionSpatialFormat') === twoDimensional;
const isTissue = isFlat(tissue);
const isColourFlow = isFlat(colourFlow);

/** Colour box, spectrum, M-mode, trace, bar of greys. Of no data, as some scanners name the whole screen, a region says nothing. */
const isOther = (region: DataSet): boolean =>
  !isTissue(region) && (number(region, 'RegionDataType') ?? noData) !== noData;

function rectangles(ds: DataSet, which: (region: DataSet) => boolean): Rectangle[] {
  return items(ds, 'SequenceOfUltrasoundRegions')
    .filter(which)
    .flatMap((region) => {
      const [left, top, right, bottom] = ['MinX0', 'MinY0', 'MaxX1', 'MaxY1'].map((end) =>
        number(region, `RegionLocation${end}`),
      );
      const known = left !== undefined && left !== null && top !== undefined && top !== null;
      if (!known || typeof right !== 'number' || typeof bottom !== 'number') return [];
      // UL of itself; of another VR, which is seen, cut as a place of a pixel is.
      const whole = Math.trunc;
      return [{ left: whole(left), top: whole(top), right: whole(right), bottom: whole(bottom) }];
    });
}

/** Whether the object says where its tissue is. */
export function hasTissueRegion(ds: DataSet): boolean {
  return rectangles(ds, isTissue).length > 0;
}

/** Whether no region of tissue or colour flow reaches beyond the image; some senders count one pixel too many. */
export function regionsFit(ds: DataSet, { rows, columns }: Matrix): boolean {
  return [...rectangles(ds, isTissue), ...rectangles(ds, isColourFlow)].every(
    ({ right, bottom }) => right <= columns && bottom <= rows,
  );
}

/** 1 within a two-dimensional tissue region and outside every region of something else, `[row][column]`. */
export function tissueRegions(ds: DataSet, matrix: Matrix): Uint8Array {
  const mask = covered(rectangles(ds, isTissue), matrix);
  const others = rectangles(ds, isOther);
  if (others.length === 0) return mask;
  const outside = covered(others, matrix);
  for (let i = 0; i < mask.length; i++) if (outside[i] === 1) mask[i] = 0;
  return mask;
}

/**
 * 1 within any of the rectangles, `[row][column]`. Row by row, with what begins and ends there: a header may name so many that painting
 * one over the other would take minutes.
 */
function covered(all: readonly Rectangle[], { rows, columns }: Matrix): Uint8Array {
  const mask = new Uint8Array(rows * columns);
  const steps = new Map<number, (readonly [column: number, change: 1 | -1])[]>();
  const add = (row: number, column: number, change: 1 | -1): void => {
    const ofRow = steps.get(row);
    if (ofRow === undefined) steps.set(row, [[column, change]]);
    else ofRow.push([column, change]);
  };
  for (const { left, top, right, bottom } of all) {
    const [fromColumn, toColumn] = [Math.max(0, left), Math.min(columns, right + 1)];
    const [fromRow, toRow] = [Math.max(0, top), Math.min(rows, bottom + 1)];
    if (fromColumn >= toColumn || fromRow >= toRow) continue;
    for (const [row, change] of [[fromRow, 1] as const, [toRow, -1] as const]) {
      add(row, fromColumn, change);
      add(row, toColumn, change === 1 ? -1 : 1);
    }
  }
  // How many more rectangles cover a column than the one before it.
  const more = new Int32Array(columns + 1);
  for (let r = 0, at = 0; r < rows; r++) {
    for (const [column, change] of steps.get(r) ?? []) more[column] = (more[column] ?? 0) + change;
    let count = 0;
    for (let c = 0; c < columns; c++, at++) {
      count += more[c] ?? 0;
      if (count > 0) mask[at] = 1;
    }
  }
  return mask;
}
