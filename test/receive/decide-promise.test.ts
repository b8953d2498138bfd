// What this node commits itself to, by what the spool holds and who else has it.
import { expect, it } from '@jest/globals';
import { decidePromise, isOver } from '../../src/receive/decide-promise.js';

const ct = '1.2.840.10008.5.1.4.1.1.2';
const whole = { kind: 'whole', sopClassUid: ct } as const;

it.each([
  ['whole, and nobody else asked for', whole, 'not needed', 'left', 'committed'],
  ['whole, everywhere', whole, 'done', 'over', 'committed'],
  ['whole, on its way', whole, 'open', 'left', 'wait'],
  ['whole, not forwarded in time', whole, 'open', 'over', 0x0110],
  ['whole, forwarded to nobody', whole, 'none', 'left', 0x0110],
  ['absent', { kind: 'absent' }, 'done', 'left', 0x0112],
  ['damaged', { kind: 'damaged' }, 'done', 'left', 0x0110],
  ['of another class', { kind: 'whole', sopClassUid: '1.2' }, 'done', 'left', 0x0119],
] as const)('%s', (_, onDisk, forwarding, time, expected) => {
  const decision = decidePromise(ct, onDisk, forwarding, time);
  expect(decision.kind === 'failed' ? decision.reason : decision.kind).toBe(expected);
});

it.each([
  ['at once', 0, false],
  ['just before its end', 59_999, false],
  ['at its end', 60_000, true],
  ['on a clock that was set back a little', -60_000, false],
  ['on a clock that was set back by more than all of it', -60_001, true],
])('whether a time is over: %s', (_, goneMs, expected) => {
  const since = '2026-01-01T00:00:00.000Z';
  expect(isOver(since, 60_000, Date.parse(since) + goneMs)).toBe(expected);
});
