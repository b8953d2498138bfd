import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { decodeText } from '../../src/dicom/charset.js';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { withdrawalUids } from '../../src/dicom/uid.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { find, items, text } from '../../src/dicom/values.js';
import { rawText } from '../../src/derive/raw-text.js';
import { studyHeader } from '../../src/derive/study-header.js';
import { withdrawalDocument } from '../../src/derive/withdrawal-document.js';
import type { WithdrawalPlan } from '../../src/derive/withdrawal-document.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { heldSeries } from '../process/orthanc.js';
import { describeWithPeers, findPeer, startOrthanc } from '../support/peers.js';
import { syntheticCt } from '../support/derivation.js';
import { set } from '../support/planted-faults.js';
import { withFolder } from '../support/temporary.js';

const plan: WithdrawalPlan = {
  seriesInstanceUid: '2.25.145402455118075186312274186949997117444',
  instances: [1, 2, 3].map((slice) => ({ sopClassUid: sopClasses.ct, sopInstanceUid: `2.25.${slice}` })),
  reason: 'quality',
  because: 'artifact',
  why: 'rings',
  running: 1,
  atMs: Date.UTC(2026, 10, 21, 10, 16),
  node: { aeTitle: 'LIMPID', stationName: 'limpid', deviceSerialNumber: 'node-1' },
};
const source = readInstance(syntheticCt(0)).dataSet;
const documentOf = (change: Partial<WithdrawalPlan> = {}) =>
  readInstance(withdrawalDocument(source, { ...plan, ...change }).bytes);
const codeOf = (ds: Parameters<typeof items>[0], keyword: string): string[] =>
  items(ds, keyword).map((item) => `${text(item, 'CodeValue')} ${text(item, 'CodingSchemeDesignator')}`);

describe('the document that withdraws a series', () => {
  it('has the UIDs of the recipe (its test vector) and the title of the reason', () => {
    const { dataSet, part10 } = documentOf();
    expect(text(dataSet, 'SeriesInstanceUID')).toBe('2.25.307899615015982165797400979484575610761');
    expect(text(dataSet, 'SOPInstanceUID')).toBe('2.25.221173254681690481303960867374773150685');
    expect(part10.meta.mediaStorageSopInstanceUid).toBe(text(dataSet, 'SOPInstanceUID'));
    expect(text(dataSet, 'SOPClassUID')).toBe(sopClasses.keyObjectSelection);
    expect(codeOf(dataSet, 'ConceptNameCodeSequence')).toEqual(['113001 DCM']);
    const safety = documentOf({ reason: 'safety', because: null }).dataSet;
    expect(codeOf(safety, 'ConceptNameCodeSequence')).toEqual(['113037 DCM']);
    expect(text(safety, 'SOPInstanceUID')).toBe(withdrawalUids(plan.seriesInstanceUid, '113037', 1).document);
    expect(text(documentOf({ running: 2 }).dataSet, 'SeriesInstanceUID')).not.toBe(text(dataSet, 'SeriesInstanceUID'));
  });

  it('says modifier (quality only), reason in words, and every instance twice: content and evidence', () => {
    const contents = (change: Partial<WithdrawalPlan>) =>
      items(documentOf(change).dataSet, 'ContentSequence').map(
        (item) => `${text(item, 'RelationshipType')} ${text(item, 'ValueType')}`,
      );
    expect(contents({})).toEqual([
      'HAS CONCEPT MOD CODE',
      'CONTAINS TEXT',
      ...plan.instances.map(() => 'CONTAINS IMAGE'),
    ]);
    expect(contents({ reason: 'safety' })).toEqual(['CONTAINS TEXT', ...plan.instances.map(() => 'CONTAINS IMAGE')]);
    const { dataSet } = documentOf();
    const [modifier, words, ...images] = items(dataSet, 'ContentSequence');
    if (modifier === undefined || words === undefined) throw new Error('no content');
    expect(codeOf(modifier, 'ConceptCodeSequence')).toEqual(['111207 DCM']);
    expect(text(words, 'TextValue')).toBe('rings');
    const referenced = images.flatMap((image) =>
      items(image, 'ReferencedSOPSequence').map((item) => text(item, 'ReferencedSOPInstanceUID')),
    );
    const [study] = items(dataSet, 'CurrentRequestedProcedureEvidenceSequence');
    const [series] = study === undefined ? [] : items(study, 'ReferencedSeriesSequence');
    const evidence = series === undefined ? [] : items(series, 'ReferencedSOPSequence');
    expect(referenced).toEqual(['2.25.1', '2.25.2', '2.25.3']);
    expect(evidence.map((item) => text(item, 'ReferencedSOPInstanceUID'))).toEqual(referenced);
    expect(series && text(series, 'SeriesInstanceUID')).toBe(plan.seriesInstanceUid);
  });

  it.each([
    ['ISO_IR 100', 'für Ω\nß', 'für ? ß'],
    ['ISO 2022 IR 100\\ISO 2022 IR 87', 'für', 'für'],
    ['ISO_IR 192', 'für Ω 直', 'für Ω 直'],
    ['ISO_IR 144', 'für Größe', 'fur Grosse'],
    ['', 'fu\u0308r Ω ﬁ', 'fur ? fi'],
  ])('says the reason in the character set of the study: %s', (sets, why, expected) => {
    const study = readInstance(set('SpecificCharacterSet', 'CS', sets)(syntheticCt(0))).dataSet;
    const { dataSet } = readInstance(withdrawalDocument(study, { ...plan, why }).bytes);
    const words = items(dataSet, 'ContentSequence').find((item) => text(item, 'ValueType') === 'TEXT');
    expect(words && decodeText(rawText(words, 'TextValue'), sets.split('\\'))).toBe(expected);
  });

  it('takes patient and study over byte for byte, from an instance or from the header that is kept of it', () => {
    const { dataSet } = documentOf();
    expect(rawText(dataSet, 'PatientName')).toEqual(rawText(source, 'PatientName'));
    for (const keyword of ['PatientID', 'StudyInstanceUID', 'StudyDate', 'AccessionNumber', 'SpecificCharacterSet'])
      expect([keyword, text(dataSet, keyword)]).toEqual([keyword, text(source, keyword)]);
    expect(items(dataSet, 'ReferencedRequestSequence').map((item) => text(item, 'AccessionNumber'))).toEqual(['A1']);
    for (const keyword of ['KVP', 'ImageType', 'PixelData', 'Rows', 'PerformedProcedureStepStartDate'])
      expect([keyword, find(dataSet, keyword)]).toEqual([keyword, undefined]);
    const header = readInstance(studyHeader(source));
    expect(find(header.dataSet, 'PixelData')).toBeUndefined();
    expect(header.bytes.length).toBeLessThan(1000);
    expect(withdrawalDocument(header.dataSet, plan).bytes).toEqual(withdrawalDocument(source, plan).bytes);
  });

  it('is the same whenever it is made, and has the words of the title where no reason is given', () => {
    expect(documentOf().bytes).toEqual(documentOf().bytes);
    expect(documentOf().part10.meta.sourceAe).toBe('LIMPID');
    const said = (why: string) => {
      const words = items(documentOf({ why, reason: 'safety' }).dataSet, 'ContentSequence')[0];
      return words && text(words, 'TextValue');
    };
    expect(said('für immer')).toBe('für immer');
    expect(said('  ')).toBe('Rejected for Patient Safety Reasons');
  });
});

describeWithPeers(['dciodvfy'], 'dciodvfy on documents that withdraw', () => {
  it.each([
    ['quality', new Map<number, Uint8Array>()],
    ['safety', new Map<number, Uint8Array>()],
    [
      'a source without an order or a character set',
      new Map([0x00080050, 0x00080005, 0x00100010].map((tag) => [tag, new Uint8Array(0)])),
    ],
    [
      'a source with more of the patient',
      new Map([
        [0x00101010, encodeElement(0x00101010, 'AS', '045Y')],
        [0x00101030, encodeElement(0x00101030, 'DS', '70')],
      ]),
    ],
  ])('finds no error: %s', async (name, extra) => {
    await withFolder(async (folder) => {
      const file = join(folder, 'kos.dcm');
      const study = readInstance(syntheticCt(0, extra)).dataSet;
      await writeFile(
        file,
        withdrawalDocument(study, { ...plan, reason: name === 'safety' ? 'safety' : 'quality' }).bytes,
      );
      const { stderr } = await promisify(execFile)(findPeer('dciodvfy') ?? '', [file]).catch(
        (error: { stderr: string }) => error,
      );
      expect(stderr.split('\n').filter((line) => /^(Error|Warning)/.test(line))).toEqual([]);
      expect(stderr).toContain('KeyObjectSelectionDocument');
    });
  });
});

describeWithPeers(['Orthanc'], 'Orthanc', () => {
  it('takes the document and knows it by its modality', async () => {
    const orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } } });
    try {
      await withFolder(async (folder) => {
        const file = join(folder, 'kos.dcm');
        await writeFile(file, withdrawalDocument(source, plan).bytes);
        const target = { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort, callingAe: 'LIMPID' };
        const { outcomes } = await send(target, [await readOutgoing(file)], {
          associations: 1,
          log: openLog('silent'),
        });
        expect(outcomes.map(({ status }) => status)).toEqual([0]);
      });
      const [held] = await heldSeries(orthanc.url);
      expect(held?.seriesInstanceUid).toBe(text(documentOf().dataSet, 'SeriesInstanceUID'));
    } finally {
      await orthanc.stop();
    }
  });
});
