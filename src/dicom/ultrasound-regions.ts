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
      return known && typeof right === 'number' && typeof bottom === 'number' ? [{ left, top, right, bottom }] : [];
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
export function tissueRegions(ds: DataSet, { rows, columns }: Matrix): Uint8Array {
  const mask = new Uint8Array(rows * columns);
  const paint = ({ left, top, right, bottom }: Rectangle, value: 0 | 1): void => {
    for (let r = Math.max(0, top); r <= Math.min(rows - 1, bottom); r++)
      mask.fill(value, r * columns + Math.max(0, left), r * columns + Math.min(columns - 1, right) + 1);
  };
  for (const region of rectangles(ds, isTissue)) paint(region, 1);
  for (const other of rectangles(ds, isOther)) paint(other, 0);
  return mask;
}
