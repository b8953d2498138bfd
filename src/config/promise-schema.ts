/** Storage commitment that this node gives in the configuration: `node.commitment: true`, `false`, or its keys. */
import { z } from 'zod';
import { duration, period } from './scalars.js';

export const promising = z.preprocess(
  // true: with every default; false: not at all
  (value) => (value === true ? {} : value === false ? null : value),
  z
    .strictObject(
      {
        of: z
          .enum(['forwarded', 'received'])
          .default('forwarded')
          .describe(
            'forwarded: only what every peer has that the rules forward it to (and has committed itself to, where that is asked for). received: whatever lies whole in the spool, though nobody else may have it; its bytes are compared with their SHA-256 where its series is closed, which records that, and are read to their end before.',
          ),
        keep: period.prefault('30d').describe('Pixels of promised instances stay at least so long.'),
        wait: period
          .prefault('24h')
          .describe('What is not forwarded so long after the request is reported as failed (0110).'),
        giveUp: duration.prefault('3d').describe('A report that the peer does not take is repeated for so long.'),
      },
      'expected true, false, or a mapping',
    )
    .nullable()
    .transform((value) =>
      value === null ? null : { of: value.of, keepMs: value.keep, waitMs: value.wait, giveUpMs: value.giveUp },
    ),
);
