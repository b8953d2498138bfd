// The regions of an ultrasound image, as its header tells them (PS3.3 C.8.5.5): where its tissue is.
import type { DataSet } from './data-set.js';
import { items, number } from './values.js';

/** Region Spatial Format 2D, Region Data Types Tissue and Color Flow. */
const twoDimensional = 1;
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

function rectangles(ds: DataSet, type: number): Rectangle[] {
  return items(ds, 'SequenceOfUltrasoundRegions').flatMap((region) => {
    const [left, top, right, bottom] = ['MinX0', 'MinY0', 'MaxX1', 'MaxY1'].map((end) =>
      number(region, `RegionLocation${end}`),
    );
    const is = number(region, 'RegionDataType') === type && number(region, 'RegionSpatialFormat') === twoDimensional;
    const known = left !== undefined && left !== null && top !== undefined && top !== null;
    return is && known && typeof right === 'number' && typeof bottom === 'number' ? [{ left, top, right, bottom }] : [];
  });
}

/** Whether the object says where its tissue is. */
export function hasTissueRegion(ds: DataSet): boolean {
  return rectangles(ds, tissue).length > 0;
}

/** Whether no region of tissue or colour flow reaches beyond the image; some senders count one pixel too many. */
export function regionsFit(ds: DataSet, { rows, columns }: Matrix): boolean {
  return [...rectangles(ds, tissue), ...rectangles(ds, colourFlow)].every(
    ({ right, bottom }) => right <= columns && bottom <= rows,
  );
}

/** 1 within a two-dimensional tissue region and outside every colour box, `[row][column]`. */
export function tissueRegions(ds: DataSet, { rows, columns }: Matrix): Uint8Array {
  const mask = new Uint8Array(rows * columns);
  const paint = ({ left, top, right, bottom }: Rectangle, value: 0 | 1): void => {
    for (let r = Math.max(0, top); r <= Math.min(rows - 1, bottom); r++)
      mask.fill(value, r * columns + Math.max(0, left), r * columns + Math.min(columns - 1, right) + 1);
  };
  for (const region of rectangles(ds, tissue)) paint(region, 1);
  for (const box of rectangles(ds, colourFlow)) paint(box, 0);
  return mask;
}
