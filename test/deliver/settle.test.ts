// The table of delivery outcomes (conformance statement), enumerated from the table in the code.
import { describe, expect, it } from '@jest/globals';
import { settleOutcome } from '../../src/deliver/settle.js';
import { deliveryRule, singleStatuses, statusRanges } from '../../src/io/dimse/status.js';
import type { DeliveryClass, DeliveryRecord } from '../../src/spool/records.js';

const at = '2026-01-01T00:00:00.000Z';
const answer = (status: number | null, outcome: DeliveryClass = 'transient') => ({
  sopInstanceUid: '1.2',
  class: outcome,
  status,
  comment: '',
});
const tried = (status: number | null, count: number): DeliveryRecord[] =>
  Array.from({ length: count }, () => ({
    version: 1,
    at,
    peer: 'pacs',
    association: null,
    instances: [answer(status)],
  }));
const settle = (status: number, earlier: number, others: boolean, busy: readonly string[] = []) =>
  settleOutcome(answer(status), tried(status, earlier), busy, () => others);

/** Every row of the table: its single statuses, and both ends of its ranges where no single one lies there. */
const statuses = [
  ...singleStatuses.keys(),
  ...statusRanges.flatMap(([from, to]) => [from, to]),
  0x0999,
  0xd000,
  0xa800,
];

describe('the conformance statement, row by row', () => {
  // Written out from delivery outcomes, not from the table in the code.
  it.each<[string, readonly number[], DeliveryClass, boolean]>([
    ['success, and duplicate SOP instance', [0x0000, 0x0111, 0xa770], 'delivered', false],
    ['warnings', [0x0001, 0x0107, 0x0116, 0xb000, 0xb006, 0xb007, 0xbfff], 'warned', false],
    ['out of resources, and deletion in progress', [0xa700, 0xa701, 0xa7ff, 0xa77a], 'transient', false],
    ['processing failure, resource limitation', [0x0110, 0x0213], 'transient', false],
    ['rejected or conflicting, says dcm4chee-arc', [0xa771, 0xa772, 0xa776, 0xa777, 0xa779, 0xa77b], 'permanent', true],
    ['data set does not match its class', [0xa900, 0xa901, 0xa9ff], 'permanent', true],
    ['cannot understand', [0xc000, 0xc409, 0xc499, 0xcfff], 'permanent', false],
    ['arguments', [0x0106, 0x0112, 0x0117, 0x0119, 0x0120, 0x0121], 'permanent', false],
    ['class not supported', [0x0118, 0x0122], 'permanent', false],
    ['not authorized', [0x0124], 'permanent', true],
    ['a fault of limpid, once more', [0x0210, 0x0211, 0x0212], 'transient', false],
    ['what nobody knows, and cancelled', [0x0999, 0xa800, 0xd000, 0xfe00], 'transient', false],
  ])('%s', (_name, codes, outcome, alarm) => {
    for (const status of codes)
      expect({ status, ...settle(status, 0, false) }).toEqual({ status, class: outcome, alarm });
  });
  it.each([
    [0x0110, 10],
    [0x0213, 10],
    [0x0210, 2],
    [0x0999, 3],
    [0xd000, 3],
  ])('%d is tried %d times', (status, tries) => {
    expect(settle(status, tries - 2, false).class).toBe('transient');
    expect(settle(status, tries - 1, false)).toEqual({ class: 'permanent', alarm: true });
  });
  it('A700 ten times, while others get through', () => {
    expect(settle(0xa700, 100, false).class).toBe('transient');
    expect(settle(0xa700, 8, true).class).toBe('transient');
    expect(settle(0xa700, 9, true)).toEqual({ class: 'permanent', alarm: true });
  });
});

describe('every status of the table', () => {
  it('what is delivered, warned or permanent is so at the first answer', () => {
    let seen = 0;
    for (const status of statuses) {
      const rule = deliveryRule(status);
      if (rule.class === 'transient') continue;
      expect({ status, ...settle(status, 0, false) }).toEqual({
        status,
        class: rule.class,
        alarm: rule.alarm === 'alarm',
      });
      seen += 1;
    }
    expect(seen).toBeGreaterThan(20);
  });

  it('what is transient with so many tries is permanent, and alarmed, at the last of them', () => {
    let seen = 0;
    for (const status of statuses) {
      const { class: outcome, tries } = deliveryRule(status);
      if (outcome !== 'transient' || tries === null) continue;
      expect({ status, ...settle(status, tries - 2, true) }).toEqual({ status, class: 'transient', alarm: false });
      expect({ status, ...settle(status, tries - 1, true) }).toEqual({ status, class: 'permanent', alarm: true });
      seen += 1;
    }
    expect(seen).toBeGreaterThan(5);
  });

  it('what is transient without a number of tries stays so', () => {
    for (const status of statuses.filter((code) => deliveryRule(code).tries === null)) {
      if (deliveryRule(status).class === 'transient') expect(settle(status, 1000, true).class).toBe('transient');
    }
  });
});

describe('single rows, as the statement has them', () => {
  it.each<[number, number, boolean, DeliveryClass]>([
    [0xa700, 9, true, 'permanent'], // ten tries while others get through
    [0xa700, 8, true, 'transient'],
    [0xa700, 500, false, 'transient'], // nobody gets through: the peer's trouble, not this instance's
    [0xa77a, 500, true, 'transient'],
    [0xa770, 0, false, 'delivered'],
    [0xa771, 0, false, 'permanent'],
    [0x0110, 9, false, 'permanent'],
    [0x0110, 8, false, 'transient'],
    [0x0213, 9, false, 'permanent'],
    [0x0211, 0, false, 'transient'], // once more, over a new association
    [0x0211, 1, false, 'permanent'],
    [0x0999, 2, false, 'permanent'],
    [0x0999, 1, false, 'transient'],
    [0xfe00, 99, true, 'transient'],
    [0x0111, 0, false, 'delivered'],
    [0xb007, 0, false, 'warned'],
    [0x0124, 0, false, 'permanent'],
  ])('%p after %p tries, others pass: %p is %s', (status, earlier, others, expected) => {
    expect(settle(status, earlier, others).class).toBe(expected);
  });

  it('a refusal that this peer gives when it is busy gets three tries', () => {
    expect(settle(0xc000, 0, false).class).toBe('permanent');
    expect([0, 1, 2].map((earlier) => settle(0xc000, earlier, false, ['C000']).class)).toEqual([
      'transient',
      'transient',
      'permanent',
    ]);
  });

  it('without an answer the word of the sender counts; unanswered tries are none of the ten', () => {
    expect(settleOutcome(answer(null, 'permanent'), [], [], () => true)).toEqual({ class: 'permanent', alarm: true });
    expect(settleOutcome(answer(null), tried(null, 50), [], () => true).class).toBe('transient');
    expect(settleOutcome(answer(0x0110), tried(null, 50), [], () => true).class).toBe('transient');
  });
});
