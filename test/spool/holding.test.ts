// Who else has the instances of a series: what storage commitment of this node asks of each of them.
import { describe, expect, it } from '@jest/globals';
import { forwardingIn } from '../../src/spool/holding.js';
import { decisionRecord, deliveryRecord, revisionState, seriesRecord, seriesState } from '../support/records.js';
import { processorMs } from '../support/processor-time.js';

describe('forwarding', () => {
  const decision = decisionRecord(1, { forward: ['archive', 'pacs'], commit: [] });
  const brought = (peer: string, uids: readonly string[]) => ({
    [`originals@${peer}`]: [deliveryRecord(Object.fromEntries(uids.map((uid) => [uid, 'delivered'] as const)))],
  });

  it('is done once every peer has the instance', () => {
    const deliveries = { ...brought('archive', ['1.1', '1.2']), ...brought('pacs', ['1.1']) };
    const forwarding = forwardingIn(
      seriesState([revisionState(seriesRecord(1, ['1.1', '1.2']), decision, undefined, deliveries)]),
    );
    expect(['1.1', '1.2', '1.3'].map(forwarding)).toEqual(['done', 'open', 'open']);
  });
  it('is none where no rule forwards, open where none has decided', () => {
    const record = seriesRecord(1, ['1.1']);
    expect(forwardingIn(seriesState([revisionState(record, decisionRecord(1, { forward: [] }))]))('1.1')).toBe('none');
    expect(forwardingIn(seriesState([revisionState(record)]))('1.1')).toBe('open');
  });
  it('of ten thousand instances is told at once: looked up for each, it held the node up for half a minute', () => {
    const uids = Array.from({ length: 10_000 }, (_, index) => `1.${index}`);
    const deliveries = { ...brought('archive', uids), ...brought('pacs', uids) };
    const state = seriesState([revisionState(seriesRecord(1, uids), decision, undefined, deliveries)]);
    const startedMs = processorMs();
    const forwarding = forwardingIn(state);
    expect(uids.every((uid) => forwarding(uid) === 'done')).toBe(true);
    expect(processorMs() - startedMs).toBeLessThan(3000);
  });
});
