// A caller that is refused again and again, as fast as it can, does not fill the log, nor hide another one.
import { afterEach, expect, it, jest } from '@jest/globals';
import { RefusalLog, mostLines } from '../../../src/io/dimse/refusal-log.js';
import { associateRequest } from '../../support/dimse-bytes.js';
import { scriptedPeer } from '../../support/scripted-peer.js';
import { openTestScp, silentLog } from '../../support/test-scp.js';

type Line = { readonly event: string; readonly address?: string };

const keep = (said: Line[]) => ({
  ...silentLog,
  warn: (event: string, fields?: object) => void said.push({ event, ...fields }),
});

afterEach(() => void jest.useRealTimers());

it('has some lines of it, all of another one, and tells its number when the minute is over', () => {
  jest.useFakeTimers();
  const said: Line[] = [];
  const refusals = new RefusalLog(keep(said));
  for (let count = 0; count < 1000; count++) refusals.warn('association rejected', { address: '10.0.0.1' });
  refusals.warn('association rejected', { address: '10.0.0.2' });
  expect(said.filter(({ address }) => address === '10.0.0.1')).toHaveLength(mostLines);
  expect(said.at(-1)?.address).toBe('10.0.0.2');
  jest.advanceTimersByTime(60_000);
  expect(said.at(-1)).toMatchObject({ address: '10.0.0.1', leftOut: 1000 - mostLines });
  refusals.warn('association rejected', { address: '10.0.0.1' });
  expect(said.at(-1)).toEqual({ event: 'association rejected', address: '10.0.0.1' });
});

it('is bounded for any number of addresses', () => {
  jest.useFakeTimers();
  const said: Line[] = [];
  const refusals = new RefusalLog(keep(said));
  for (let count = 0; count < 10_000; count++) refusals.warn('association rejected', { address: `fd00::${count}` });
  expect(said.length).toBeLessThan(500);
});

it('is used by the listener', async () => {
  const said: Line[] = [];
  const { scp } = await openTestScp({ log: keep(said) });
  for (let count = 0; count < 3 * mostLines; count++) {
    const peer = await scriptedPeer(scp.port);
    peer.send(associateRequest({ calledAe: 'ANOTHER' }));
    expect(await peer.closed()).toBe('RJ 1/1/7');
  }
  await scp.close();
  expect(said.map(({ event }) => event)).toEqual(Array.from({ length: mostLines }, () => 'association rejected'));
});

it('tells of connections beyond those that the node takes at once', async () => {
  const said: Line[] = [];
  const { scp } = await openTestScp({ log: keep(said), limits: { associations: 1 } });
  const peers = await Promise.all(Array.from({ length: 6 }, () => scriptedPeer(scp.port)));
  while (said.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const peer of peers) peer.destroy();
  await scp.close();
  const line = { event: 'connection closed: too many at once', address: '127.0.0.1' };
  expect(said).toEqual([line, line]);
});
