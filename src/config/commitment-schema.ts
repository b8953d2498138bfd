/** Storage commitment in the configuration of a DICOM peer: `commitment: true`, `false`, or its keys. */
import { z } from 'zod';
import { duration, name, whole } from './scalars.js';

export const commitment = z.preprocess(
  // true: with every default; false: not at all
  (value) => (value === true ? {} : value === false ? null : value),
  z
    .strictObject(
      {
        by: name
          .nullable()
          .default(null)
          .describe('Peer that is asked, where an archive behind this one commits itself.'),
        wait: duration.prefault('24h').describe('A report may take so long; then it is asked again.'),
        tries: whole('a number from 1 to 100', 1, 100)
          .default(4)
          .describe('Requests without a commitment after which an instance counts as uncommitted.'),
        linger: duration.prefault('10s').describe('The association stays open for a report that comes at once.'),
      },
      'expected true, false, or a mapping',
    )
    .nullable()
    .transform((value) =>
      value === null ? null : { by: value.by, waitMs: value.wait, tries: value.tries, lingerMs: value.linger },
    ),
);
