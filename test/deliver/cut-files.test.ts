import { rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { spoiltAmong } from '../../src/deliver/cut-files.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { withFolder } from '../support/temporary.js';

it('a file that has lost its end is found, and one that is gone; one that is whole, or does not answer, is left to who opens it', async () => {
  await withFolder(async (folder) => {
    const outgoing = ['whole', 'cut', 'empty', 'gone', 'dead'].map((name): Outgoing => {
      const syntax = { sopClassUid: '1.2', transferSyntaxUid: '1.2.840.10008.1.2.1' };
      return { file: join(folder, name), sopInstanceUid: name, ...syntax, origin: 'original', bytes: 2000 };
    });
    for (const { file } of outgoing) await writeFile(file, new Uint8Array(2500));
    const [, cut, empty, gone, dead] = outgoing.map(({ file }) => file);
    await truncate(cut ?? '', 1999);
    await truncate(empty ?? '');
    await rm(gone ?? '');
    await rm(dead ?? '');
    await symlink(dead ?? '', dead ?? ''); // stat fails: ELOOP
    const spoilt = [...(await spoiltAmong(outgoing)).values()];
    expect(spoilt.map((one) => [one.sopInstanceUid, one.class])).toEqual([
      ['cut', 'permanent'],
      ['empty', 'permanent'],
      ['gone', 'transient'],
    ]);
  });
});
