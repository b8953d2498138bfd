// The first call over TLS of a process: modules for it are read then, and the peer may hang up before they are there.
import { execFile } from 'node:child_process';
import { type Server, createServer } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, expect, it } from '@jest/globals';
import { makeAuthority } from '../../support/certificates.js';

let server: Server | null = null;
afterEach(() => new Promise((resolve) => server?.close(resolve)));

const moduleOf = (path: string) => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
const caller = `
  const { echo } = await import(${moduleOf('io/dimse/scu.js')});
  const { TlsCredentials } = await import(${moduleOf('io/dimse/tls.js')});
  const [port, authorities] = process.argv.slice(1);
  const credentials = new TlsCredentials({ certificate: null, key: null, authorities });
  const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
  const target = { aeTitle: 'PACS', host: '127.0.0.1', port: Number(port), callingAe: 'LIMPID', tls };
  console.log(await echo(target, {}).then(() => 'answered', ({ deliveryClass }) => deliveryClass));
`;

it('to a peer that resets the connection at once is a failure of the peer, and does not end the process', async () => {
  const { certificate } = await makeAuthority();
  const resetting = createServer((socket) => setTimeout(() => socket.resetAndDestroy(), 1));
  server = resetting;
  await new Promise<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve));
  const address = resetting.address();
  const port = typeof address === 'object' ? address?.port : 0;
  for (let call = 0; call < 3; call++) {
    const args = ['--input-type=module', '-e', caller, String(port), certificate];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout.trim()).toBe('transient');
  }
});
