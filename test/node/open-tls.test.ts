// Certificates of a running node: the time that each has left, as a scrape sees it.
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
