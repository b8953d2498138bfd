import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Tally } from '../../src/assemble/tally.js';
import type { AssemblyFacts } from '../../src/spool/arrival.js';
import { assemblyFacts } from '../support/assembly-facts.js';

const of = (number: string, expected: number | null): AssemblyFacts =>
  assemblyFacts({ acquisition: { number, expected } });
const tally = (...all: readonly AssemblyFacts[]): Tally => {
  const made = new Tally();
  for (const one of all) made.add(one);
  return made;
};

describe('the tally of a series', () => {
  it.each<[string, readonly AssemblyFacts[], number | null]>([
    ['nothing has come', [], null],
    ['nobody says how many', [assemblyFacts(), assemblyFacts()], null],
    ['the series says so', [assemblyFacts(), assemblyFacts({ expected: 7 }), assemblyFacts()], 7],
    ['one acquisition', [of('1', 3), of('1', 3)], 3],
    ['two acquisitions: the sum, as the count is per acquisition', [of('1', 3), of('2', 4)], 7],
    ['of one acquisition nobody knows', [of('1', 3), of('2', null)], null],
    ['more than the acquisition should have: the number means something else', [of('1', 1), of('1', 1)], null],
    [
      'the series counts more than its acquisitions',
      [assemblyFacts({ expected: 9, acquisition: { number: '1', expected: 3 } })],
      9,
    ],
  ])('%s', (_name, all, expected) => expect(tally(...all).expected).toBe(expected));

  it('does not depend on the order of arrival', () => {
    const one = fc.record({ number: fc.constantFrom('1', '2', '3'), expected: fc.constant(5) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (all, order) => {
        const shuffled = all.map((value) => ({ value, at: order.next().value ?? 0 })).sort((a, b) => a.at - b.at);
        const [a, b] = [all, shuffled.map(({ value }) => value)].map((list) =>
          tally(...list.map(({ number, expected }) => of(number, expected))),
        );
        expect([a?.count, a?.expected]).toEqual([b?.count, b?.expected]);
      }),
    );
  });

  it('says when each object is whole by itself', () => {
    expect(tally().allWhole).toBe(false);
    expect(tally(assemblyFacts({ isWhole: true })).allWhole).toBe(true);
    expect(tally(assemblyFacts({ isWhole: true }), assemblyFacts()).allWhole).toBe(false);
  });
});
