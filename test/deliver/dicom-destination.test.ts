// A DICOM peer as a destination: what a failed association means for the peer, and for what has not been tried.
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { dicomDestination } from '../../src/deliver/dicom-destination.js';
import type { Destination, Outgoing } from '../../src/deliver/destination.js';
import { answerRequest } from '../../src/io/dimse/negotiate.js';
import { encodeReject, encodeReleaseResponse } from '../../src/io/dimse/pdu.js';
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

function destinationAt(port: number, changes: Partial<ScuTarget> = {}): Destination {
  return dicomDestination(
    { aeTitle: 'PACS', callingAe: 'LIMPID', host: '127.0.0.1', port, ...changes },
    {
      associations: 2,
      policy: { compress: 'none', decompressLossy: false },
      transcode: () => Promise.reject(new Error('not asked for')),
      log: silentLog,
    },
  );
}

async function outgoingOf(sopInstanceUids: readonly string[], pixelBytes = 40_000): Promise<Outgoing[]> {
  const values = sopInstanceUids.map((sopInstanceUid) => ({ sopInstanceUid, pixelBytes }));
  const { instances, remove } = await writeTestFiles(values);
  closers.push(remove);
  return instances.map((instance): Outgoing => ({ ...instance, bytes: 40_000, origin: 'result' }));
}

async function sendTo(port: number, changes: Partial<ScuTarget> = {}) {
  const destination = destinationAt(port, changes);
  const controller = new AbortController();
  signals.push(controller);
  const outgoing = await outgoingOf(['1.2.3.1', '1.2.3.2']);
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

it('opens no more associations than the peer may have, however many series go to it at once', async () => {
  const open = new Set<Socket>();
  let most = 0;
  const scp = await openScriptedScp({
    associate: (request, socket) => {
      open.add(socket);
      most = Math.max(most, open.size);
      return answerRequest(request, 16_384);
    },
    message: (exchange) => void setTimeout(() => exchange.respond(), 20),
    release: (socket) => {
      open.delete(socket);
      socket.end(encodeReleaseResponse());
    },
  });
  closers.push(() => scp.close());
  const destination = destinationAt(scp.port);
  const control = { signal: new AbortController().signal, pace: () => Promise.resolve(true) };
  const series = [
    ['1.2.3.1', '1.2.3.2', '1.2.3.3', '1.2.3.4'],
    ['1.2.4.1', '1.2.4.2', '1.2.4.3'],
  ];
  const reports = await Promise.all(series.map(async (uids) => destination.send(await outgoingOf(uids), control)));
  expect(reports.map(({ outcomes }) => outcomes.filter((one) => one.class === 'delivered').length)).toEqual([4, 3]);
  expect(most).toBe(2);
});

describe('a sending that is stopped', () => {
  const uids = ['1.2.3.1', '1.2.3.2', '1.2.3.3'];
  /** Stops it when both associations have an instance under way; the peer answers each after `answerMs`, or never. */
  const stopWithin = async (answerMs: number | null) => {
    const stop = new AbortController();
    let released = 0;
    let asked = 0;
    const scp = await openScriptedScp({
      message: ({ respond }) => {
        if (++asked === 2) stop.abort();
        if (answerMs !== null) setTimeout(() => respond(), answerMs);
      },
      release: (socket) => {
        released++;
        socket.end(encodeReleaseResponse());
      },
    });
    closers.push(() => scp.close());
    const control = { signal: stop.signal, leaveMs: 1_000, pace: () => Promise.resolve(true) };
    const report = await destinationAt(scp.port).send(await outgoingOf(uids, 1_000_000), control);
    return { report, asked, released };
  };

  it('ends what is under way at a slow peer, sends nothing more, and releases its associations', async () => {
    const { report, asked, released } = await stopWithin(400);
    expect(report.failure).toBeNull();
    expect(report.outcomes.map(({ status }) => status)).toEqual([0, 0]);
    expect([asked, released]).toEqual([2, 2]);
  });

  it('waits for an answer no longer than it may', async () => {
    const started = performance.now();
    const { report, asked, released } = await stopWithin(null);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(report.failure).toMatchObject({ code: 'DIMSE_ABORTED', detail: 'stopped' });
    expect(report.outcomes.map(({ status }) => status)).toEqual([null, null]);
    expect([asked, released]).toEqual([2, 0]);
  });
});

it('a sending that is stopped while it waits for another one’s associations opens none', async () => {
  const scp = await openScriptedScp({ message: () => undefined });
  closers.push(() => scp.close());
  const destination = destinationAt(scp.port);
  const stop = new AbortController();
  const control = { signal: stop.signal, pace: () => Promise.resolve(true) };
  const sending = [await outgoingOf(['1.2.3.1', '1.2.3.2']), await outgoingOf(['1.2.4.1', '1.2.4.2'])].map((outgoing) =>
    destination.send(outgoing, control),
  );
  while (scp.associations() < 2) await pause(10);
  stop.abort();
  const [, waited] = await Promise.all(sending);
  expect(waited).toMatchObject({ outcomes: [] });
  expect(scp.associations()).toBe(2);
});
