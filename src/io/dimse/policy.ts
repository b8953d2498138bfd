// What a node, or one of its peers, may send and how it is taken: decided by the configuration, applied while associations are served.

/** What the node negotiates with everybody. */
export interface NegotiationPolicy {
  /** Storage SOP classes that are accepted; null: all. Others: result 3, abstract-syntax-not-supported. */
  readonly classes: ReadonlySet<string> | null;
  /** Which of the syntaxes of a context is taken: the first in the order of the proposal, or Explicit VR Little Endian where it is proposed. */
  readonly prefer: 'proposed' | 'explicit-le';
}

/** What is done when the UIDs of data set and command differ: A900, or stored as it is and counted. */
export type Mismatch = 'refuse' | 'accept';

/** What one peer may do. */
export interface PeerPolicy {
  /** refuse: C-STORE is answered 0124; it may verify. */
  readonly store: 'allow' | 'refuse';
  /** SOP classes it may store, others are answered 0122; null: all that are negotiated. */
  readonly classes: ReadonlySet<string> | null;
  readonly mismatch: Mismatch;
  /** Its associations at once. */
  readonly associations: number;
}

export const takeEverything: NegotiationPolicy = { classes: null, prefer: 'proposed' };
