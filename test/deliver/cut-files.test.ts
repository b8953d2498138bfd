import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { cutAmong } from '../../src/deliver/cut-files.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { withFolder } from '../support/temporary.js';

const names = ['whole', 'by-a-byte', 'of-its-data-set', 'in-its-meta-group', 'empty', 'gone'] as const;

it.each(['original', 'result'] as const)(
  'a file of an %s that has lost its end is found; one that is whole, or not there, is left to who opens it',
  async (origin) => {
    await withFolder(async (folder) => {
      const syntax = { sopClassUid: '1.2', transferSyntaxUid: '1.2.840.10008.1.2.1' };
      const meta = writeFileMeta({ ...syntax, sopInstanceUid: '1.2.3', sendingAe: 'SCANNER' });
      const dataSetBytes = 200; // shorter than the file meta group: a file cut to nothing but that is as long as the data set was
      const bytes = origin === 'original' ? dataSetBytes : meta.length + dataSetBytes;
      const outgoing = names.map((name): Outgoing => {
        return { file: join(folder, name), sopInstanceUid: name, ...syntax, origin, bytes };
      });
      for (const { file } of outgoing) await writeFile(file, Buffer.concat([meta, new Uint8Array(dataSetBytes)]));
      const { size } = await stat(join(folder, 'whole'));
      await truncate(join(folder, 'by-a-byte'), size - 1);
      await truncate(join(folder, 'of-its-data-set'), meta.length);
      await truncate(join(folder, 'in-its-meta-group'), meta.length - 20);
      await truncate(join(folder, 'empty'));
      await rm(join(folder, 'gone'));
      expect([...(await cutAmong(outgoing))].map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(names.slice(1, 5));
    });
  },
);
