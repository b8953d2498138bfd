// What a command says of itself beside its result: in words, each thing once.
import { expect, it } from '@jest/globals';
import { saidLog } from '../../src/cli/said-log.js';

it('says warnings and errors in words, each once', () => {
  const lines: string[] = [];
  const log = saidLog({ out: () => {}, err: (text) => void lines.push(text), terminal: false });
  log.info('probed a peer', { answered: true });
  for (let file = 0; file < 3; file++)
    log.error('an instance cannot be read', { error: new Error('EIO: i/o error, read') });
  log.with({ peer: 'pacs' }).warn('association lost while sending; opening another', { code: 'DIMSE_ABORTED' });
  log.warn('elements do not ascend');
  expect(lines).toEqual([
    'note an instance cannot be read: EIO: i/o error, read',
    'note association lost while sending; opening another (DIMSE_ABORTED)',
    'note elements do not ascend',
  ]);
});
