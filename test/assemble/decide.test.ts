import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideCompletion } from '../../src/assemble/decide.js';
import type { PendingFacts } from '../../src/assemble/decide.js';

const policy = { quietMs: 60_000, releasedMs: 5_000, gapsMs: 120_000, longestMs: 1_800_000 };
const facts: PendingFacts = {
  firstAtMs: 0,
  lastAtMs: 1000,
  count: 10,
  expected: null,
  hasGaps: false,
  associationOpen: false,
  releasedAtMs: 1000,
  releasedWithSeveral: true,
  mayComeAgain: false,
  allWhole: false,
  firstRevision: true,
};

const untilOf = (change: Partial<PendingFacts>): number => {
  const decision = decideCompletion({ ...facts, ...change }, policy, 1000);
  return decision.kind === 'wait' ? decision.untilMs : -1;
};

describe('decideCompletion', () => {
  it.each<[string, Partial<PendingFacts>, number]>([
    ['a released association with several instances: the short period', {}, 6_000],
    ['one association an image: the quiet period', { releasedWithSeveral: false }, 61_000],
    [
      'one association an image, but the count is reached: the short period',
      { releasedWithSeveral: false, expected: 10 },
      6_000,
    ],
    ['the expected count is not reached: geometry still speaks', { expected: 12 }, 6_000],
    ['one association an object, each whole by itself', { releasedWithSeveral: false, allWhole: true }, 6_000],
    ['gaps: the longer period', { hasGaps: true }, 121_000],
    ['gaps, but the count is reached: the short period', { hasGaps: true, expected: 10 }, 6_000],
    ['another association still open', { associationOpen: true }, 61_000],
    ['something may come again: the quiet period', { mayComeAgain: true }, 61_000],
    ['also of objects that are each whole by themselves', { mayComeAgain: true, allWhole: true }, 61_000],
    [
      'something may come again, but the count is reached: the short period',
      { mayComeAgain: true, expected: 10 },
      6_000,
    ],
    ['aborted', { releasedAtMs: null }, 61_000],
    ['a second revision', { firstRevision: false }, 61_000],
    ['never quiet: the longest wait', { lastAtMs: 1_790_000, releasedAtMs: null }, 1_800_000],
  ])('%s', (_name, change, untilMs) => expect(untilOf(change)).toBe(untilMs));

  it('says why it closed', () => {
    expect(decideCompletion(facts, policy, 6_000)).toEqual({ kind: 'close', why: 'released' });
    expect(decideCompletion({ ...facts, expected: 10 }, policy, 6_000)).toEqual({ kind: 'close', why: 'count' });
    expect(decideCompletion({ ...facts, releasedAtMs: null }, policy, 61_000)).toEqual({ kind: 'close', why: 'quiet' });
    expect(decideCompletion({ ...facts, lastAtMs: 1_800_000 }, policy, 1_800_000)).toEqual({
      kind: 'close',
      why: 'timeout',
    });
  });

  it('closes at the time it asked to be called again, and not before', () => {
    const ms = fc.nat(10_000_000);
    fc.assert(
      fc.property(
        ms,
        ms,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (first, gap, gaps, open, several, firstRevision) => {
          const some: PendingFacts = {
            ...facts,
            firstAtMs: first,
            lastAtMs: first + gap,
            releasedAtMs: first + gap,
            hasGaps: gaps,
            associationOpen: open,
            releasedWithSeveral: several,
            firstRevision,
          };
          const decision = decideCompletion(some, policy, first - 1);
          if (decision.kind !== 'wait') throw new Error('closed before its first instance');
          expect(decideCompletion(some, policy, decision.untilMs).kind).toBe('close');
          expect(decideCompletion(some, policy, decision.untilMs - 1).kind).toBe('wait');
        },
      ),
    );
  });
});
