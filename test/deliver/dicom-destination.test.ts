// A DICOM peer as a destination: what a failed association means for the peer, and for what has not been tried.
import { afterEach, expect, it } from '@jest/globals';
import { dicomDestination } from '../../src/deliver/dicom-destination.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { encodeReject } from '../../src/io/dimse/pdu.js';
import type { ScuTarget } from '../../src/io/dimse/requestor.js';
import { TlsCredentials } from '../../src/io/dimse/tls.js';
import { openClosers } from '../support/closers.js';
import { writeTestFiles } from '../support/part10-files.js';
import { openScriptedScp } from '../support/scripted-scp.js';
import { openTestScp, silentLog } from '../support/test-scp.js';

const closers = openClosers();
const signals: AbortController[] = [];
afterEach(() => {
  for (const controller of signals.splice(0)) controller.abort();
});

async function sendTo(port: number, changes: Partial<ScuTarget> = {}) {
  const { instances, remove } = await writeTestFiles([{ sopInstanceUid: '1.2.3.1' }, { sopInstanceUid: '1.2.3.2' }]);
  closers.push(remove);
  const destination = dicomDestination(
    { aeTitle: 'PACS', callingAe: 'LIMPID', host: '127.0.0.1', port, ...changes },
    {
      associations: 2,
      policy: { compress: 'none', decompressLossy: false },
      transcode: () => Promise.reject(new Error('not asked for')),
      log: silentLog,
    },
  );
  const controller = new AbortController();
  signals.push(controller);
  const outgoing = instances.map((instance): Outgoing => ({ ...instance, bytes: 40_000, origin: 'result' }));
  const control = { signal: controller.signal, pace: () => Promise.resolve(true) };
  const report = await destination.send(outgoing, control);
  return { report, probed: await destination.probe(controller.signal) };
}

it.each([
  [1, 1, 2, 'operator'],
  [1, 1, 7, 'unrecognized'],
  [2, 3, 2, 'refused'],
] as const)('a refusal %d/%d/%d is the peer’s (%s): nothing that was not tried has an outcome', async (...row) => {
  const [result, source, reason, pace] = row;
  const scp = await openScriptedScp({
    associate: (_request, socket) => {
      socket.end(encodeReject({ result, source, reason }));
      return null;
    },
  });
  closers.push(() => scp.close());
  const { report, probed } = await sendTo(scp.port);
  expect(report).toMatchObject({ failure: { code: 'DIMSE_REJECTED', pace }, outcomes: [] });
  expect(probed).toMatchObject({ code: 'DIMSE_REJECTED', pace });
});

it('one that speaks no TLS where it must is for a person; one that does not listen is not', async () => {
  const { scp } = await openTestScp();
  closers.push(() => scp.close());
  const credentials = new TlsCredentials({ certificate: null, key: null, authorities: '' });
  const tls = { credentials, serverName: 'pacs.test', allowed: { fingerprints: [], subjects: [] } };
  const plain = await sendTo(scp.port, { tls });
  expect(plain.report).toMatchObject({ failure: { code: 'DIMSE_TLS', pace: 'operator' }, outcomes: [] });
  await scp.close();
  const away = await sendTo(scp.port);
  expect(away.report).toMatchObject({ failure: { code: 'DIMSE_CONNECT', pace: 'unreachable' }, outcomes: [] });
});
