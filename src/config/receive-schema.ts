// What is taken from whom: of the node in all, and of one peer.
import { z } from 'zod';
import { scalar, size, text, timer, whole } from './scalars.js';

const uidText = 'a SOP class UID';
const classes = scalar(
  'all, enhanceable (what limpid can derive series from), or a list of SOP class UIDs',
  (value) => {
    if (value === 'all' || value === 'enhanceable') return value;
    const list: readonly unknown[] = Array.isArray(value) ? value : [];
    const uids = list.filter((uid) => typeof uid === 'string').filter((uid) => /^[0-9]+(\.[0-9]+)+$/.test(uid));
    return uids.length > 0 && uids.length === list.length ? uids : null;
  },
  {
    anyOf: [
      { enum: ['all', 'enhanceable'] },
      { type: 'array', minItems: 1, items: { type: 'string', description: uidText } },
    ],
  },
);
const mismatch = z.enum(['refuse', 'accept']);
const duplicates = z.enum(['keep', 'refuse']);

const limits = z
  .strictObject({
    artim: timer.prefault('30s').describe('For a whole association request, and for a peer to close.'),
    pdu: timer.prefault('30s').describe('For a PDU, from its first to its last byte.'),
    stall: timer.prefault('30s').describe('A peer that takes none of its answers is left.'),
    rate: size.prefault('1KiB').describe('Least bytes a second of a data set.'),
    rateOver: timer.prefault('60s').describe('The time over which `rate` is looked at.'),
    disk: timer
      .prefault('30s')
      .describe('A spool that has not taken or kept an instance by then: A700, and nothing more until it answers.'),
  })
  .prefault({})
  .transform(({ artim, pdu, stall, rate, rateOver, disk }) => ({
    artimMs: artim,
    pduMs: pdu,
    stallMs: stall,
    bytesPerSecond: rate,
    rateMs: rateOver,
    diskMs: disk,
  }))
  .describe('When a peer, or the disk, is too slow; a peer is aborted.');

/** Keys of `node.dimse`. */
export const nodeReceive = {
  accept: classes
    .prefault('all')
    .describe(
      'Storage SOP classes that are negotiated; forwarding needs all, which holds classes that their caller names storage. Others: abstract syntax not supported.',
    ),
  prefer: z
    .enum(['proposed', 'explicit-le'])
    .default('proposed')
    .describe(
      'Which syntax of a context is taken: the first proposed, or Explicit VR Little Endian where it is proposed.',
    ),
  mismatch: mismatch
    .default('refuse')
    .describe('An object whose UIDs differ from its command: A900, or kept as it is, answered 0000 and counted.'),
  duplicates: duplicates
    .default('keep')
    .describe('The same SOP Instance UID with other bytes: kept beside the first and held, or 0111.'),
  maximumObject: size.prefault('4GiB').describe('A longer data set is read, dropped and answered A700.'),
  maximumPdu: whole('a length from 4096 to 1048576', 4096, 1_048_576)
    .default(131_072)
    .describe('Longest PDU that is received, in bytes; announced to every peer.'),
  associations: whole('a number from 1 to 1000', 1, 1000)
    .default(64)
    .describe('Associations from all peers at once; further ones are refused for now.'),
  associationsOfPeer: whole('a number from 1 to 1000', 1, 1000).default(8).describe('The same of one peer.'),
  associationsOfAddress: whole('a number from 1 to 1000', 1, 1000).default(64).describe('The same of one address.'),
  idle: timer.prefault('60s').describe('An association in which nothing happens for so long is aborted.'),
  limits,
  slowBacklog: whole('a number of jobs from 1', 1, 1_000_000)
    .default(1000)
    .describe('So many jobs wait for routing and enhancing: instances are answered later, to hold senders up.'),
  fullBacklog: whole('a number of jobs from 1', 1, 1_000_000)
    .default(10_000)
    .describe('So many wait: instances are refused as out of resources (A700) until it is less.'),
};

/** `receive` of a peer. */
export const peerReceive = z
  .strictObject({
    store: z.enum(['allow', 'refuse']).default('allow').describe('refuse: it may verify, C-STORE is answered 0124.'),
    accept: classes.prefault('all').describe('SOP classes it may store; others are answered 0122.'),
    mismatch: mismatch.optional().describe('As in node.dimse, for this peer.'),
    duplicates: duplicates.optional().describe('As in node.dimse, for this peer.'),
    associations: whole('a number from 1 to 1000', 1, 1000)
      .optional()
      .describe('Associations that it may hold at once; absent: node.dimse.associationsOfPeer.'),
    quota: z
      .strictObject({
        bytes: size.optional().describe('Bytes of data sets, as 500GB.'),
        instances: whole('a number of instances from 1', 1, 1_000_000_000).optional().describe('Number of instances.'),
      })
      .transform(({ bytes = null, instances = null }) => ({ bytes, instances }))
      .nullable()
      .default(null)
      .describe(
        'The most that it may store within 24 hours, counted by the hour and over restarts; then its instances are refused as out of resources (A700) until it is less. What comes again does not count. null: any amount.',
      ),
    user: z
      .strictObject({
        name: text('a name').describe('User name that it must give.'),
        passcodeFile: text('a file')
          .nullable()
          .default(null)
          .describe('Holds the passcode; absent: the name suffices.'),
      })
      .nullable()
      .default(null)
      .describe('User identity that the peer must give (types 1 and 2), or it is refused; null: none is looked at.'),
  })
  .prefault({})
  .describe('What is taken from it.');
