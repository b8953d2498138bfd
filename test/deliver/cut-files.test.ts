import { rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { spoiltAmong } from '../../src/deliver/cut-files.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { withFolder } from '../support/temporary.js';

const names = ['whole', 'by-a-byte', 'of-its-data-set', 'in-its-meta-group', 'empty', 'gone', 'dead'] as const;

it.each(['original', 'result'] as const)(
  'a file of an %s that has lost its end is found, and one that is gone; one that is whole, or does not answer, is left to who opens it',
  async (origin) => {
    await withFolder(async (folder) => {
      const syntax = { sopClassUid: '1.2', transferSyntaxUid: '1.2.840.10008.1.2.1' };
      const meta = writeFileMeta({ ...syntax, sopInstanceUid: '1.2.3', sendingAe: 'SCANNER' });
      const dataSetBytes = 200; // shorter than the file meta group: a file cut to nothing but that is as long as the data set was
      const bytes = origin === 'original' ? dataSetBytes : meta.length + dataSetBytes;
      const at = (name: (typeof names)[number]): string => join(folder, name);
      const outgoing = names.map((name): Outgoing => {
        return { file: at(name), sopInstanceUid: name, ...syntax, origin, bytes };
      });
      for (const { file } of outgoing) await writeFile(file, Buffer.concat([meta, new Uint8Array(dataSetBytes)]));
      const { size } = await stat(at('whole'));
      await truncate(at('by-a-byte'), size - 1);
      await truncate(at('of-its-data-set'), meta.length);
      await truncate(at('in-its-meta-group'), meta.length - 20);
      await truncate(at('empty'));
      await rm(at('gone'));
      await rm(at('dead'));
      await symlink(at('dead'), at('dead')); // looking at it fails: ELOOP
      const spoilt = [...(await spoiltAmong(outgoing)).values()];
      expect(spoilt.map((one) => [one.sopInstanceUid, one.class])).toEqual([
        ['by-a-byte', 'permanent'],
        ['of-its-data-set', 'permanent'],
        ['in-its-meta-group', 'permanent'],
        ['empty', 'permanent'],
        ['gone', 'transient'],
      ]);
    });
  },
);
