import type { LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { sharedLookup } from '../../src/io/lookup.js';

const address: LookupAddress = { address: '10.0.0.1', family: 4 };

/** A resolver that answers when it is told to; `asked` are the names it works on. */
function heldResolver() {
  const open: { host: string; answer: (found: LookupAddress[] | Error) => void }[] = [];
  const lookup = sharedLookup(
    (host) =>
      new Promise((resolve, reject) =>
        open.push({ host, answer: (found) => (found instanceof Error ? reject(found) : resolve(found)) }),
      ),
  );
  const find = promisify((host: string, done: (error: Error | null, found?: unknown) => void) =>
    lookup(host, { all: true }, (error, found) => done(error, found)),
  );
  return { open, lookup, find };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('lookup of names', () => {
  it('asks for a name once while several wait for it, and again afterwards', async () => {
    const { open, find } = heldResolver();
    const both = [find('pacs.example'), find('pacs.example')];
    await turn();
    expect(open.map(({ host }) => host)).toEqual(['pacs.example']);
    open[0]?.answer([address]);
    expect(await Promise.all(both)).toEqual([[address], [address]]);
    const again = find('pacs.example');
    await turn();
    open[1]?.answer([]);
    expect([await again, open.length]).toEqual([[], 2]);
  });

  it('holds no more than eight threads, whatever the name servers do', async () => {
    const { open, find } = heldResolver();
    const found = Array.from({ length: 12 }, (_, n) => find(`pacs${n}.example`));
    await turn();
    expect(open).toHaveLength(8);
    for (const { answer } of open) answer([address]);
    await Promise.all(found.slice(0, 8));
    await turn();
    expect(open).toHaveLength(12);
    for (const { answer } of open) answer([address]);
    await Promise.all(found);
  });

  it('passes a fault on to all who wait', async () => {
    const { open, find } = heldResolver();
    const both = [find('gone.example'), find('gone.example')].map((found) =>
      expect(found).rejects.toThrow('ENOTFOUND'),
    );
    await turn();
    open[0]?.answer(new Error('getaddrinfo ENOTFOUND gone.example'));
    await Promise.all(both);
  });

  it('gives one address where one is asked for, and says where there is none', async () => {
    const { open, lookup } = heldResolver();
    const told: unknown[] = [];
    lookup('one.example', {}, (error, found, family) => told.push([error, found, family]));
    lookup('none.example', {}, (error) => told.push(error?.code));
    await turn();
    open[0]?.answer([address]);
    open[1]?.answer([]);
    await turn();
    expect(told).toEqual([[null, '10.0.0.1', 4], 'ENOTFOUND']);
  });
});
