// Where an image lies and of which time it is, of classic objects and of frames.
import { describe, expect, it } from '@jest/globals';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { imagePlace } from '../../src/dicom/image-place.js';
import type { ImagePlace } from '../../src/dicom/image-place.js';
import { pixelDescription } from '../../src/dicom/pixel-description.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { change, changeItem } from '../support/planted-faults.js';
import { encodePart10 } from '../support/synthetic-series.js';
import type { SyntheticElement } from '../support/synthetic-series.js';

const ct = '1.2.840.10008.5.1.4.1.1.2';

function placeOf(...elements: readonly SyntheticElement[]): ImagePlace {
  const bytes = encodePart10([[0x00080016, 'UI', ct], [0x00080018, 'UI', '1.2.3'], ...elements], ct, '1.2.3');
  return imagePlace(readInstance(bytes).dataSet, 0);
}

describe('the place of an image', () => {
  it('is read from a classic header; what is missing is empty', () => {
    const place = placeOf(
      [0x00200032, 'DS', '-100\\-120.5\\12.25'],
      [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
      [0x00280010, 'US', [512]],
      [0x00280011, 'US', [256]],
      [0x00280030, 'DS', '0.7\\0.8'],
    );
    expect(place).toMatchObject({
      position: [-100, -120.5, 12.25],
      orientation: [1, 0, 0, 0, 1, 0],
      spacing: [0.7, 0.8],
      rows: 512,
      columns: 256,
    });
    expect(place.told.every((value) => value === null)).toBe(true);
    expect(placeOf()).toMatchObject({ position: [], orientation: [], spacing: [], rows: 0, columns: 0 });
  });

  it.each<[string, SyntheticElement]>([
    ['temporal position', [0x00200100, 'IS', '3']],
    ['acquisition', [0x00200012, 'IS', '2']],
    ['acquisition time', [0x00080032, 'TM', '101501.5']],
    ['trigger time', [0x00181060, 'DS', '350']],
    ['cardiac phase', [0x00209241, 'FL', new Uint8Array(Float32Array.of(75).buffer)]],
    ['image type', [0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL']],
    ['kernel', [0x00181210, 'SH', 'B30f']],
    ['frame of reference', [0x00200052, 'UI', '1.2.3.4']],
  ])('tells images apart by their %s', (_, element) => {
    const values = placeOf(element).told.filter((value) => value !== null);
    expect(values).toEqual([element[2] instanceof Uint8Array ? '75' : element[2]]);
  });

  it('keeps values of any length short, and apart', () => {
    const [one, other] = ['a', 'b'].map((last) => placeOf([0x00080008, 'CS', `${'X'.repeat(5000)}${last}`]).told);
    expect(Math.max(...one!.map((value) => value?.length ?? 0))).toBe(64);
    expect(one).not.toEqual(other);
  });

  it("goes by the standard's groups, shared ones too, before a vendor's copy in a frame", () => {
    const copy = encodeSequence(0x2005140f, [
      [
        encodeElement(0x00200100, 'IS', '7'),
        encodeElement(0x00280030, 'DS', '3\\3'),
        encodeElement(0x00281052, 'DS', '0'),
        encodeElement(0x00281053, 'DS', '9'),
      ],
    ]).subarray(12);
    const inFrame = change([0x20050014, 'LO', 'Philips MR Imaging DD 005'], [0x2005140f, 'SQ', copy]);
    const plain = readInstance(enhancedCt({ frames: 3 })).dataSet;
    const { dataSet } = readInstance(
      changeItem('PerFrameFunctionalGroupsSequence', 1, inFrame)(enhancedCt({ frames: 3 })),
    );
    expect(pixelDescription(dataSet, 1)).toEqual(pixelDescription(plain, 1));
    expect(imagePlace(dataSet, 1).spacing).toEqual(imagePlace(plain, 1).spacing);
    // What the standard's groups do not say.
    expect(imagePlace(dataSet, 1).told).toContain('7');
  });

  it('tells frames of one b-value apart by the direction, a sequence deeper', () => {
    const direction = encodeElement(0x00189089, 'FD', new Uint8Array(Float64Array.of(0, 1, 0).buffer));
    const diffusion = encodeSequence(0x00189117, [
      [
        encodeElement(0x00189087, 'FD', new Uint8Array(Float64Array.of(1000).buffer)),
        encodeSequence(0x00189076, [[direction]]),
      ],
    ]).subarray(12);
    const inFrame = change([0x00189117, 'SQ', diffusion]);
    const { dataSet } = readInstance(
      changeItem('PerFrameFunctionalGroupsSequence', 1, inFrame)(enhancedCt({ frames: 3 })),
    );
    expect(imagePlace(dataSet, 1).told.slice(-2)).toEqual(['1000', '0\\1\\0']);
    expect(imagePlace(dataSet, 0).told.slice(-2)).toEqual([null, null]);
  });

  it('is read for each frame from its functional groups', () => {
    const { dataSet } = readInstance(enhancedCt({ frames: 3 }));
    const places = [0, 1, 2].map((frame) => imagePlace(dataSet, frame));
    expect(places.map(({ position }) => position[2])).toEqual([0, 2, 4]);
    for (const place of places) {
      expect(place).toMatchObject({ orientation: [1, 0, 0, 0, 1, 0], spacing: [3.75, 3.75], rows: 96, columns: 96 });
      expect(place.told).toEqual(places[0]?.told);
      expect(place.told).toContain('B30f'); // shared
      expect(place.told).toContain('20260301101730'); // of the frame
    }
  });
});
