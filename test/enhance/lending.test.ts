// A slice stays for its neighbours, and no longer.
import { describe, expect, it } from '@jest/globals';
import { Lending } from '../../src/enhance/lending.js';

/** Three slices in a run. */
const run = [
  { before: null, after: 1 },
  { before: 0, after: 2 },
  { before: 1, after: null },
];

function lending(): { slices: Lending<string>; released: string[] } {
  const released: string[] = [];
  const slices = new Lending<string>(run, (slice) => {
    released.push(slice);
    return Promise.resolve();
  });
  return { slices, released };
}

describe('a slice that is lent', () => {
  it('is waited for by its neighbours', async () => {
    const { slices } = lending();
    const besides = slices.besides(1);
    slices.lend(2, 'c');
    slices.lend(0, 'a');
    expect(await besides).toEqual({ before: 'a', after: 'c' });
    expect(await new Lending<string>([], () => Promise.resolve()).besides(7)).toEqual({ before: null, after: null });
  });

  it('is given back when its owner has left it and the last neighbour has seen it', async () => {
    const { slices, released } = lending();
    slices.lend(1, 'b');
    await slices.seen(0);
    expect(slices.isLent(1)).toBe(true);
    await slices.leave(1, 'b');
    expect(released).toEqual([]);
    await slices.seen(2);
    expect(released).toEqual(['b']);
  });

  it('is given back when it is left, where its neighbours have seen it meanwhile', async () => {
    const { slices, released } = lending();
    slices.lend(1, 'b');
    await slices.seen(0);
    await slices.seen(2);
    expect(released).toEqual([]);
    await slices.leave(1, 'b');
    expect(released).toEqual(['b']);
  });

  it('is not given back again where its owner has done so', async () => {
    const { slices, released } = lending();
    slices.lend(0, 'a');
    await slices.seen(1);
    expect(slices.isLent(0)).toBe(false);
    await slices.leave(0, null);
    expect(released).toEqual([]);
  });
});

describe('a slice that will not come', () => {
  it('ends the waiting of its neighbours, now and later', async () => {
    const { slices } = lending();
    const waiting = slices.besides(0);
    slices.fail(new Error('undecodable'));
    slices.fail(new Error('follows from it'));
    await expect(waiting).rejects.toThrow('undecodable');
    await expect(slices.besides(2)).rejects.toThrow('undecodable');
  });
});
