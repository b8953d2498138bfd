// Where the tissue of an ultrasound image is, when its regions lie over one another.
import { describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { tissueRegions } from '../../src/dicom/ultrasound-regions.js';
import { change, changeItem, doubled } from '../support/planted-faults.js';
import { columns, marked, region, rows } from '../support/ultrasound-cine.js';

const sequence = 'SequenceOfUltrasoundRegions';
const width = region.right - region.left + 1;
const middle = 60;

/** Rows of tissue where the lower part of the region is named once more, as something else. */
function rowsOfTissue(format: number, type: number): number {
  const other = change(
    ['RegionSpatialFormat', 'US', format],
    ['RegionDataType', 'US', type],
    ['RegionLocationMinY0', 'UL', middle],
  );
  const { dataSet } = readInstance(changeItem(sequence, 1, other)(doubled(sequence)(marked)));
  return tissueRegions(dataSet, { rows, columns }).reduce((sum, one) => sum + one, 0) / width;
}

describe('of a tissue region', () => {
  it.each([
    ['a colour box', 1, 2],
    ['a PW spectrum', 3, 3],
    ['a CW spectrum', 3, 4],
    ['an M-mode of tissue', 2, 1],
    ['an ECG', 4, 10],
    ['a bar of greys', 5, 13],
  ])('%s that lies over it is none', (_, format, type) => {
    expect(rowsOfTissue(format, type)).toBe(middle - region.top);
  });

  it.each([
    ['more tissue', 1, 1],
    ['a region of no data, as some scanners name the whole screen', 0, 0],
  ])('%s that lies over it takes nothing', (_, format, type) => {
    expect(rowsOfTissue(format, type)).toBe(region.bottom - region.top + 1);
  });
});
