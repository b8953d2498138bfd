// Certificates of a running node: the time that each has left, as a scrape sees it, and which new ones take their place.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { openTls } from '../../src/node/open-tls.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { makeAuthority, writeIdentity } from '../support/certificates.js';
import { withFolder } from '../support/temporary.js';
import { silentLog } from '../support/test-scp.js';

const dayMs = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * dayMs);

it("a peer that is called `node` does not hide when the node's own certificate ends", async () => {
  await withFolder(async (folder) => {
    const authority = await makeAuthority('CN=Test Authority', inDays(100));
    const caFile = join(folder, 'ca.crt');
    await writeFile(caFile, authority.certificate);
    const own = await writeIdentity(folder, 'own', await authority.issue({ name: 'CN=limpid', to: inDays(2) }));
    const peer = await writeIdentity(folder, 'peer', await authority.issue({ name: 'CN=limpid', to: inDays(50) }));
    const called = (files: object) => ({ aeTitle: 'PACS', host: 'pacs', port: 2762, tls: files });
    const file = join(folder, 'limpid.yaml');
    const config = {
      node: { aeTitle: 'LIMPID', dimse: { tls: { ...own, caFile } } },
      peers: { node: called(peer), pacs: called({ ...peer, caFile: own.certificateFile }) },
    };
    await writeFile(file, JSON.stringify(config));
    const metrics = openMetrics();
    const watch = (await openTls(await loadConfig(file, {}))).watch(silentLog, metrics);
    const text = await metrics.text();
    await watch.close();
    const days = (name: string) =>
      Math.round(Number(new RegExp(`expiry_seconds{certificate="${name}"} (\\S+)`).exec(text)?.[1]) / 86_400);
    expect([days('node'), days('pacs')]).toEqual([2, 2]);
  });
});

it('new certificates that have ended, or are not valid yet, leave those in use that are valid', async () => {
  await withFolder(async (folder) => {
    const authority = await makeAuthority('CN=Test Authority', inDays(100));
    const caFile = join(folder, 'ca.crt');
    await writeFile(caFile, authority.certificate);
    const put = async (from: number, to: number) =>
      writeIdentity(folder, 'own', await authority.issue({ name: 'CN=limpid', from: inDays(from), to: inDays(to) }));
    const own = await put(-1, 50);
    const file = join(folder, 'limpid.yaml');
    await writeFile(file, JSON.stringify({ node: { aeTitle: 'LIMPID', dimse: { tls: { ...own, caFile } } } }));
    const tls = await openTls(await loadConfig(file, {}));
    const first = tls.listener?.context;
    const reload = async () => (await tls.reload(silentLog))[0];
    await put(-10, -2);
    expect(await reload()).toMatchObject({ found: 'faults', why: expect.stringContaining('the certificate ended on') });
    await put(2, 50);
    expect(await reload()).toMatchObject({ found: 'faults', why: expect.stringContaining('is not valid before') });
    await writeFile(caFile, (await makeAuthority('CN=Old', new Date(Date.now() - 1000))).certificate);
    await put(-1, 50);
    expect(await reload()).toMatchObject({ found: 'faults', why: expect.stringContaining('authorities ended on') });
    expect(tls.listener?.context).toBe(first);
    await writeFile(caFile, authority.certificate);
    expect(await reload()).toMatchObject({ found: 'renewed' });
    expect(tls.listener?.context).not.toBe(first);
  });
});

it('where those in use have ended themselves, new ones are used whatever their time', async () => {
  await withFolder(async (folder) => {
    const authority = await makeAuthority('CN=Test Authority', inDays(100));
    const caFile = join(folder, 'ca.crt');
    await writeFile(caFile, authority.certificate);
    const ended = () => authority.issue({ name: 'CN=limpid', from: inDays(-10), to: inDays(-2) });
    const own = await writeIdentity(folder, 'own', await ended());
    const file = join(folder, 'limpid.yaml');
    await writeFile(file, JSON.stringify({ node: { aeTitle: 'LIMPID', dimse: { tls: { ...own, caFile } } } }));
    const tls = await openTls(await loadConfig(file, {}));
    await writeIdentity(folder, 'own', await ended());
    expect((await tls.reload(silentLog))[0]).toMatchObject({ found: 'renewed' });
  });
});
