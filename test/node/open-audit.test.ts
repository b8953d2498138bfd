// The node's audit trail: what the node itself decides of it.
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, jest } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { openAudit } from '../../src/node/open-audit.js';
import { openLog } from '../../src/observe/log.js';
import type { Log } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { withFolder } from '../support/temporary.js';

afterEach(() => void jest.useRealTimers());

type Audit = NonNullable<Awaited<ReturnType<typeof openAudit>>>;

const openedIn = (directory: string): Promise<Spool> =>
  openSpool({ directory: join(directory, 'data'), sync: 'never', host: hostname(), now: Date.now });

/** Opens the trail of a receiver that is configured so. */
async function openWith(directory: string, configured: string, spool: Spool, log = openLog('silent')) {
  const file = join(directory, 'limpid.yaml');
  await writeFile(file, `node: { aeTitle: LIMPID }\n${configured}\n`);
  return openAudit(
    {
      config: await loadConfig(file, {}),
      roles: ['receiver'],
      standby: false,
      modelsDirectory: '',
      stopping: new AbortController().signal,
      onHangUp: () => () => undefined,
      readAgain: () => loadConfig(file, {}),
      log,
      metrics: openMetrics(),
    },
    spool,
    'here',
  );
}

/** What is told by a node with such peers, beside its start and stop. */
async function toldBy(peers: string, body: (audit: Audit) => Promise<void>): Promise<string[]> {
  return withFolder(async (directory) => {
    const spool = await openedIn(directory);
    const audit = await openWith(directory, `audit: { repository: tcp://127.0.0.1:601 }\npeers: ${peers}`, spool);
    if (audit === null) throw new Error('no audit trail');
    await body(audit);
    await audit.close();
    const told = await Promise.all((await spool.audit.waiting()).map((name) => spool.audit.read(name)));
    await spool.close();
    return told.map((message) => Buffer.from(message ?? []).toString());
  });
}

it('says at start what messages lie in the spool that nobody sends any more', async () => {
  await withFolder(async (directory) => {
    const spool = await openedIn(directory);
    const warnings: unknown[] = [];
    const log: Log = { ...openLog('silent'), warn: (_, fields) => void warnings.push(fields) };
    expect(await openWith(directory, 'peers: {}', spool, log)).toBeNull();
    expect(warnings).toEqual([]);
    await spool.audit.append(Buffer.from('<85>1 of a patient'), Date.now());
    await openWith(directory, 'peers: {}', spool, log);
    expect(warnings).toEqual([{ messages: 1, folder: spool.layout.audit }]);
    await spool.close();
  });
});

it('tells of the same refused caller once a minute, also after the clock was set back by a day', async () => {
  const told = await toldBy('{}', async (audit) => {
    jest.useFakeTimers({ doNotFake: ['setTimeout', 'setInterval', 'setImmediate', 'nextTick', 'queueMicrotask'] });
    const refuse = (): void => audit.refused({ aeTitle: 'EVIL', address: '192.0.2.7' }, 'not known');
    refuse();
    refuse();
    jest.setSystemTime(Date.now() - 86_400_000);
    jest.advanceTimersByTime(61_000);
    refuse();
    refuse();
  });
  expect(told.filter((message) => message.includes('EVIL'))).toHaveLength(2);
});

it.each([
  ['192.0.2.9', '2'],
  ['2001:db8::9', '2'],
  ['pacs.example', '1'],
])('tells of a peer at %s by an access point of type %s', async (host, type) => {
  const told = await toldBy(`{ pacs: { aeTitle: PACS, host: '${host}', port: 104 } }`, (audit) =>
    audit.deliveries.began('pacs', [], null),
  );
  const point = `NetworkAccessPointID="${host}" NetworkAccessPointTypeCode="${type}"`;
  expect(told.filter((message) => message.includes(point))).toHaveLength(1);
});
