import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { resultMade } from '../../src/audit/events.js';
import { auditXml } from '../../src/audit/message.js';
import { readSubject } from '../../src/audit/subject.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const ct = { sopClassUid: '1.2.840.10008.5.1.4.1.1.2' };
const mr = { sopClassUid: '1.2.840.10008.5.1.4.1.1.4' };
const oneSlice = { modality: 'CT', seed: 3, slices: 1, rows: 32, columns: 32, noise: 5 } as const;

describe('the subject of an audit message', () => {
  it('is the patient and study of a file, with the instances counted by class', async () => {
    await withFolder(async (folder) => {
      const series = await writeSyntheticSeries(join(folder, 'ct'), oneSlice);
      const subject = await readSubject(series.files[0] ?? '', [ct, mr, ct], null);
      expect(subject.studyInstanceUid).toMatch(/^[0-9.]+$/);
      expect(subject.patientId).not.toBe('');
      expect([...subject.classes]).toEqual([
        [ct.sopClassUid, 2],
        [mr.sopClassUid, 1],
      ]);
    });
  });

  it('fits a datagram, however long the values of a file are', async () => {
    await withFolder(async (folder) => {
      const long = '&'.repeat(20_000);
      const series = await writeSyntheticSeries(join(folder, 'ct'), {
        ...oneSlice,
        change: () => [
          [0x00080050, 'SH', long],
          [0x00081030, 'LO', long],
          [0x00100010, 'PN', long],
          [0x00100020, 'LO', long],
        ],
      });
      const subject = await readSubject(series.files[0] ?? '', [ct], null);
      expect(subject.patientName).toMatch(/^&+$/);
      const node = { aeTitle: 'LIMPID', host: 'node', processId: '1', account: 'limpid' };
      const xml = auditXml(resultMade(node, subject, 0), { id: 'limpid', enterpriseSite: null });
      expect(Buffer.byteLength(xml)).toBeLessThan(60_000);
    });
  });

  it('is what is known where the file is gone, or none', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'text');
      await writeFile(file, 'not DICOM');
      const known = { studyInstanceUid: '1.2.3', patientId: '', patientName: '', accessionNumbers: [] };
      expect(await readSubject(join(folder, 'gone'), [ct], '1.2.3')).toMatchObject(known);
      expect(await readSubject(file, [ct], '1.2.3')).toMatchObject(known);
    });
  });
});
