// Who may open an association: by called AE title, calling AE title, address and certificate (conformance: node behaviour).
import { BlockList, isIP } from 'node:net';
import { timingSafeEqual } from 'node:crypto';
import type { UserIdentity } from '../io/dimse/associate-pdu.js';
import type { PeerPolicy } from '../io/dimse/policy.js';
import { type AllowedCertificates, type Security, describeCertificate, isAllowed, isListed } from '../io/dimse/tls.js';

export interface AdmissionPeer {
  readonly name: string;
  readonly aeTitle: string;
  /** Addresses it may call from; null: any. */
  readonly from: readonly string[] | null;
  /** Null: it may call with TLS or without, with any certificate that the listener has let in. */
  readonly tls: { readonly allowed: AllowedCertificates; readonly plainCalls: 'refuse' | 'accept' } | null;
  /** The user identity it must give (PS3.7 Annex D.3.3.7): a name, with a passcode or without; null: none is looked at. */
  readonly user: { readonly name: string; readonly passcode: string | null } | null;
  readonly policy: PeerPolicy;
}

export interface AdmissionPolicy {
  readonly aeTitles: readonly string[];
  readonly peers: readonly AdmissionPeer[];
  readonly unknownCallers: 'refuse' | 'accept';
}

export type Admission =
  | {
      readonly kind: 'admit';
      readonly peer: string;
      readonly policy?: PeerPolicy;
      readonly identity?: 'checked' | 'ignored';
    }
  | {
      readonly kind: 'reject';
      readonly result: 1 | 2;
      readonly source: 1 | 2 | 3;
      readonly reason: number;
      readonly why: string;
    };

const calledNotRecognized = { kind: 'reject', result: 1, source: 1, reason: 7 } as const;
const callingNotRecognized = { kind: 'reject', result: 1, source: 1, reason: 3 } as const;
const noReasonGiven = { kind: 'reject', result: 1, source: 1, reason: 1 } as const;
const congestion = { kind: 'reject', result: 2, source: 3, reason: 1 } as const;

/** An IPv4 address mapped into IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '');
}

/** An AE title without its outer spaces; a tab is none. */
const withoutSpaces = (title: string): string => title.replace(/^ +| +$/g, '');

/** @param sources addresses and networks, as the configuration checks them; those of one family hold none of the other */
function isAmong(address: string, sources: readonly string[]): boolean {
  const [plain = ''] = address.split('%'); // an address of one link names its interface
  const version = isIP(plain);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  for (const source of sources) {
    const [start = '', bits] = source.split('/');
    if (isIP(start) !== version) continue;
    if (bits === undefined) list.addAddress(start, family);
    else list.addSubnet(start, Number(bits), family);
  }
  return list.check(plain, family);
}

/** Whether what the connection is secured by is what the peer must show. */
function isSecured({ tls }: AdmissionPeer, security: Security): boolean {
  if (tls === null) return true;
  if (security.kind === 'plain') return tls.plainCalls === 'accept';
  return security.certificate === null ? !isListed(tls.allowed) : isAllowed(security.certificate, tls.allowed);
}

const isSame = (given: Uint8Array, wanted: string): boolean => {
  const bytes = Buffer.from(wanted, 'utf8');
  return given.length === bytes.length && timingSafeEqual(given, bytes);
};

/** Types 1 and 2 are a name, and a name with a passcode; 3 to 5 are tickets that nobody here can check. */
function isUser({ user }: AdmissionPeer, identity: UserIdentity | null): boolean {
  if (user === null) return true;
  if (identity === null || !isSame(identity.primary, user.name)) return false;
  return user.passcode === null ? identity.type === 1 || identity.type === 2 : isPasscode(identity, user.passcode);
}

const isPasscode = ({ type, secondary }: UserIdentity, passcode: string): boolean =>
  type === 2 && isSame(secondary, passcode);

function insecure(security: Security): string {
  if (security.kind === 'plain') return 'the peer may call over TLS only';
  if (security.certificate === null) return 'the peer shows no certificate';
  return `the certificate is none that the configuration lists for the peer: ${describeCertificate(security.certificate)}`;
}

function admitUser(peer: AdmissionPeer, identity: UserIdentity | null): Admission {
  if (!isUser(peer, identity))
    return { ...noReasonGiven, why: 'the user identity is not the one that the peer must give' };
  const { name, policy, user } = peer;
  return { kind: 'admit', peer: name, policy, identity: user === null ? 'ignored' : 'checked' };
}

/** Decides on one A-ASSOCIATE-RQ. AE titles are compared with case; outer spaces are not significant (PS3.5 6.2). */
export function admit(
  request: {
    readonly callingAe: string;
    readonly calledAe: string;
    readonly address: string;
    readonly security: Security;
    readonly identity: UserIdentity | null;
  },
  policy: AdmissionPolicy,
  congested: string | null,
): Admission {
  if (congested !== null) return { ...congestion, why: congested };
  if (!policy.aeTitles.includes(withoutSpaces(request.calledAe))) {
    return { ...calledNotRecognized, why: 'the called AE title is none of this node' };
  }
  const calling = withoutSpaces(request.callingAe);
  const named = policy.peers.filter(({ aeTitle }) => aeTitle === calling);
  const address = plainAddress(request.address);
  const here = named.filter(({ from }) => from === null || isAmong(address, from));
  const secured = here.filter((candidate) => isSecured(candidate, request.security));
  // of several behind one AE title, which the user's name may tell apart, the first that all of it fits
  const peer = secured.find((candidate) => isUser(candidate, request.identity)) ?? secured[0];
  if (peer !== undefined) return admitUser(peer, request.identity);
  // why stays in the log: a caller is not told what it lacks
  if (here.length > 0) return { ...callingNotRecognized, why: insecure(request.security) };
  if (named.length > 0)
    return { ...callingNotRecognized, why: `the calling AE title is known, but not from ${address}` };
  if (policy.unknownCallers === 'accept') return { kind: 'admit', peer: 'unknown' };
  return { ...callingNotRecognized, why: 'the calling AE title is no peer of this node' };
}
