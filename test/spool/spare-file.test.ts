import { closeSync, fstatSync, statSync } from 'node:fs';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { doFileJob } from '../../src/spool/disk-job.js';
import { SpareFile } from '../../src/spool/spare-file.js';
import { withFolder } from '../support/temporary.js';

describe('a spare file', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is given away once, under the name that is asked for; without one a file is made', () =>
    withFolder(async (folder) => {
      const spare = new SpareFile();
      spare.refill(join(folder, 'spare-1'));
      spare.refill(join(folder, 'spare-2')); // there is one
      expect(await readdir(folder)).toEqual(['spare-1']);
      const { ino } = statSync(join(folder, 'spare-1'));
      const first = spare.open(join(folder, 'incoming-1'));
      const second = spare.open(join(folder, 'incoming-2'));
      expect((await readdir(folder)).sort()).toEqual(['incoming-1', 'incoming-2']);
      expect(fstatSync(first).ino).toBe(ino);
      expect(fstatSync(second).ino).not.toBe(ino);
      for (const descriptor of [first, second]) closeSync(descriptor);
      expect(() => spare.open(join(folder, 'incoming-1'))).toThrow('EEXIST');
    }));

  it('becomes the file of the next instance', () =>
    withFolder(async (folder) => {
      const spare = new SpareFile();
      const path = join(folder, 'incoming-1');
      const link = join(folder, 'final');
      const parts = [Buffer.from('first '), Buffer.from('second')];
      spare.refill(join(folder, 'spare-1'));
      const { ino } = statSync(join(folder, 'spare-1'));
      const done = doFileJob(
        { path, descriptor: 'new', parts, close: true, link, marker: join(folder, 'none') },
        spare,
      );
      expect(done).toEqual({ descriptor: null, linked: 'made', isMarked: false });
      expect(await readFile(link, 'utf8')).toBe('first second');
      expect(statSync(link).ino).toBe(ino);
      expect(await readdir(folder)).toEqual(['final']);
    }));

  it('is removed and closed when nobody sends any more', () =>
    withFolder(async (folder) => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
      const spare = new SpareFile();
      spare.refill(join(folder, 'spare-1'));
      jest.advanceTimersByTime(999);
      expect(await readdir(folder)).toEqual(['spare-1']);
      jest.advanceTimersByTime(1);
      expect(await readdir(folder)).toEqual([]);
    }));

  it('is done without where it cannot be made, or its folder has gone', () =>
    withFolder(async (folder) => {
      const spare = new SpareFile();
      const within = join(folder, 'tmp');
      spare.refill(join(within, 'spare-1'));
      expect(() => spare.open(join(within, 'incoming-1'))).toThrow('ENOENT');
      await mkdir(within);
      spare.refill(join(within, 'spare-2'));
      await rm(within, { recursive: true });
      expect(() => spare.open(join(within, 'incoming-1'))).toThrow('ENOENT');
      await mkdir(within);
      closeSync(spare.open(join(within, 'incoming-1')));
      expect(await readdir(within)).toEqual(['incoming-1']);
    }));
});
