// A folder as a destination: what is there stays, what cannot be written is the folder's failure, and two may write at once.
import { execFile } from 'node:child_process';
import { chmod, constants, mkdir, open, readFile, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { getuid } from 'node:process';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Outgoing } from '../../src/deliver/destination.js';
import { examineVolume } from '../../src/deliver/examine-folder.js';
import { folderDestination, longestMs } from '../../src/deliver/folder-destination.js';
import { diskOrder, moduleOf } from '../support/disk-order.js';
import { element } from '../support/dimse-bytes.js';
import type { TestFileValues } from '../support/part10-files.js';
import { writeTestFiles } from '../support/part10-files.js';
import { openFolder } from '../support/temporary.js';

let folder: Awaited<ReturnType<typeof openFolder>>;
const toRemove: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = await openFolder();
});
afterEach(async () => {
  for (const remove of toRemove.splice(0)) await remove();
  await folder.remove();
});

const at = (directory: string) =>
  folderDestination({ directory, layout: 'flat' }, { sync: 'never', sourceAe: 'LIMPID' });
const control = { signal: new AbortController().signal, pace: () => Promise.resolve(true) };
const written = async (values: readonly TestFileValues[]): Promise<Outgoing[]> => {
  const { instances, remove } = await writeTestFiles(values);
  toRemove.push(remove);
  return instances.map((instance) => ({ ...instance, bytes: 40_000, origin: 'result' }));
};
const many = Array.from({ length: 20 }, (_, index) => ({ sopInstanceUid: `1.2.3.${index + 1}` }));

describe('a folder', () => {
  it('keeps the first file of a name: the same bytes are delivered, others are refused for good', async () => {
    const destination = at(folder.path);
    const [first] = await written([{ sopInstanceUid: '1.2.3.1' }]);
    const [other] = await written([{ sopInstanceUid: '1.2.3.1', pixelBytes: 40_002 }]);
    if (!first || !other) throw new Error('no files');
    expect((await destination.send([first], control)).outcomes[0]).toMatchObject({ class: 'delivered', comment: '' });
    const kept = await readFile(join(folder.path, '1.2.3.1.dcm'));
    expect((await destination.send([first], control)).outcomes[0]).toMatchObject({ class: 'delivered' });
    expect(await destination.send([other], control)).toEqual({
      failure: null,
      outcomes: [
        {
          sopInstanceUid: '1.2.3.1',
          class: 'permanent',
          status: null,
          comment:
            'not written: a file of this instance with other bytes is there, and none is replaced: move it away, then requeue',
        },
      ],
    });
    expect(Buffer.compare(await readFile(join(folder.path, '1.2.3.1.dcm')), kept)).toBe(0);
    // A difference in the last byte alone is one too.
    const file = join(folder.path, '1.2.3.1.dcm');
    await writeFile(file, Buffer.concat([kept.subarray(0, -1), Buffer.of((kept.at(-1) ?? 0) ^ 1)]));
    expect((await destination.send([first], control)).outcomes[0]).toMatchObject({ class: 'permanent' });
    expect(await readdir(folder.path)).toEqual(['1.2.3.1.dcm']);
  });

  it('keeps no file open that it has compared', async () => {
    const destination = at(folder.path);
    const instances = await written(many);
    const others = await written(many.map((values) => ({ ...values, pixelBytes: 40_002 })));
    const openBelow = async () => {
      const links = (await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''));
      return (await Promise.all(links)).filter((path) => path.startsWith(folder.path));
    };
    await destination.send(instances, control);
    const classes = async (sent: readonly Outgoing[]) =>
      new Set((await destination.send(sent, control)).outcomes.map((outcome) => outcome.class));
    expect(await classes(instances)).toEqual(new Set(['delivered']));
    expect(await classes(others)).toEqual(new Set(['permanent']));
    await sleep(50); // a descriptor is closed by the pool
    expect(await openBelow()).toEqual([]);
  });

  it('finds the place of an instance behind a header of any length', async () => {
    const [instance] = await written([{ sopInstanceUid: '1.2.3.1' }]);
    if (!instance) throw new Error('no file');
    const short = await readFile(instance.file);
    const study = short.indexOf(Buffer.from([0x20, 0, 0x0d, 0]));
    const long = element(0x0019, 0x1010, 'OB', Buffer.alloc(100_000, 7));
    await writeFile(instance.file, Buffer.concat([short.subarray(0, study), long, short.subarray(study)]));
    const destination = folderDestination(
      { directory: folder.path, layout: 'study/series' },
      { sync: 'never', sourceAe: 'LIMPID' },
    );
    expect((await destination.send([instance], control)).outcomes).toMatchObject([{ class: 'delivered' }]);
    expect(await readdir(join(folder.path, '1.2.3.4', '1.2.3.5'))).toEqual(['1.2.3.1.dcm']);
  });

  it('holds nobody up whose volume does not answer, and asks nothing more of it until it does', async () => {
    const stuck = join(folder.path, 'stuck.dcm');
    await promisify(execFile)('mkfifo', [stuck]); // opening one that nobody writes to does not come back either
    const release = async () => (await open(stuck, constants.O_RDWR)).close();
    toRemove.push(release);
    const destination = at(folder.path);
    const [instance] = await written([{ sopInstanceUid: '1.2.3.1' }]);
    if (!instance) throw new Error('no file');
    const stopped = new AbortController();
    const sending = destination.send([{ ...instance, file: stuck }], { ...control, signal: stopped.signal });
    stopped.abort();
    const failure = { code: 'DELIVER_FOLDER', detail: 'the volume of the folder does not answer: ETIMEDOUT' };
    expect(await sending).toMatchObject({ failure, outcomes: [] });
    expect(await destination.probe(control.signal)).toMatchObject(failure);
    expect(await destination.send([instance], control)).toMatchObject({ failure, outcomes: [] });
    await release();
    while ((await destination.probe(control.signal)) !== null) await sleep(20);
    expect((await destination.send([instance], control)).outcomes[0]).toMatchObject({ class: 'delivered' });
  });

  it('gives a file the time that its size takes over a slow line', () => {
    expect(longestMs(0)).toBe(120_000);
    const seconds = (bytes: number, perSecond: number) => (1000 * bytes) / perSecond;
    for (const bytes of [5e5, 1.2e9, 4e9]) expect(longestMs(bytes)).toBeGreaterThan(seconds(bytes, 125_000));
  });

  it('knows its own file again that a node of another title or version has written', async () => {
    const [first] = await written([{ sopInstanceUid: '1.2.3.1' }]);
    if (!first) throw new Error('no file');
    const earlier = folderDestination(
      { directory: folder.path, layout: 'flat' },
      { sync: 'never', sourceAe: 'OLDER_TITLE' },
    );
    await earlier.send([first], control);
    const kept = await readFile(join(folder.path, '1.2.3.1.dcm'));
    expect((await at(folder.path).send([first], control)).outcomes[0]).toMatchObject({ class: 'delivered' });
    expect((await readFile(join(folder.path, '1.2.3.1.dcm'))).equals(kept)).toBe(true);
    // What is there and no DICOM at all is another one's.
    await writeFile(join(folder.path, '1.2.3.1.dcm'), 'notes');
    expect((await at(folder.path).send([first], control)).outcomes[0]).toMatchObject({ class: 'permanent' });
  });

  it('whose disk takes only a part of a file has not got it: no short file is left, and it is tried again', async () => {
    const instances = await written([{ sopInstanceUid: '1.2.3.1', pixelBytes: 200_000 }]);
    const module = moduleOf('deliver/folder-destination.js');
    // Files of a process with this limit end as those on a full disk: a write takes a part, the next one fails.
    const program = `import { folderDestination } from ${JSON.stringify(module)};
      const destination = folderDestination(${JSON.stringify({ directory: folder.path, layout: 'flat' })}, { sync: 'always', sourceAe: 'LIMPID' });
      const control = { signal: new AbortController().signal, pace: async () => true };
      console.log(JSON.stringify(await destination.send(${JSON.stringify(instances)}, control)));`;
    const shell = ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)('/bin/sh', shell);
    const failure = { code: 'DELIVER_FOLDER', detail: 'the folder cannot be written: EFBIG', pace: 'unreachable' };
    expect(JSON.parse(stdout)).toEqual({ failure, outcomes: [] });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('that is full does not pass its probe, and nothing of the probe is left', async () => {
    const module = moduleOf('deliver/folder-destination.js');
    const program = `import { folderDestination } from ${JSON.stringify(module)};
      const destination = folderDestination(${JSON.stringify({ directory: folder.path, layout: 'flat' })}, { sync: 'always', sourceAe: 'LIMPID' });
      console.log(JSON.stringify(await destination.probe(new AbortController().signal)));`;
    const shell = ['-c', 'ulimit -f 64; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', program];
    const { stdout } = await promisify(execFile)('/bin/sh', shell);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'DELIVER_FOLDER', detail: expect.stringContaining('EFBIG') });
    expect(await readdir(folder.path)).toEqual([]);
    expect(await at(folder.path).probe(control.signal)).toBeNull();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each([
    [{ bavail: 0 }, 'failed', /^the volume of \/out is full: 0 bytes free$/],
    [{ ffree: 0 }, 'failed', /^the volume of \/out can hold no more files$/],
    [{ files: 0, ffree: 0 }, 'ok', /can be written, 41.0 GB free$/], // it does not count them
    [{ bavail: 500_000 }, 'warning', /2.0 GB free$/],
    [{}, 'ok', /41.0 GB free$/],
  ])('is told by the doctor: a volume with %j is %s', (change, state, found) => {
    const volume = { bavail: 10_000_000, bsize: 4096, files: 1000, ffree: 900, ...change };
    const finding = examineVolume('/out', volume);
    expect(finding).toMatchObject({ state, found: expect.stringMatching(found) });
    expect(finding.advice === null).toBe(state === 'ok');
  });

  it('has a file when its bytes, its name and its folder are on the disk, and not before', async () => {
    const instances = await written(many.slice(0, 2));
    const order = await diskOrder(`
      import { folderDestination } from ${JSON.stringify(moduleOf('deliver/folder-destination.js'))};
      const settings = ${JSON.stringify({ directory: folder.path, layout: 'flat' })};
      const destination = folderDestination(settings, { sync: 'always', sourceAe: 'LIMPID' });
      const control = { signal: new AbortController().signal, pace: async () => true, told: () => say('told') };
      await destination.send(${JSON.stringify(instances)}, control);`);
    const steps = ['data', 'name', `folder ${basename(folder.path)}`, 'told'];
    expect(order).toEqual([...steps, ...steps]);
  });

  it('that is missing is not made, but waited for', async () => {
    const missing = join(folder.path, 'mount');
    const instances = await written(many);
    const failure = { code: 'DELIVER_FOLDER', detail: 'the folder cannot be written: ENOENT', pace: 'unreachable' };
    expect(await at(missing).send(instances, control)).toEqual({ failure, outcomes: [] });
    expect(await at(missing).probe(control.signal)).toEqual(failure);
    expect(await readdir(folder.path)).toEqual([]);
    await mkdir(missing);
    expect(await at(missing).probe(control.signal)).toBeNull();
    expect((await at(missing).send(instances, control)).outcomes).toHaveLength(many.length);
  });

  // A mode keeps nobody from writing who is root.
  const itUnlessRoot = getuid?.() === 0 ? it.skip : it;
  itUnlessRoot('that cannot be written fails as a whole', async () => {
    await chmod(folder.path, 0o500);
    try {
      const failure = { code: 'DELIVER_FOLDER', detail: expect.stringContaining('EACCES'), pace: 'unreachable' };
      expect(await at(folder.path).send(await written(many), control)).toEqual({ failure, outcomes: [] });
      expect(await at(folder.path).probe(control.signal)).toEqual(failure);
    } finally {
      await chmod(folder.path, 0o700);
    }
  });

  it('that turns into something else on the way ends the sending with what was written told, and leaves nothing half done', async () => {
    const instances = await written(many);
    const inner = join(folder.path, 'inner');
    await mkdir(inner);
    let turns = 0;
    const pace = async (): Promise<boolean> => {
      turns += 1;
      if (turns === 6) {
        await rm(inner, { recursive: true });
        await writeFile(inner, 'a file now');
      }
      return true;
    };
    const report = await at(inner).send(instances, { ...control, pace });
    expect(report.failure).toMatchObject({ code: 'DELIVER_FOLDER', pace: 'unreachable' });
    expect(report.outcomes.map((outcome) => outcome.class)).toEqual(Array.from({ length: 5 }, () => 'delivered'));
    expect(await readFile(inner, 'utf8')).toBe('a file now');
  });

  it('takes a file that cannot be read for what it is, and the others all the same', async () => {
    const instances = await written(many.slice(0, 3));
    await truncate(instances[1]?.file ?? '', 200);
    const { failure, outcomes } = await at(folder.path).send(instances, control);
    expect(failure).toBeNull();
    expect(outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'permanent', 'delivered']);
    expect((await readdir(folder.path)).sort()).toEqual(['1.2.3.1.dcm', '1.2.3.3.dcm']);
  });

  it('is not blamed for a file that is gone or cannot be read; the others go all the same', async () => {
    const instances = await written(many.slice(0, 4));
    await rm(instances[0]?.file ?? '');
    await rm(instances[2]?.file ?? '');
    await mkdir(instances[2]?.file ?? ''); // it opens, and its first read fails
    for (const layout of ['flat', 'series'] as const) {
      const settings = { directory: folder.path, layout };
      const destination = folderDestination(settings, { sync: 'never', sourceAe: 'LIMPID' });
      const { failure, outcomes } = await destination.send(instances, control);
      expect(failure).toBeNull();
      expect(outcomes.map((outcome) => outcome.class)).toEqual(['transient', 'delivered', 'transient', 'delivered']);
      expect(outcomes[0]?.comment).toBe('not written: the file cannot be read');
    }
  });

  it('has each file once and whole when two deliver at once', async () => {
    const instances = await written(many);
    const reports = await Promise.all([at(folder.path), at(folder.path)].map((one) => one.send(instances, control)));
    for (const { failure, outcomes } of reports) {
      expect(failure).toBeNull();
      expect(outcomes.every((outcome) => outcome.class === 'delivered')).toBe(true);
    }
    const names = await readdir(folder.path);
    expect(names.sort()).toEqual(many.map(({ sopInstanceUid }) => `${sopInstanceUid}.dcm`).sort());
    for (const { file, sopInstanceUid } of instances) {
      const [source, copy] = await Promise.all([readFile(file), readFile(join(folder.path, `${sopInstanceUid}.dcm`))]);
      expect(copy.subarray(-40_000).equals(source.subarray(-40_000))).toBe(true);
    }
  });
});
