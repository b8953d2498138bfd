// What a node makes of a peer that it sends to.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { destinationOf } from '../../src/node/destination-of.js';
import { noTls } from '../../src/node/open-tls.js';
import type { Log } from '../../src/observe/log.js';
import { openClosers } from '../support/closers.js';
import { writeTestFiles } from '../support/part10-files.js';
import { openScriptedScp } from '../support/scripted-scp.js';
import { openFolder } from '../support/temporary.js';

type Fields = Readonly<Record<string, unknown>>;

const closers = openClosers();
const said: Fields[] = [];
afterEach(() => void said.splice(0));

const keeping = (base: Fields): Log => {
  const keep = (_event: string, fields: Fields = {}): void => void said.push({ ...base, ...fields });
  return { debug: keep, info: keep, warn: keep, error: keep, with: (fields) => keeping({ ...base, ...fields }) };
};

it('what is logged of its associations names the peer: many are sent to at once', async () => {
  const scp = await openScriptedScp({ message: ({ socket }) => socket.destroy() });
  closers.push(() => scp.close());
  const folder = await openFolder();
  closers.push(() => folder.remove());
  const file = join(folder.path, 'limpid.yaml');
  await writeFile(
    file,
    `node: { aeTitle: LIMPID }\npeers: { pacs: { aeTitle: PACS, host: 127.0.0.1, port: ${scp.port}, associations: 1 } }\nrules: []\n`,
  );
  const config = await loadConfig(file, {});
  const peer = config.peers['pacs'];
  const transcode = () => Promise.reject(new Error('not asked for'));
  const options = { config, log: keeping({}), tls: noTls, transcode, watch: undefined };
  const destination = peer === undefined ? null : destinationOf('pacs', peer, options);
  const { instances, remove } = await writeTestFiles([{ sopInstanceUid: '1.2.1' }, { sopInstanceUid: '1.2.2' }]);
  closers.push(remove);
  const outgoing = instances.map((instance) => ({ ...instance, bytes: 40_000, origin: 'result' as const }));
  const { signal } = new AbortController();
  await destination?.send(outgoing, { signal, pace: () => Promise.resolve(true) });
  expect(said.map((fields) => fields['peer'])).toContain('pacs');
});
