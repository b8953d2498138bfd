// What derived objects say of the node that makes them, and what its site has them keep: settings that pass through stages.

/** What a site says of itself in place of the source's words (conformance 3.1); what is left out stays the source's. ASCII. */
export interface Institution {
  readonly name?: string | undefined;
  readonly address?: string | undefined;
  readonly department?: string | undefined;
}

/** Private elements by creator, group and low byte; `all`: the whole block. */
export interface PrivateElements {
  readonly creator: string;
  readonly group: number;
  readonly elements: readonly number[] | 'all';
}

export interface DerivingNode {
  /** Station Name, at most 16 characters. */
  readonly stationName: string;
  readonly deviceSerialNumber: string;
  /** Source Application Entity Title of the file meta group. */
  readonly aeTitle?: string;
  readonly qualification: 'RESEARCH' | 'PRODUCT';
  readonly institution?: Institution;
  /** Private elements that are kept beside the shipped list. */
  readonly keepPrivate?: readonly PrivateElements[];
}
