// Who may open an association: by called AE title, calling AE title and address (conformance: node behaviour).
export interface AdmissionPeer {
  readonly name: string;
  readonly aeTitle: string;
  /** Addresses it may call from; null: any. */
  readonly from: readonly string[] | null;
}

export interface AdmissionPolicy {
  readonly aeTitles: readonly string[];
  readonly peers: readonly AdmissionPeer[];
  readonly unknownCallers: 'refuse' | 'accept';
}

export type Admission =
  | { readonly kind: 'admit'; readonly peer: string }
  | {
      readonly kind: 'reject';
      readonly result: 1 | 2;
      readonly source: 1 | 2 | 3;
      readonly reason: number;
      readonly why: string;
    };

const calledNotRecognized = { kind: 'reject', result: 1, source: 1, reason: 7 } as const;
const callingNotRecognized = { kind: 'reject', result: 1, source: 1, reason: 3 } as const;
const congestion = { kind: 'reject', result: 2, source: 3, reason: 1 } as const;

/** An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '');
}

/** Decides on one A-ASSOCIATE-RQ. AE titles are compared with case; outer spaces are not significant (PS3.5 6.2). */
export function admit(
  request: { readonly callingAe: string; readonly calledAe: string; readonly address: string },
  policy: AdmissionPolicy,
  congested: string | null,
): Admission {
  if (congested !== null) return { ...congestion, why: congested };
  if (!policy.aeTitles.includes(request.calledAe.trim())) {
    return { ...calledNotRecognized, why: 'the called AE title is none of this node' };
  }
  const calling = request.callingAe.trim();
  const named = policy.peers.filter(({ aeTitle }) => aeTitle === calling);
  const address = plainAddress(request.address);
  const peer = named.find(({ from }) => from === null || from.includes(address));
  if (peer !== undefined) return { kind: 'admit', peer: peer.name };
  if (named.length > 0)
    return { ...callingNotRecognized, why: `the calling AE title is known, but not from ${address}` };
  if (policy.unknownCallers === 'accept') return { kind: 'admit', peer: 'unknown' };
  return { ...callingNotRecognized, why: 'the calling AE title is no peer of this node' };
}
