// Section 3.5 of the conformance rules, row by row: texts, codes, references.
import { expect } from '@jest/globals';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { modelDeviceUid } from '../../src/dicom/uid.js';
import { find, items, number, text, texts } from '../../src/dicom/values.js';
import { derivedSeriesNumber } from '../../src/derive/series-number.js';
import { standardCodes } from '../../src/derive/standard-codes.js';
import { version } from '../../src/version.js';
import { tablesOf } from '../support/conformance-rules.js';
import { classic, macroOf, rowsWithProofs } from '../support/derived-pair.js';
import type { Change } from '../support/derived-pair.js';
import { planFor, syntheticSeries } from '../support/derivation.js';

const [ofTexts = []] = tablesOf('### 3.5');
const of = async (keyword: string, changes: readonly Change[] = []): Promise<string[]> =>
  texts((await classic(changes)).to, keyword);
const { model } = planFor(syntheticSeries(1));

rowsWithProofs('3.5: texts, codes, references', ofTexts, {
  'Image Type values': async () => {
    expect(await of('ImageType')).toEqual(['DERIVED', 'SECONDARY', 'AXIAL', 'LIMPID']);
    const us = await of('ImageType', [
      [0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ABDOMINAL'],
      [0x00080060, 'CS', 'US'],
    ]);
    expect(us).toEqual(['DERIVED', 'SECONDARY', 'ABDOMINAL', '', 'LIMPID']);
  },
  'SeriesDescription (LO, 64 characters)': async () => {
    expect(await of('SeriesDescription', [[0x0008103e, 'LO', 'x'.repeat(64)]])).toEqual([
      `limpid DN ${'x'.repeat(54)}`,
    ]);
    expect(
      await of('SeriesDescription', [
        [0x0008103e, 'LO', ''],
        [0x00181030, 'LO', 'Chest'],
      ]),
    ).toEqual(['limpid DN Chest']);
    expect(await of('SeriesDescription', [[0x0008103e, 'LO', '']])).toEqual(['limpid DN CT']);
  },
  'SeriesNumber (IS)': async () => {
    expect(await of('SeriesNumber')).toEqual(['301']);
    expect([null, -1, 0, 21_474_836, 21_474_835].map((source) => derivedSeriesNumber(source, 2))).toEqual([
      9002, 9002, 9002, 9002, 2_147_483_502,
    ]);
  },
  'DerivationDescription (ST, 1024)': async () =>
    expect(await of('DerivationDescription', [[0x00082111, 'ST', 'MPR']])).toEqual([
      `MPR; limpid ${version}: noise reduction, ct-low-dose 1.2.0, noise 24.1 to 14.5 HU`,
    ]),
  DerivationCodeSequence: async () => {
    const step = [encodeElement(0x00080100, 'SH', '113072'), encodeElement(0x00080102, 'SH', 'DCM')];
    const { to } = await classic([[0x00089215, 'SQ', encodeSequence(0, [step]).subarray(12)]]);
    expect(items(to, 'DerivationCodeSequence').map((item) => text(item, 'CodeValue'))).toEqual(['113072', 'NR']);
    expect(standardCodes(model.codes).map(({ value }) => value)).toEqual(['113087']);
  },
  SourceImageSequence: async () => {
    const uid = '1.2.826.0.1.3680043.10.999.1.0';
    const { to, from } = await classic([], { contextSlices: new Map([[uid, ['1.2.3', '1.2.4']]]) });
    const sources = items(to, 'SourceImageSequence');
    expect(sources.map((item) => text(item, 'ReferencedSOPInstanceUID'))).toEqual([uid, '1.2.3', '1.2.4']);
    for (const item of sources) {
      expect(text(item, 'ReferencedSOPClassUID')).toBe(text(from, 'SOPClassUID'));
      const purpose = macroOf(item, 'PurposeOfReferenceCodeSequence');
      expect([
        text(purpose, 'CodeValue'),
        text(purpose, 'CodingSchemeDesignator'),
        text(purpose, 'CodeMeaning'),
      ]).toEqual(['121322', 'DCM', 'Source image for image processing operation']);
    }
  },
  ContributingEquipmentSequence: async () => {
    const former = [encodeElement(0x00080070, 'LO', 'former')];
    const { to } = await classic([[0x0018a001, 'SQ', encodeSequence(0, [former]).subarray(12)]]);
    const [first, scanner, network] = items(to, 'ContributingEquipmentSequence');
    if (first === undefined || scanner === undefined || network === undefined) throw new Error('not three items');
    const purposes = [scanner, network].map((item) =>
      text(macroOf(item, 'PurposeOfReferenceCodeSequence'), 'CodeValue'),
    );
    expect([text(first, 'Manufacturer'), purposes]).toEqual(['former', ['109101', '109102']]);
    expect(
      ['Manufacturer', 'ManufacturerModelName', 'DeviceSerialNumber', 'StationName', 'InstitutionName'].map((keyword) =>
        text(scanner, keyword),
      ),
    ).toEqual(['ACME', 'Scanner 1', 'SN 7', 'CT1', 'General']);
    expect([
      text(network, 'ManufacturerModelName'),
      text(network, 'DeviceUID'),
      texts(network, 'SoftwareVersions'),
    ]).toEqual([model.id, modelDeviceUid(model.sha256), [model.version, `sha256:${model.sha256.slice(0, 32)}`]]);
    expect(text(network, 'ContributionDescription')).toMatch(/^noise reduction, settings \{"strength"/);
    const identified = await classic([
      [0x00080055, 'AE', 'CT1'],
      [0x0018100a, 'SQ', encodeSequence(0, [[encodeElement(0x00181009, 'UT', '(01)0088')]]).subarray(12)],
      [0x0018100b, 'UI', '1.2.3'],
      [0x00181204, 'DA', '20150101'],
      [0x00181205, 'DA', '20150601'],
    ]);
    const [maker] = items(identified.to, 'ContributingEquipmentSequence');
    if (maker === undefined) throw new Error('no item');
    expect(identified.faults).toEqual([]);
    expect(text(macroOf(maker, 'UDISequence'), 'UniqueDeviceIdentifier')).toBe('(01)0088');
    for (const keyword of ['StationAETitle', 'ManufacturerDeviceClassUID', 'DateOfManufacture', 'DateOfInstallation'])
      expect([text(maker, keyword), find(identified.to, keyword)]).toEqual([text(identified.from, keyword), undefined]);
    expect(find(identified.to, 'UDISequence')).toBeUndefined();
    const derived = await classic([
      [0x00080008, 'CS', 'DERIVED\\PRIMARY\\AXIAL'],
      [0x00080070, 'LO', ''],
    ]);
    const processing = items(derived.to, 'ContributingEquipmentSequence')[0];
    if (processing === undefined) throw new Error('no item');
    expect(text(processing, 'Manufacturer')).toBe('unknown');
    expect(text(macroOf(processing, 'PurposeOfReferenceCodeSequence'), 'CodeValue')).toBe('109102');
  },
  'ImageComments (LT)': async () =>
    expect(await of('ImageComments', [[0x00204000, 'LT', 'contrast']])).toEqual([
      'contrast; limpid: noise reduced, not for primary diagnosis',
    ]),
  'algorithm attributes': async () => {
    const { to } = await classic();
    for (const keyword of ['AlgorithmName', 'AlgorithmVersion', 'ReconstructionAlgorithm', 'ImageFilter'])
      expect([keyword, find(to, keyword)]).toEqual([keyword, undefined]);
    expect(number(to, 0x01771007)).toBe(0);
  },
  PresentationIntentType: async () => expect(find((await classic()).to, 'PresentationIntentType')).toBeUndefined(),
});
