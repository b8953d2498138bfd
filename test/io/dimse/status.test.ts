import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { answers, deliveryRule, describeRejection, rejectionClass } from '../../../src/io/dimse/status.js';
import type { StoreAnswer } from '../../../src/io/dimse/sink.js';

it.each<[string, readonly number[]]>([
  ['delivered', [0x0000, 0x0111, 0xa770]],
  ['warned', [0x0001, 0x0107, 0x0116, 0xb000, 0xb006, 0xb007, 0xbabc]],
  ['transient', [0xa700, 0xa701, 0xa77a, 0xa7ff, 0x0110, 0x0213, 0xfe00, 0x0abc, 0xa123, 0x0210, 0x0211, 0x0212]],
  [
    'permanent',
    [0xa771, 0xa777, 0xa77b, 0xa900, 0xa9ff, 0xc000, 0xc409, 0xc499, 0x0106, 0x0112, 0x0117, 0x0118, 0x0119].concat([
      0x0120, 0x0121, 0x0122, 0x0124,
    ]),
  ],
])('statuses that are %s', (expected, statuses) => {
  expect(statuses.map((status) => [status, deliveryRule(status).class])).toEqual(
    statuses.map((status) => [status, expected]),
  );
});

it('tries: ten where resources lack and others pass, ten for processing failures, three for the unknown, two where limpid erred', () => {
  const rules = [0xa700, 0x0110, 0x0213, 0x0abc, 0x0211, 0xa77a].map(deliveryRule);
  expect(rules.map(({ tries }) => tries)).toEqual([10, 10, 10, 3, 2, null]);
  expect(rules.map(({ counts }) => counts === 'always')).toEqual([false, true, true, true, true, true]);
});

it('every status means something, and success and warnings are never tried again', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), (status) => {
      const rule = deliveryRule(status);
      expect(['delivered', 'warned', 'transient', 'permanent']).toContain(rule.class);
      if (status >>> 12 === 0xb) expect(rule.class).toBe('warned');
      if (rule.class !== 'transient') expect(rule.tries).toBeNull();
    }),
  );
});

it('refusals are permanent only where a person must change something', () => {
  const triples = [1, 2].flatMap((result) =>
    [1, 2, 3].flatMap((source) => [1, 2, 3, 7].map((reason) => ({ result, source, reason }))),
  );
  const permanent = triples.filter((triple) => rejectionClass(triple) === 'permanent');
  expect(permanent.map(({ result, source, reason }) => `${result}/${source}/${reason}`)).toEqual([
    '1/1/1',
    '1/1/2',
    '1/2/1',
    '1/2/2',
    '1/2/3',
    '1/2/7',
  ]);
  expect(describeRejection({ result: 1, source: 1, reason: 7 })).toBe(
    'rejected 1/1/7 (permanent): called AE title not recognized',
  );
});

it('comments have at most 64 characters', () => {
  const all: StoreAnswer[] = Object.values(answers);
  expect(all.filter(({ comment = '' }) => comment.length > 64)).toEqual([]);
});
