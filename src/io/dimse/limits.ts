/** Limits of one node's DIMSE service; what happens on excess stands beside each. Times in ms, sizes in bytes. */
export interface Limits {
  /** Announced as Maximum Length Received; a longer P-DATA-TF: A-ABORT 2/6. */
  readonly maximumLength: number;
  /** A-ASSOCIATE-RQ or -AC; 128 contexts of 20 syntaxes need about 72 KB. Longer: A-ABORT 2/6. */
  readonly associateBytes: number;
  /** Transfer syntaxes looked at in one presentation context; further ones are passed over. */
  readonly syntaxesOfContext: number;
  /** A command set; longer: A-ABORT 0/0. */
  readonly commandBytes: number;
  /** A data set; longer: A700 once it has been read and dropped, A-ABORT 0/0 above twice the limit. */
  readonly objectBytes: number;
  /** Any other data set; longer: A-ABORT 0/0. A request for storage commitment takes 110 bytes an instance. */
  readonly otherDataSetBytes: number;
  /** Nesting of sequences; deeper: C000. */
  readonly nesting: number;
  /** What a deflated data set may become; more, or more than `inflationRatio` times its bytes: C000. */
  readonly inflatedBytes: number;
  readonly inflationRatio: number;
  /**
   * Associations at once: of the node, of one peer, of one address (A-ASSOCIATE-RJ 2/3/2), of one address before its request (closed).
   * As many may be left over from one address, ended by limpid and not closed by the peer: then the oldest is closed.
   */
  readonly associations: number;
  readonly associationsOfPeer: number;
  readonly associationsOfAddress: number;
  readonly waitingOfAddress: number;
  /** Bytes queued at sinks: of one association (its socket is paused), of all (those that hold any are paused). */
  readonly queuedBytes: number;
  readonly queuedBytesOfAll: number;
  /** Answers that the peer has not read: the socket is paused, and closed after `stallMs`. */
  readonly unreadBytes: number;
  /** Requests of one association that wait for their answer: the socket is paused. */
  readonly unanswered: number;
  /** ARTIM (PS3.8 Section 9.1.5): whole A-ASSOCIATE-RQ, answer to it, closing. */
  readonly artimMs: number;
  /** An open association in which nothing happens: A-ABORT 2/0. */
  readonly idleMs: number;
  /** A PDU from its first to its last byte: A-ABORT 2/0. */
  readonly pduMs: number;
  /** A peer that takes no answer: closed. */
  readonly stallMs: number;
  /** A data set that comes slower than `bytesPerSecond` over this time, a command set that has not ended within it: A-ABORT 2/0. */
  readonly rateMs: number;
  readonly bytesPerSecond: number;
  /** As SCU: the answer to a request, and a peer that takes no byte of one; the TCP connection. */
  readonly responseMs: number;
  readonly connectMs: number;
}

const MiB = 1024 * 1024;

export const defaultLimits: Limits = {
  maximumLength: 131_072,
  associateBytes: 256 * 1024,
  syntaxesOfContext: 64,
  commandBytes: 16 * 1024,
  objectBytes: 4096 * MiB,
  otherDataSetBytes: 4 * MiB,
  nesting: 64,
  inflatedBytes: 4096 * MiB,
  inflationRatio: 200,
  associations: 64,
  associationsOfPeer: 8,
  associationsOfAddress: 64,
  waitingOfAddress: 8,
  queuedBytes: 4 * MiB,
  queuedBytesOfAll: 128 * MiB,
  unreadBytes: 256 * 1024,
  unanswered: 8,
  artimMs: 30_000,
  idleMs: 60_000,
  pduMs: 30_000,
  stallMs: 30_000,
  rateMs: 60_000,
  bytesPerSecond: 1024,
  responseMs: 300_000,
  connectMs: 10_000,
};
