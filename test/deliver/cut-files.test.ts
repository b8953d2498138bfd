import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { cutAmong } from '../../src/deliver/cut-files.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { withFolder } from '../support/temporary.js';

it('a file that has lost its end is found; one that is whole, or not there, is left to who opens it', async () => {
  await withFolder(async (folder) => {
    const outgoing = ['whole', 'cut', 'empty', 'gone'].map((name): Outgoing => {
      const syntax = { sopClassUid: '1.2', transferSyntaxUid: '1.2.840.10008.1.2.1' };
      return { file: join(folder, name), sopInstanceUid: name, ...syntax, origin: 'original', bytes: 2000 };
    });
    for (const { file } of outgoing) await writeFile(file, new Uint8Array(2500));
    const [, cut, empty, gone] = outgoing.map(({ file }) => file);
    await truncate(cut ?? '', 1999);
    await truncate(empty ?? '');
    await rm(gone ?? '');
    expect([...(await cutAmong(outgoing))].map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(['cut', 'empty']);
  });
});
