// What a conversion to a Legacy Converted object left of the classic headers (PS3.3 C.7.6.16.2.25, C.7.6.16.2.26): what it says of the
// source's pixels does not go on to the derived object.
import { describe, expect, it } from '@jest/globals';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { FrameLayers } from '../../src/dicom/functional-groups.js';
import { isReason, ofOtherFrame, pixelDescription } from '../../src/dicom/pixel-description.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { items, text } from '../../src/dicom/values.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { planFor, smoothed } from '../support/derivation.js';
import { derivedObject } from '../support/derived-object.js';
import type { OnFrame } from '../support/derived-object.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { changeItem, set, tag } from '../support/planted-faults.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const [size, frames] = [48, 3];
const [shared, perFrame] = ['SharedFunctionalGroupsSequence', 'PerFrameFunctionalGroupsSequence'];
const [ofAll, ofFrame] = [
  'UnassignedSharedConvertedAttributesSequence',
  'UnassignedPerFrameConvertedAttributesSequence',
];

/** Elements of a classic header, in order: some hold for derived pixels too. */
const left = joined([
  encodeElement(tag('ProtocolName'), 'LO', 'Abdomen'),
  encodeElement(tag('SmallestImagePixelValue'), 'US', 7),
  encodeElement(tag('LargestImagePixelValue'), 'US', 4000),
  encodeElement(tag('SmallestPixelValueInSeries'), 'US', 3),
  encodeElement(tag('LargestPixelValueInSeries'), 'US', 4095),
  encodeElement(tag('SmallestImagePixelValueInPlane'), 'US', 7),
  encodeElement(tag('LargestImagePixelValueInPlane'), 'US', 4000),
  encodeElement(tag('WindowCenter'), 'DS', '40'),
  encodeSequence(tag('HistogramSequence'), [[encodeElement(tag('HistogramNumberOfBins'), 'US', 1)]]),
  encodeSequence(tag('IconImageSequence'), [[encodeElement(tag('Rows'), 'US', 64)]]),
  encodeElement(0x50000010, 'US', 1),
  encodeElement(0x60000010, 'US', size),
  encodeElement(0x60000100, 'US', 1),
  encodeElement(0x60020010, 'US', size),
  encodeElement(0x60020100, 'US', 16),
]);
const value = (keyword: string): Uint8Array => encodeSequence(tag(keyword), [[left]]).subarray(12);

const planted = [
  changeItem(shared, 0, set(ofAll, 'SQ', value(ofAll))),
  ...Array.from({ length: frames }, (_, frame) => changeItem(perFrame, frame, set(ofFrame, 'SQ', value(ofFrame)))),
].reduce(
  (bytes, plant) => plant(bytes),
  set('SOPClassUID', 'UI', sopClasses.legacyConvertedCt)(enhancedCt({ frames, size })),
);
const source = readInstance(planted);

/** Tags of the leftovers: of all frames, then of each. */
async function leftOf(plan: DerivationPlan, onFrame: OnFrame): Promise<readonly (readonly number[])[]> {
  const { bytes, faults } = await derivedObject(source, plan, onFrame, now);
  expect(faults).toEqual([]);
  const { dataSet } = readInstance(bytes);
  return [
    ...items(dataSet, shared).flatMap((item) => items(item, ofAll)),
    ...items(dataSet, perFrame).flatMap((item) => items(item, ofFrame)),
  ].map(({ elements }) => elements.map((element) => element.tag));
}

describe('attributes that a conversion assigned to no group', () => {
  it('are kept, but for what speaks of other pixels', async () => {
    expect(text(source.dataSet, 'SOPClassUID')).toBe(sopClasses.legacyConvertedCt);
    const kept = [tag('ProtocolName'), tag('WindowCenter'), 0x60000010, 0x60000100];
    expect(await leftOf(planFor([source]), smoothed)).toEqual(Array.from({ length: 1 + frames }, () => kept));
  });

  it('lose the overlays where the grid is finer', async () => {
    const plan = planFor([source], 0);
    const finer: DerivationPlan = {
      ...plan,
      model: { ...plan.model, mark: 'SR2x' },
      series: { ...plan.series, description: new TextEncoder().encode('limpid SR2x Abdomen simulated') },
      geometry: { scale: 2, sampling: 'half_pixel' },
    };
    const twice: OnFrame = (stored, { rows, columns }) =>
      Int32Array.from(
        { length: 4 * stored.length },
        (_, at) => stored[Math.floor(at / (4 * columns)) * columns + (Math.floor(at / 2) % columns)] ?? rows,
      );
    const kept = [tag('ProtocolName'), tag('WindowCenter')];
    expect(await leftOf(finer, twice)).toEqual(Array.from({ length: 1 + frames }, () => kept));
  });

  it('say which values of each frame are padding', () => {
    const lows = [0xf830, 0xfff0, 0x0005]; // with the VR that the sender should not have written
    const { dataSet } = readInstance(
      lows.reduce(
        (bytes, low, frame) =>
          changeItem(
            perFrame,
            frame,
            set(
              ofFrame,
              'SQ',
              encodeSequence(tag(ofFrame), [[encodeElement(tag('PixelPaddingValue'), 'US', low)]]).subarray(12),
            ),
          )(bytes),
        planted,
      ),
    );
    const first = pixelDescription(dataSet);
    if (isReason(first)) throw new Error(first.code);
    const layers = new FrameLayers(dataSet);
    const expected = lows.map((low) => {
      const own = first.signed ? (low << 16) >> 16 : low;
      return { low: own, high: own };
    });
    expect(lows.map((_, frame) => pixelDescription(dataSet, frame))).toMatchObject(
      expected.map((padding) => ({ padding })),
    );
    expect(lows.map((_, frame) => ofOtherFrame(first, dataSet, layers.standardOf(frame)))).toMatchObject(
      expected.map((padding) => ({ padding })),
    );
  });

  it('have an object refused whose frames have a Modality LUT there', () => {
    const lut = encodeSequence(tag('ModalityLUTSequence'), [[encodeElement(tag('ModalityLUTType'), 'LO', 'US')]]);
    const { dataSet } = readInstance(
      changeItem(perFrame, 1, set(ofFrame, 'SQ', encodeSequence(tag(ofFrame), [[lut]]).subarray(12)))(planted),
    );
    const first = pixelDescription(dataSet);
    if (isReason(first)) throw new Error(first.code);
    const refused = { code: 'BAD_RESCALE', detail: 'Modality LUT' };
    expect(pixelDescription(dataSet, 1)).toEqual(refused);
    expect(ofOtherFrame(first, dataSet, new FrameLayers(dataSet).standardOf(1))).toEqual(refused);
  });
});
