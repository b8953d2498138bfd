import { createHash } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { instanceNameOf } from '../../src/spool/key.js';
import { openSpool, openSpoolToRead } from '../../src/spool/open-spool.js';
import { promiseSeries } from '../../src/spool/promises.js';
import type { Spool } from '../../src/spool/spool.js';
import { nextSteps } from '../../src/spool/state.js';
import { actionRecord, decisionRecord, deliveryRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';
import { mayMount, openVolume } from '../support/volume.js';

const identity = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: '1.1',
  transferSyntaxUid: '1.2.840.10008.1.2.1',
};
const task = 'ct-low-dose-12345678';
const noneListed = new Map<string, ReadonlySet<string>>();

/** ms that the spool's clock is ahead of the volume's. */
let ahead = 0;
/** ms that have gone by on the clock that nobody sets, beside those that have. */
let gone = 0;

async function withSpool<T>(
  body: (spool: Spool, folder: string) => Promise<T>,
  options: { readonly settleMs?: number } = {},
): Promise<T> {
  return withFolder(async (folder) => {
    const spool = await openSpool({
      directory: folder,
      sync: 'always',
      host: hostname(),
      now: () => Date.now() + ahead,
      monotonic: () => performance.now() + gone,
      ...options,
    });
    try {
      return await body(spool, folder);
    } finally {
      ahead = 0;
      gone = 0;
      await spool.close();
    }
  });
}

async function receive(
  spool: Spool,
  bytes: Uint8Array,
  listed = noneListed,
): ReturnType<Spool['instances']['publish']> {
  const incoming = spool.instances.begin(writeFileMeta(identity));
  for (let offset = 0; offset < bytes.length; offset += 65_536) incoming.write(bytes.subarray(offset, offset + 65_536));
  return spool.instances.publish(key, incoming, identity, listed);
}

const bytesOf = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 255);

describe("another user's spool", () => {
  const asRoot = process.geteuid?.() === 0 ? it : it.skip;
  asRoot('is not written by root, whose files its user could not write to, but may be looked into', async () => {
    await withFolder(async (directory) => {
      const options = { directory, sync: 'never', host: hostname(), now: Date.now } as const;
      await (await openSpool(options)).close();
      await chown(join(directory, 'spool.json'), 12_345, 12_345);
      await expect(openSpool(options)).rejects.toMatchObject({
        code: 'SPOOL_UNUSABLE',
        message: expect.stringContaining('another user (number 12345)'),
      });
      expect(await readdir(join(directory, 'tmp'))).toEqual([]);
      const spool = await openSpoolToRead(options);
      expect(await spool.allKeys()).toEqual([]);
      await spool.close();
    });
  });
});

describe('the folder of a spool', () => {
  it('is made closed to others on the machine, whatever the umask; one that is there keeps its mode', async () => {
    await withFolder(async (folder) => {
      const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
      const options = { sync: 'never', host: hostname(), now: Date.now } as const;
      const [made, there] = [join(folder, 'made'), join(folder, 'there')];
      await mkdir(there);
      await chmod(there, 0o755);
      for (const directory of [made, there]) await (await openSpool({ ...options, directory })).close();
      expect((await modeOf(made)) & 0o007).toBe(0);
      expect(await modeOf(there)).toBe(0o755);
    });
  });
});

describe('a spool on a full volume', () => {
  it('keeps nothing of a record that it had no room for', async () => {
    await withSpool(async (spool, folder) => {
      const [own = ''] = await readdir(join(folder, 'tmp'));
      const handle = await open(join(folder, 'spool.json'));
      const files: { datasync: unknown } = Object.getPrototypeOf(handle);
      await handle.close();
      const { datasync: sound } = files;
      files.datasync = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      try {
        await expect(spool.publishRevision(seriesRecord(1, ['1.1']))).rejects.toMatchObject({ code: 'ENOSPC' });
      } finally {
        files.datasync = sound;
      }
      expect(await readdir(join(folder, 'tmp', own))).toEqual(['alive']);
      expect(await spool.publishRevision(seriesRecord(1, ['1.1']))).toBe(true);
    });
  });

  it('says so and leaves nothing behind, and can still be looked into', async () => {
    await withFolder(async (directory) => {
      const options = { directory, sync: 'never', host: hostname(), now: Date.now } as const;
      const before = await openSpool(options);
      await before.publishRevision(seriesRecord(1, ['1.1']));
      await before.close();
      const handle = await open(join(directory, 'spool.json'));
      const files: { writeFile: unknown } = Object.getPrototypeOf(handle);
      await handle.close();
      const { writeFile: sound } = files;
      files.writeFile = () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      try {
        await expect(openSpool(options)).rejects.toMatchObject({ code: 'SPOOL_FULL' });
        expect(await readdir(before.layout.tmp)).toEqual([]);
        const spool = await openSpoolToRead(options);
        expect(await spool.allKeys()).toEqual([key]);
        expect((await spool.state(key)).revisions).toHaveLength(1);
        await spool.close();
      } finally {
        files.writeFile = sound;
      }
      await (await openSpool(options)).close();
    });
  });
});

describe('the configuration that decisions were made with', () => {
  it('is published once, and anew where the newest record is cut', async () => {
    await withSpool(async (spool) => {
      expect(await spool.configurationNumber({ rules: [] })).toBe(1);
      expect(await spool.configurationNumber({ rules: [] })).toBe(1);
      const file = join(spool.layout.config, '000001.json');
      await rm(file);
      await writeFile(file, '{"version":1,"sect');
      expect(await spool.configurationNumber({ rules: [] })).toBe(2);
      expect(await spool.configurationNumber({ rules: [] })).toBe(2);
    });
  });
});

describe('the room of a volume', () => {
  const asMounter = mayMount() ? it : it.skip;
  asMounter('is none where no inode is left, whatever bytes are free', async () => {
    const volume = openVolume(4);
    const directory = join(volume?.path ?? '', 'spool');
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    try {
      expect(await spool.freeBytes()).toBeGreaterThan(1_000_000);
      const used: string[] = [];
      const fill = async (): Promise<void> => {
        for (;;) await writeFile(join(spool.layout.tmp, used[used.push(`${used.length}`) - 1] ?? ''), '');
      };
      await expect(fill()).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await spool.freeBytes()).toBe(0);
      for (const name of used) await rm(join(spool.layout.tmp, name), { force: true });
      expect(await spool.freeBytes()).toBeGreaterThan(1_000_000);
    } finally {
      await spool.close();
      volume?.remove();
    }
  });
});

describe('a spool that cannot be opened', () => {
  it('says why: written by a newer limpid, or what the file system says', async () => {
    await withFolder(async (directory) => {
      const options = { directory, sync: 'never', host: hostname(), now: Date.now } as const;
      await writeFile(join(directory, 'spool.json'), JSON.stringify({ version: 2, nodeId: 'n' }));
      const newer = {
        code: 'SPOOL_UNUSABLE',
        message: expect.stringMatching(/spool\.json is cut, or .* a newer limpid/),
      };
      await expect(openSpool(options)).rejects.toMatchObject(newer);
      await expect(openSpoolToRead(options)).rejects.toMatchObject(newer);
      const below = { ...options, directory: join(directory, 'spool.json', 'below') };
      const no = { code: 'SPOOL_UNUSABLE', message: expect.stringContaining('ENOTDIR') };
      await expect(openSpool(below)).rejects.toMatchObject(no);
    });
  });
});

/** An instance of 1000 bytes that came, and that a revision lists. */
async function receiveListed(spool: Spool) {
  const { instance } = await receive(spool, bytesOf(1000, 1));
  const [hashed] = await spool.instances.hashed(key, [instance]);
  if (hashed === undefined) throw new Error('not hashed');
  await spool.publishRevision({ ...seriesRecord(1, ['1.1']), instances: [hashed] });
  const { file: name, sha256 } = hashed;
  return { file: spool.layout.instance(key, name), name, sha256, listed: new Map([['1.1', new Set([sha256])]]) };
}

describe('an arriving instance', () => {
  it('stands behind its meta group with every byte, and its series is active', async () => {
    await withSpool(async (spool) => {
      const bytes = bytesOf(1_500_001, 1);
      const { kind, instance } = await receive(spool, bytes);
      expect(kind).toBe('stored');
      expect((await spool.instances.hashed(key, [instance]))[0]?.sha256).toBe(
        createHash('sha256').update(bytes).digest('hex'),
      );
      const file = await readFile(spool.layout.instance(key, instanceNameOf('1.1')));
      expect(file.subarray(file.length - bytes.length).equals(bytes)).toBe(true);
      expect([...(await spool.active.keys()).keys()]).toEqual([key]);
    });
  });

  it('is a duplicate when the bytes are equal, a variant beside the first when they differ', async () => {
    await withSpool(async (spool) => {
      await receive(spool, bytesOf(1000, 1));
      expect((await receive(spool, bytesOf(1000, 1))).kind).toBe('duplicate');
      const { kind, instance } = await receive(spool, bytesOf(1000, 2));
      expect(kind).toBe('variant');
      expect((await receive(spool, bytesOf(1000, 2))).kind).toBe('duplicate');
      const names = await readdir(spool.layout.instances(key));
      expect(names.sort()).toEqual([`${instanceNameOf('1.1')}.dcm`, `${instance.file}.dcm`].sort());
    });
  });

  it('is not stored again when a revision lists the same bytes, also after they were swept', async () => {
    await withSpool(async (spool) => {
      const sha256 = createHash('sha256').update(bytesOf(1000, 1)).digest('hex');
      const { kind } = await receive(spool, bytesOf(1000, 1), new Map([['1.1', new Set([sha256])]]));
      expect(kind).toBe('duplicate');
      expect((await spool.active.keys()).size).toBe(0);
    });
  });

  it('takes the place again of one that a revision lists and that was lost, though not of one that was swept', async () => {
    await withSpool(async (spool) => {
      const { file, sha256, listed } = await receiveListed(spool);
      await rm(file);
      await rm(join(spool.layout.root, 'active', key));
      expect((await receive(spool, bytesOf(1000, 1), listed)).kind).toBe('duplicate');
      expect(await spool.instances.sha256(file)).toBe(sha256);
      expect([...(await spool.active.keys()).keys()]).toEqual([key]);
      await spool.publishSwept(key, 1, { version: 1, at: new Date().toISOString(), instances: 1, bytes: 1000 });
      await rm(file);
      expect((await receive(spool, bytesOf(1000, 1), listed)).kind).toBe('duplicate');
      expect(await readdir(spool.layout.instances(key))).toEqual([]);
    });
  });

  it.each([600, -1, 200])(
    'takes the place of a listed one that has lost its end (at %d), which is set aside',
    async (at) => {
      await withSpool(async (spool) => {
        const { file, name, listed } = await receiveListed(spool);
        const whole = await readFile(file);
        expect((await receive(spool, bytesOf(1000, 1), listed)).kind).toBe('duplicate');
        const length = at < 0 ? whole.length + at : at;
        await truncate(file, length);
        // Other bytes under its UID are a variant, and mend nothing.
        expect((await receive(spool, bytesOf(1000, 2), listed)).kind).toBe('variant');
        expect((await readFile(file)).length).toBe(length);
        expect((await receive(spool, bytesOf(1000, 1), listed)).kind).toBe('duplicate');
        expect(await readFile(file)).toEqual(whole);
        expect(await readdir(spool.layout.damaged(key))).toEqual([`${name}.dcm`]);
      });
    },
  );

  it('leaves nothing behind when it is discarded in the middle', async () => {
    await withSpool(async (spool, folder) => {
      const incoming = spool.instances.begin(writeFileMeta(identity));
      incoming.write(bytesOf(900_000, 1));
      await incoming.discard();
      const [own] = await readdir(join(folder, 'tmp'));
      expect(await readdir(join(folder, 'tmp', own ?? ''))).toEqual(['alive']);
    });
  });

  it('arrives by several associations at once as one file', async () => {
    await withSpool(async (spool) => {
      const kinds = (await Promise.all(Array.from({ length: 8 }, () => receive(spool, bytesOf(200_000, 1))))).map(
        ({ kind }) => kind,
      );
      expect(kinds.filter((kind) => kind === 'stored')).toHaveLength(1);
      expect(kinds.filter((kind) => kind === 'duplicate')).toHaveLength(7);
    });
  });
});

describe('records', () => {
  it('are written once: the second writer is told so and changes nothing', async () => {
    await withSpool(async (spool) => {
      expect(await spool.publishRevision(seriesRecord(1, ['1.1']))).toBe(true);
      expect(await spool.publishRevision(seriesRecord(1, ['1.1', '1.2']))).toBe(false);
      expect((await spool.state(key)).revisions[0]?.record.instances).toHaveLength(1);
    });
  });

  it('a result is published by one rename; the second folder is removed', async () => {
    await withSpool(async (spool, folder) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      const make = async (): Promise<string> => {
        const path = await spool.freshFolder('task');
        await mkdir(join(path, 'objects'));
        await writeFile(join(path, 'objects', '00001.dcm'), 'object');
        return path;
      };
      const outcomes = await Promise.all(
        [await make(), await make()].map((path) => spool.publishOutcome(key, 1, outcomeRecord(['1.1']), path)),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await readFile(spool.objectFile(key, 1, task, '00001.dcm'), 'utf8')).toBe('object');
      const [own] = await readdir(join(folder, 'tmp'));
      expect(await readdir(join(folder, 'tmp', own ?? ''))).toEqual(['alive']);
    });
  });

  it('read back as the whole state of a series', async () => {
    await withSpool(async (spool) => {
      await receive(spool, bytesOf(100, 1));
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1));
      const number = await spool.recordAttempt(key, 1, task);
      expect(number).toBe(1);
      await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null);
      await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'transient' }));
      await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'delivered' }));
      await spool.recordAction(key, actionRecord({ kind: 'hold' }));
      const state = await spool.state(key);
      const [revision] = state.revisions;
      expect(revision?.tasks.get(task)).toMatchObject({ started: 1, died: 0, outcome: { outcome: 'enhanced' } });
      expect(revision?.deliveries.get(`${task}@pacs`)).toHaveLength(2);
      expect(state.actions[0]?.action.kind).toBe('hold');
    });
  });

  it('are in order beyond the number 999 too', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      const folder = spool.layout.deliveries(key, 1, task, 'pacs');
      await mkdir(folder, { recursive: true });
      for (const number of ['100', '998', '999'])
        await writeFile(join(folder, `${number}-x.json`), JSON.stringify(deliveryRecord({ '1.1.9': 'transient' })));
      await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'warned' }));
      await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'delivered' }));
      await mkdir(spool.layout.actions(key), { recursive: true });
      await writeFile(join(spool.layout.actions(key), '999.json'), JSON.stringify(actionRecord({ kind: 'hold' })));
      await spool.recordAction(key, actionRecord({ kind: 'release' }));
      const { revisions, actions } = await spool.state(key);
      const batches = revisions[0]?.deliveries.get(`${task}@pacs`) ?? [];
      expect(batches.map(({ instances }) => instances[0]?.class).slice(2)).toEqual([
        'transient',
        'warned',
        'delivered',
      ]);
      expect(actions.map(({ number, action }) => [number, action.kind])).toEqual([
        [999, 'hold'],
        [1000, 'release'],
      ]);
    });
  });

  it('give up no revision that is still to come', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.recordAction(key, actionRecord({ kind: 'discard', revision: 9 }));
      await spool.publishRevision(seriesRecord(2, ['1.1', '1.2']));
      await spool.publishDecision(decisionRecord(1));
      await spool.publishDecision(decisionRecord(2));
      expect(nextSteps(await spool.state(key)).steps).toEqual([{ kind: 'task', revision: 2, task }]);
    });
  });

  it('refuse an action on a series that is not there', async () => {
    await withSpool(async (spool) => {
      await expect(spool.recordAction(key, actionRecord({}))).rejects.toMatchObject({ code: 'SPOOL_UNKNOWN_SERIES' });
    });
  });

  it('refuse to hold a revision that is not there: nothing would be held', async () => {
    await withSpool(async (spool) => {
      await receive(spool, bytesOf(100, 1));
      await expect(spool.recordAction(key, actionRecord({ kind: 'hold', revision: 2 }))).rejects.toMatchObject({
        code: 'SPOOL_UNKNOWN_TARGET',
        message: `${key} has no revision 2 (its newest: none yet)`,
      });
      await spool.recordAction(key, actionRecord({ kind: 'hold', revision: 1 }));
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await expect(spool.recordAction(key, actionRecord({ kind: 'hold', revision: 99 }))).rejects.toMatchObject({
        message: `${key} has no revision 99 (its newest: 1)`,
      });
    });
  });

  it('refuse an action on a task or a peer that the series has not, once that is decided', async () => {
    await withSpool(async (spool) => {
      await receive(spool, bytesOf(100, 1));
      await spool.recordAction(key, actionRecord({ kind: 'hold', task: 'later-12345678' }));
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['archive'] }));
      for (const target of [{ task }, { task: 'originals' }, { peer: 'pacs' }, { peer: 'archive' }])
        await spool.recordAction(key, actionRecord({ kind: 'discard', ...target }));
      await expect(spool.recordAction(key, actionRecord({ kind: 'hold', task: 'ct-low-dose' }))).rejects.toMatchObject({
        code: 'SPOOL_UNKNOWN_TARGET',
        message: `${key} has no task ct-low-dose (its tasks: originals, ${task})`,
      });
      await expect(spool.recordAction(key, actionRecord({ kind: 'discard', peer: 'pac' }))).rejects.toMatchObject({
        message: `nothing of ${key} goes to pac (its peers: archive, pacs)`,
      });
    });
  });

  it('are not what file browsers, editors and network volumes leave beside them', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1));
      await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'delivered' }));
      await spool.recordAction(key, actionRecord({ kind: 'hold' }));
      const until = '2026-02-01T00:00:00.000Z';
      await promiseSeries(spool, key, 'tx', { at: until, until, by: 'ct1' });
      const before = await spool.state(key);
      expect(before.promisedUntilMs).toBe(Date.parse(until));
      const { layout } = spool;
      for (const folder of [layout.deliveries(key, 1, task, 'pacs'), layout.actions(key), layout.promisesOf(key)]) {
        for (const name of ['.DS_Store', '._001.json', '001.json~', '.nfs0000000000000001'])
          await writeFile(join(folder, name), 'x');
      }
      expect(await spool.state(key)).toEqual(before);
    });
  });

  it('refuse a record that does not fit, naming it', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await writeFile(join(spool.layout.revision(key, 1), 'decision.json'), '{"version":1}');
      await expect(spool.state(key)).rejects.toMatchObject({ code: 'SPOOL_RECORD_INVALID' });
    });
  });
});

describe('finishing', () => {
  it('takes a done series off the active list, and keeps one that is not done', async () => {
    await withSpool(async (spool) => {
      await receive(spool, bytesOf(100, 1));
      expect(await spool.finishIfDone(key)).toBe(false);
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { tasks: [] }));
      expect(await Promise.all([spool.finishIfDone(key), spool.finishIfDone(key)])).toContain(true);
      expect((await spool.active.keys()).size).toBe(0);
    });
  });

  it('puts a marker back as a new one when a person asked for something meanwhile', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { tasks: [] }));
      await spool.active.mark(key);
      const marker = join(spool.layout.active, key);
      await utimes(marker, 1, 1);
      const read = spool.state.bind(spool);
      let readings = 0;
      spool.state = async (of) => {
        readings += 1;
        // Between the finisher's two readings. The action's own reading is the second.
        if (readings === 2) await spool.recordAction(key, actionRecord({ kind: 'requeue' }));
        return read(of);
      };
      expect(await spool.finishIfDone(key)).toBe(false);
      expect(await readdir(spool.layout.active)).toEqual([key]);
      expect((await spool.active.keys()).get(key)).toBeGreaterThan(Date.now() - 60_000);
    });
  });

  it('gives way to whoever put the marker back', async () => {
    await withSpool(async (spool) => {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { tasks: [] }));
      await spool.active.mark(key);
      const read = spool.state.bind(spool);
      spool.state = async (of) => {
        const leaving = (await readdir(spool.layout.active)).find((name) => name.includes('leaving'));
        if (leaving !== undefined) await rename(join(spool.layout.active, leaving), join(spool.layout.active, key));
        return read(of);
      };
      expect(await spool.finishIfDone(key)).toBe(false);
      expect(await readdir(spool.layout.active)).toEqual([key]);
    });
  });

  it('counts a series that a killed finisher left as active, and puts its marker back', async () => {
    await withSpool(async (spool) => {
      await spool.active.mark(key);
      const leaving = join(spool.layout.active, `${key}.leaving.host-1-1`);
      await rename(join(spool.layout.active, key), leaving);
      expect([...(await spool.active.keys()).keys()]).toEqual([key]);
      await spool.lookAtLeaving();
      expect(await readdir(spool.layout.active)).toEqual([`${key}.leaving.host-1-1`]); // it may be leaving right now
      ahead = 10_000;
      await spool.lookAtLeaving();
      expect(await readdir(spool.layout.active)).toEqual([key]);
    });
  });
});

describe('the receiver lock', () => {
  it('is held by one, named in the refusal, and taken over from a dead process', async () => {
    await withSpool(async (spool) => {
      const lock = await spool.takeReceiverLock(() => {});
      await expect(spool.takeReceiverLock(() => {})).rejects.toMatchObject({
        code: 'SPOOL_LOCKED',
        message: expect.stringContaining(String(process.pid)),
      });
      await lock.release();
      await writeFile(spool.layout.receiverLock, JSON.stringify({ host: hostname(), pid: 2 ** 22 - 1, start: '1' }));
      await (await spool.takeReceiverLock(() => {})).release();
    });
  });
});

describe('the receiver lock of a process that was stopped for long', () => {
  it('is left to whoever has taken it meanwhile, and the process is told', async () => {
    await withSpool(async (spool) => {
      const lost: string[] = [];
      const lock = await spool.takeReceiverLock(() => void lost.push('told'));
      const other = JSON.stringify({ host: 'another', pid: 1, start: '1' });
      await writeFile(spool.layout.receiverLock, other);
      const deadline = performance.now() + 60_000;
      while (lost.length === 0 && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(lost).toEqual(['told']);
      await lock.release();
      expect(await readFile(spool.layout.receiverLock, 'utf8')).toBe(other);
    });
  });
});

describe('the receiver lock on a volume that is away for a while', () => {
  it('is kept, and lost only where the volume is there without it', async () => {
    await withSpool(async (spool, folder) => {
      const lost: string[] = [];
      const lock = await spool.takeReceiverLock(() => void lost.push('told'));
      await rename(folder, `${folder}-away`);
      await mkdir(folder); // what an unmounted volume leaves
      await new Promise((resolve) => setTimeout(resolve, 6_000)); // a heart-beat is every five seconds
      expect(lost).toEqual([]);
      await rmdir(folder);
      await rename(`${folder}-away`, folder);
      await rm(spool.layout.receiverLock);
      const deadline = performance.now() + 60_000;
      while (lost.length === 0 && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 100));
      expect(lost).toEqual(['told']);
      await lock.release();
    });
  });
});

describe('temporary folders', () => {
  it('of dead processes are swept, of living ones kept', async () => {
    await withSpool(async (spool, folder) => {
      const dead = join(folder, 'tmp', 'dead');
      await mkdir(dead);
      await writeFile(join(dead, 'alive'), JSON.stringify({ host: hostname(), pid: 2 ** 22 - 1, start: '1' }));
      const foreign = join(folder, 'tmp', 'foreign');
      await mkdir(foreign);
      await writeFile(join(foreign, 'alive'), JSON.stringify({ host: 'another', pid: 1, start: '1' }));
      expect(await spool.sweepTemporary()).toBe(1);
      expect(await readdir(join(folder, 'tmp'))).toContain('foreign');
    });
  });

  it('are swept beside a file of nobody, which goes when it is old', async () => {
    await withSpool(async (spool, folder) => {
      const dead = join(folder, 'tmp', 'dead');
      await mkdir(dead);
      await writeFile(join(dead, 'alive'), JSON.stringify({ host: hostname(), pid: 2 ** 22 - 1, start: '1' }));
      await writeFile(join(folder, 'tmp', '.DS_Store'), '');
      expect(await spool.sweepTemporary()).toBe(1);
      ahead = gone = 2 * 3_600_000;
      expect(await spool.sweepTemporary()).toBe(0);
      gone += 200_000;
      expect(await spool.sweepTemporary()).toBe(1);
      expect(await readdir(join(folder, 'tmp'))).toHaveLength(1);
    });
  });

  it('of a process in another container of this machine are kept while it lives', async () => {
    await withSpool(async (spool, folder) => {
      const beside = join(folder, 'tmp', 'beside');
      await mkdir(beside);
      // What this container has under that number, if anything, is another process.
      const owner = { host: hostname(), pid: 2 ** 22 - 1, start: '1', space: 'pid:[1]' };
      await writeFile(join(beside, 'alive'), JSON.stringify(owner));
      expect(await spool.sweepTemporary()).toBe(0);
      ahead = gone = 10 * 60_000;
      expect(await spool.sweepTemporary()).toBe(0); // the first time that it is found still
      ahead = gone = 15 * 60_000;
      expect(await spool.sweepTemporary()).toBe(1);
    });
  });

  it('of a process of another machine are kept while it lives, by however much its clock is behind', async () => {
    await withSpool(async (spool, folder) => {
      const foreign = join(folder, 'tmp', 'foreign');
      const alive = join(foreign, 'alive');
      await mkdir(foreign);
      await writeFile(alive, JSON.stringify({ host: 'another', pid: 1, start: '1' }));
      ahead = 5 * 3_600_000;
      for (let minute = 0; minute < 5; minute += 1) {
        gone = minute * 60_000;
        const at = (Date.now() + gone) / 1000;
        await utimes(alive, at, at);
        expect(await spool.sweepTemporary()).toBe(0);
      }
      gone += 60_000;
      expect(await spool.sweepTemporary()).toBe(0);
      gone += 120_000; // its owner is dead
      expect(await spool.sweepTemporary()).toBe(1);
    });
  });

  it('are made anew where their own is gone, and where the volume is there', async () => {
    await withSpool(async (spool, folder) => {
      const tmp = join(folder, 'tmp');
      const [own = ''] = await readdir(tmp);
      await rm(join(tmp, own), { recursive: true });
      await expect(receive(spool, bytesOf(1000, 1))).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await spool.freeBytes()).toBeGreaterThan(0);
      expect(await receive(spool, bytesOf(1000, 1))).toMatchObject({ kind: 'stored' });
      expect(await readdir(join(tmp, own))).toContain('alive');
      await rename(tmp, `${tmp}-away`);
      await expect(spool.freeBytes()).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await readdir(folder)).not.toContain('tmp');
      await rename(`${tmp}-away`, tmp);
    });
  });

  it('looks at a finished series once more on a shared volume, when what others have written there must be seen', async () => {
    const settleMs = 65_000;
    await withSpool(
      async (spool) => {
        await spool.publishRevision(seriesRecord(1, ['1.1']));
        await spool.publishDecision(decisionRecord(1, { tasks: [] }));
        await spool.active.mark(key);
        expect(await spool.finishIfDone(key)).toBe(true);
        expect([...(await spool.active.keys()).keys()]).toEqual([key]);
        expect(await spool.finishIfDone(key)).toBe(false); // once is enough
        ahead = settleMs - 10_000;
        await spool.lookAtLeaving();
        expect([...(await spool.active.keys()).keys()]).toEqual([key]);
        ahead = settleMs + 1000;
        await spool.lookAtLeaving();
        expect(await readdir(spool.layout.active)).toEqual([]);
        // One that somebody has changed meanwhile, without this machine having seen it, goes on.
        await spool.active.mark(key);
        ahead = 0;
        expect(await spool.finishIfDone(key)).toBe(true);
        await spool.publishRevision(seriesRecord(2, ['1.1', '1.2']));
        ahead = settleMs + 1000;
        await spool.lookAtLeaving();
        expect(await readdir(spool.layout.active)).toEqual([key]);
      },
      { settleMs },
    );
  });
});
