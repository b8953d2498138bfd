import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { enhanceCommand } from '../../src/cli/enhance.js';
import { filesBelow, readEach, tellLeftOut } from '../../src/cli/files.js';
import { LimpidError } from '../../src/errors.js';
import { withFolder } from '../support/temporary.js';

describe('files below the paths of a command', () => {
  it('are those of its folders too; a link to nothing is told by who reads it, devices and links back are passed over', async () => {
    await withFolder(async (folder) => {
      await mkdir(join(folder, 'series'));
      for (const name of ['b', 'series/a']) await writeFile(join(folder, name), '');
      await symlink('nowhere', join(folder, 'dangling'));
      await symlink('..', join(folder, 'series', 'up'));
      const device = join(folder, 'device');
      await symlink('/dev/zero', device);
      const found = await filesBelow([folder, join(folder, 'b')]);
      expect(found).toEqual(['b', 'dangling', 'series/a', 'b'].map((name) => join(folder, name)));
      await expect(filesBelow([device])).rejects.toThrow('neither a file nor a folder');
      await expect(filesBelow([join(folder, 'dangling')])).rejects.toThrow('is not there');
      // What is there and cannot be reached is not said to be missing.
      await symlink('itself', join(folder, 'itself'));
      await expect(filesBelow([join(folder, 'itself')])).rejects.toThrow(/cannot be read: .*ELOOP/);
    });
  });
});

describe('files of which none is enhanced', () => {
  it('are DICOM objects nevertheless: what each lacks is told, no other reason', async () => {
    const lines: string[] = [];
    const output = { out: () => undefined, err: (text: string) => void lines.push(text), terminal: false };
    const refused = [{ file: '1.dcm', why: 'StudyInstanceUID is missing' }];
    let failures = 0;
    const enhance = enhanceCommand(
      () => Promise.resolve({ series: [], refused }),
      output,
      () => (failures += 1),
    );
    await enhance(['package.json'], { with: 'nlm', out: 'out', json: false });
    expect(lines).toEqual([
      'left out 1.dcm: StudyInstanceUID is missing',
      expect.stringMatching(/what each lacks is told above/),
    ]);
    expect(failures).toBe(1);
  });
});

describe('files of a command that are no instances', () => {
  it('are left out with the reason, and so are those that cannot be read; any other error is a fault', async () => {
    const denied = Object.assign(new Error('EACCES: permission denied, open'), { syscall: 'open' });
    const read = (file: string): Promise<string> => {
      if (file === 'image') return Promise.resolve('read');
      return Promise.reject(file === 'secret' ? denied : new LimpidError('DICOM_NOT_DICOM', 'no DICOM file'));
    };
    expect(await readEach(['image', 'notes.txt', 'secret'], read)).toEqual({
      found: ['read'],
      left: [
        { file: 'notes.txt', why: 'no DICOM file' },
        { file: 'secret', why: 'EACCES: permission denied, open' },
      ],
    });
    const fault = new TypeError('a mistake in limpid');
    await expect(readEach(['image'], () => Promise.reject(fault))).rejects.toBe(fault);
  });

  it('are told by name, but of many for one reason three, and how many more', () => {
    const lines: string[] = [];
    const output = { out: () => undefined, err: (text: string) => void lines.push(text), terminal: false };
    const pictures = [1, 2, 3, 4, 5].map((number) => ({ file: `${number}.png`, why: 'no DICOM file' }));
    tellLeftOut(output, [...pictures, { file: 'cut.dcm', why: 'it is cut' }]);
    expect(lines).toEqual([
      'left out 1.png: no DICOM file',
      'left out 2.png: no DICOM file',
      'left out 3.png: no DICOM file',
      'left out 2 more: no DICOM file',
      'left out cut.dcm: it is cut',
    ]);
  });

  it('are not told where `limpid enhance` wrote them beside its images', () => {
    const lines: string[] = [];
    const output = { out: () => undefined, err: (text: string) => void lines.push(text), terminal: false };
    const files = ['out/k/t/maps/1.png', 'out/k/t/outcome.json', 'out/k/t/panels/1.png', 'maps/1.png', 'out/k/t/1.png'];
    tellLeftOut(
      output,
      files.map((file) => ({ file, why: 'no DICOM file' })),
    );
    expect(lines).toEqual(['left out maps/1.png: no DICOM file', 'left out out/k/t/1.png: no DICOM file']);
  });
});
