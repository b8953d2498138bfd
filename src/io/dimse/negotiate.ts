// Negotiation of presentation contexts, pure: as acceptor a request answered, as requestor the proposals for a list of instances.
import { implementationClassUid, implementationVersionName } from '../../version.js';
import {
  type AnsweredContext,
  type AssociateAccept,
  type AssociateRequest,
  type ProposedContext,
  type RoleSelection,
  applicationContext,
} from './associate-pdu.js';
import {
  SopClass,
  TransferSyntax,
  decodableSyntaxes,
  isStorageClass,
  mayBeStorageClass,
  nativeSyntaxes,
  storageServiceClass,
  keptSyntaxes,
} from './constants.js';
import { type Rejection, invalidPdu } from './pdu.js';
import { type NegotiationPolicy, takeEverything } from './policy.js';

/** Results of a presentation context (PS3.8 Table 9-18). */
export const ContextResult = { Acceptance: 0, AbstractSyntaxNotSupported: 3, TransferSyntaxesNotSupported: 4 } as const;

/** Refusals (PS3.8 Table 9-21) and when they are given. */
export const rejections = {
  applicationContext: { result: 1, source: 1, reason: 2 },
  userIdentity: { result: 1, source: 1, reason: 1 },
  callingAe: { result: 1, source: 1, reason: 3 },
  calledAe: { result: 1, source: 1, reason: 7 },
  protocolVersion: { result: 1, source: 2, reason: 2 },
  congestion: { result: 2, source: 3, reason: 1 },
  localLimit: { result: 2, source: 3, reason: 2 },
} as const satisfies Record<string, Rejection>;

export interface AcceptedContext {
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUid: string;
}

/** A P-DATA-TF with one PDV of one byte; below that nothing can be sent to the peer. */
const shortestMaximumLength = 8;

/**
 * Checks what does not depend on who calls.
 *
 * @returns a refusal, or null
 * @throws ProtocolFault 2/6: no data can be sent to this peer
 */
export function refuseRequest(
  request: AssociateRequest,
  aeTitles: readonly string[],
): { rejection: Rejection; why: string } | null {
  if ((request.protocolVersion & 1) === 0) {
    return { rejection: rejections.protocolVersion, why: `protocol version ${request.protocolVersion}` };
  }
  if (request.applicationContext !== applicationContext) {
    return { rejection: rejections.applicationContext, why: 'another application context' };
  }
  if (!aeTitles.includes(request.calledAe))
    return { rejection: rejections.calledAe, why: 'called AE title is none of ours' };
  if (request.callingAe === '') return { rejection: rejections.callingAe, why: 'empty calling AE title' };
  if (request.maximumLength > 0 && request.maximumLength < shortestMaximumLength) {
    throw invalidPdu(`maximum length ${request.maximumLength} leaves no room for data`);
  }
  return null;
}

/** What of storage commitment the node does for this peer: `requests` as SCP, `reports` (taking them) as SCU. */
export interface CommitmentOffer {
  readonly requests: boolean;
  readonly reports: boolean;
}
const noCommitment: CommitmentOffer = { requests: false, reports: false };

/** Syntaxes of the small data sets of storage commitment. */
const commitmentSyntaxes: readonly string[] = [
  TransferSyntax.ExplicitLittleEndian,
  TransferSyntax.ImplicitLittleEndian,
];

/**
 * Picks the transfer syntax of a context: the first proposed that limpid decodes (or Explicit VR Little Endian, where that is
 * preferred and proposed), else the first that it can keep; null: none.
 */
export function chooseSyntax(
  context: ProposedContext,
  prefer: NegotiationPolicy['prefer'] = 'proposed',
): string | null {
  const { abstractSyntaxUid, transferSyntaxUids } = context;
  if (abstractSyntaxUid === SopClass.StorageCommitment)
    return transferSyntaxUids.find((uid) => commitmentSyntaxes.includes(uid)) ?? null;
  if (abstractSyntaxUid === SopClass.Verification)
    return transferSyntaxUids.find((uid) => nativeSyntaxes.has(uid)) ?? null;
  if (prefer === 'explicit-le' && transferSyntaxUids.includes(TransferSyntax.ExplicitLittleEndian)) {
    return TransferSyntax.ExplicitLittleEndian;
  }
  return (
    transferSyntaxUids.find((uid) => decodableSyntaxes.has(uid)) ??
    transferSyntaxUids.find((uid) => keptSyntaxes.has(uid)) ??
    null
  );
}

/**
 * Which roles the peer may take in storage commitment. One that selects none, or only that of SCU, is by PS3.7 Annex D.3.3.4 none that
 * reports; but many that were asked report so, and a report says by itself which transaction it is of: it is met where reports are taken.
 */
function commitmentRoles(roles: readonly RoleSelection[], offer: CommitmentOffer): { scu: boolean; scp: boolean } {
  const asked = roles.find(({ sopClassUid }) => sopClassUid === SopClass.StorageCommitment) ?? { scu: 1, scp: 1 };
  const mayReport = offer.reports && asked.scp === 0; // a request over it is refused by its status
  return { scu: asked.scu !== 0 && (offer.requests || mayReport), scp: asked.scp !== 0 && offer.reports };
}

/** Whether the node takes a class for storage: by its own knowledge, the configuration's or the caller's word. */
function isTaken(
  uid: string,
  { common }: Pick<AssociateRequest, 'common'>,
  { classes }: Pick<NegotiationPolicy, 'classes'>,
): boolean {
  if (!mayBeStorageClass(uid)) return false;
  if (classes !== null) return classes.has(uid);
  return (
    isStorageClass(uid) ||
    common.some(({ sopClassUid, serviceClassUid }) => sopClassUid === uid && serviceClassUid === storageServiceClass)
  );
}

function answerContext(
  context: ProposedContext,
  request: AssociateRequest,
  offer: CommitmentOffer,
  policy: NegotiationPolicy,
): AnsweredContext {
  const { id, abstractSyntaxUid, transferSyntaxUids } = context;
  const { scu, scp } = commitmentRoles(request.roles, offer);
  const isCommitment = abstractSyntaxUid === SopClass.StorageCommitment && (scu || scp);
  const isStorage = isTaken(abstractSyntaxUid, request, policy);
  if (abstractSyntaxUid !== SopClass.Verification && !isStorage && !isCommitment) {
    return { id, result: ContextResult.AbstractSyntaxNotSupported, transferSyntaxUid: transferSyntaxUids[0] ?? '' };
  }
  const chosen = chooseSyntax(context, policy.prefer);
  return chosen === null
    ? { id, result: ContextResult.TransferSyntaxesNotSupported, transferSyntaxUid: transferSyntaxUids[0] ?? '' }
    : { id, result: ContextResult.Acceptance, transferSyntaxUid: chosen };
}

/** Storage SOP Class Extended Negotiation (PS3.4 Table B.3-1): level 2 (full), no signature support, no coercion. */
const storageLevel = Uint8Array.of(2, 0, 0, 0, 0, 0);

/** Answers every context of a request, also when none is accepted: the peer sees the results. */
export function answerRequest(
  request: AssociateRequest,
  maximumLength: number,
  offer: CommitmentOffer = noCommitment,
  policy: NegotiationPolicy = takeEverything,
): AssociateAccept {
  const contexts = request.contexts.map((context) => answerContext(context, request, offer, policy));
  const accepted = acceptedContexts(request.contexts, contexts);
  const taken = new Set([...accepted.values()].map(({ abstractSyntaxUid }) => abstractSyntaxUid));
  return {
    protocolVersion: 1,
    calledAe: request.calledAe,
    callingAe: request.callingAe,
    applicationContext,
    maximumLength,
    implementationClassUid,
    implementationVersionName,
    // never answered: the window is 1/1 (PS3.7 Annex D.3.3.3)
    asyncWindow: null,
    contexts,
    roles: request.roles.map((role) => {
      const { sopClassUid, scu } = role;
      if (sopClassUid === SopClass.StorageCommitment) {
        const given = commitmentRoles([role], offer);
        return { sopClassUid, scu: given.scu ? 1 : 0, scp: given.scp ? 1 : 0 };
      }
      // the peer may send, limpid does not: no C-GET
      return { sopClassUid, scu: scu === 0 ? 0 : 1, scp: 0 };
    }),
    // each class once, and only where it is taken: an answer is longer than what asks for it, and all of them have to fit into 64 KiB
    extended: [...taken]
      .filter((uid) => isStorageClass(uid) && request.extended.some(({ sopClassUid }) => sopClassUid === uid))
      .map((sopClassUid) => ({ sopClassUid, information: storageLevel })),
    identityAnswered: false,
  };
}

/** Why storage commitment was proposed and refused, for the log; null: it was not. */
export function whyCommitmentIsRefused(
  { contexts, roles }: AssociateRequest,
  answered: AssociateAccept,
  offer: CommitmentOffer,
): string | null {
  const proposed = contexts.filter(({ abstractSyntaxUid }) => abstractSyntaxUid === SopClass.StorageCommitment);
  const resultOf = (id: number): number | undefined => answered.contexts.find((one) => one.id === id)?.result;
  const results = proposed.map(({ id }) => resultOf(id));
  if (results.length === 0 || results.includes(ContextResult.Acceptance)) return null;
  if (results.includes(ContextResult.TransferSyntaxesNotSupported)) return 'no transfer syntax of it is read';
  if (!offer.requests && !offer.reports) {
    return 'this node gives this peer no commitment (node.commitment) and asks it for none (commitment of the peer)';
  }
  const { scu, scp } = roles.find(({ sopClassUid }) => sopClassUid === SopClass.StorageCommitment) ?? {
    scu: 1,
    scp: 1,
  };
  return `the peer selects the roles SCU=${scu} SCP=${scp}, and this node ${offer.requests ? 'takes no reports of it' : 'answers no requests'}`;
}

/** The contexts that were accepted, by id: as acceptor and as requestor. */
export function acceptedContexts(
  proposed: readonly ProposedContext[],
  answered: readonly AnsweredContext[],
): Map<number, AcceptedContext> {
  const contexts = new Map<number, AcceptedContext>();
  for (const { id, result, transferSyntaxUid } of answered) {
    const context = proposed.find((candidate) => candidate.id === id);
    // a syntax that was not proposed is no acceptance
    if (result !== ContextResult.Acceptance || !context?.transferSyntaxUids.includes(transferSyntaxUid)) continue;
    contexts.set(id, { abstractSyntaxUid: context.abstractSyntaxUid, transferSyntaxUid });
  }
  return contexts;
}

/** @throws nothing: what the peer does not accept shows in its answer */
export function requestFor(
  titles: { readonly calledAe: string; readonly callingAe: string },
  contexts: readonly ProposedContext[],
  maximumLength: number,
  roles: readonly RoleSelection[] = [],
): AssociateRequest {
  return {
    protocolVersion: 1,
    ...titles,
    applicationContext,
    maximumLength,
    implementationClassUid,
    implementationVersionName,
    asyncWindow: null,
    contexts,
    roles,
    extended: [],
    common: [],
    identity: null,
  };
}

/** Most contexts of one association: odd ids up to 255 (PS3.8 Section 9.3.2.2). */
const contextsOfAssociation = 128;

/** What one association proposes, and which instances go over it. */
export interface Proposal<T> {
  readonly contexts: readonly ProposedContext[];
  readonly instances: readonly T[];
}

interface SyntaxPair {
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
}

/**
 * Proposals for a list of instances: one context for each SOP class and transfer syntax, so that the answer tells what the
 * peer takes of each (with several syntaxes in one context it tells only one). Beyond 128 contexts the list is split.
 */
export function propose<T extends SyntaxPair>(
  instances: readonly T[],
  syntaxesOf: (instance: T) => readonly string[],
): Proposal<T>[] {
  const proposals: { contexts: ProposedContext[]; instances: T[]; keys: Set<string> }[] = [];
  const groups = new Map<
    string,
    { readonly sopClassUid: string; readonly syntaxes: readonly string[]; readonly members: T[] }
  >();
  for (const instance of instances) {
    const { sopClassUid } = instance;
    const syntaxes = syntaxesOf(instance);
    const key = `${sopClassUid} ${syntaxes.join(' ')}`;
    const group = groups.get(key);
    if (group) group.members.push(instance);
    else groups.set(key, { sopClassUid, syntaxes, members: [instance] });
  }
  for (const { sopClassUid, syntaxes, members } of groups.values()) {
    let proposal = proposals.at(-1);
    if (!proposal || proposal.contexts.length + syntaxes.length > contextsOfAssociation) {
      proposal = { contexts: [], instances: [], keys: new Set() };
      proposals.push(proposal);
    }
    for (const uid of syntaxes) {
      const key = `${sopClassUid} ${uid}`;
      if (proposal.keys.has(key)) continue;
      proposal.keys.add(key);
      proposal.contexts.push({
        id: 2 * proposal.contexts.length + 1,
        abstractSyntaxUid: sopClassUid,
        transferSyntaxUids: [uid],
      });
    }
    for (const member of members) proposal.instances.push(member); // by one call a hundred thousand would not fit on the stack
  }
  return proposals.map(({ contexts, instances: listed }) => ({ contexts, instances: listed }));
}
