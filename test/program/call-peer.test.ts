// A peer as commands call it: what becomes of files that are gone when their turn comes.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { quickConfig } from '../../demo/start-node.js';
import { loadConfig } from '../../src/config/load.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { noTls } from '../../src/node/open-tls.js';
import { callPeer } from '../../src/program/call-peer.js';
import { openClosers } from '../support/closers.js';
import { writeTestFiles } from '../support/part10-files.js';
import { openScriptedScp } from '../support/scripted-scp.js';
import { withFolder } from '../support/temporary.js';
import { silentLog } from '../support/test-scp.js';

const closers = openClosers();

it.each(['pacs', 'web', 'files'])('a file that is gone costs the others nothing: %s', async (name) => {
  await withFolder(async (folder) => {
    const pacs = await openScriptedScp();
    closers.push(() => pacs.close());
    const web = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(200).end());
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise<void>((resolve) => void web.close(() => resolve())));
    const address = web.address();
    const webPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
    await mkdir(join(folder, 'export'));
    const file = join(folder, 'limpid.yaml');
    const peers = {
      pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port },
      web: { kind: 'dicomweb', url: `http://127.0.0.1:${webPort}/dicom-web` },
      files: { kind: 'folder', directory: './export', layout: 'flat' },
    };
    await writeFile(file, JSON.stringify(quickConfig({ peers })));
    const config = await loadConfig(file, {});
    const written = await writeTestFiles([1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.${index}` })));
    closers.push(written.remove);
    const outgoing = await Promise.all(written.instances.map((instance) => readOutgoing(instance.file)));
    await rm(outgoing[1]?.file ?? '');

    const peer = config.peers[name];
    if (peer === undefined) throw new Error('no such peer');
    const { signal } = new AbortController();
    const called = await callPeer(name, peer, { config, tls: noTls, log: silentLog });
    const { failure, outcomes } = await called.send(outgoing, { signal, told: () => undefined });
    expect(failure).toBeNull();
    const classes = new Map(outcomes.map((outcome) => [outcome.sopInstanceUid, outcome.class]));
    expect(['1.2.3.1', '1.2.3.2', '1.2.3.3'].map((uid) => classes.get(uid))).toEqual([
      'delivered',
      'transient',
      'delivered',
    ]);
  });
});
