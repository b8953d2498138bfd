// Where the tissue of an ultrasound image is, when its regions lie over one another.
import { describe, expect, it } from '@jest/globals';
import { readDataSet } from '../../src/dicom/data-set.js';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { tissueRegions } from '../../src/dicom/ultrasound-regions.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { change, changeItem, doubled, tag } from '../support/planted-faults.js';
import { columns, marked, region, rows } from '../support/ultrasound-cine.js';
import { processorMs } from '../support/processor-time.js';

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

it('is told at once where a header names thousands of regions', () => {
  const [side, regions] = [4096, 10_000];
  const item = [
    ['RegionSpatialFormat', 'US', 1],
    ['RegionDataType', 'US', 1],
    ['RegionLocationMinX0', 'UL', 0],
    ['RegionLocationMinY0', 'UL', 0],
    ['RegionLocationMaxX1', 'UL', side - 1],
    ['RegionLocationMaxY1', 'UL', side - 2],
  ] as const;
  const elements = item.map(([keyword, vr, value]) => encodeElement(tag(keyword), vr, value));
  const bytes = encodeSequence(
    tag(sequence),
    Array.from({ length: regions }, () => elements),
  );
  const dataSet = readDataSet(bytes, explicitLittleEndian);
  const started = processorMs();
  const mask = tissueRegions(dataSet, { rows: side, columns: side });
  expect(processorMs() - started).toBeLessThan(5000);
  expect(mask.reduce((sum, one) => sum + one, 0)).toBe(side * (side - 1));
});

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
