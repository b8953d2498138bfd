/**
 * The destination doctor: takes a connection to a DICOM peer apart, step by step, and says of each what was found and what to do. It
 * stores nothing at the peer.
 */
import { performance } from 'node:perf_hooks';
import { sopClasses } from '../../dicom/uids.js';
import { LimpidError, failures } from '../../errors.js';
import type { FailureCode } from '../../errors.js';
import { AssociationFailure } from './association-failure.js';
import { acceptsCommitment } from './commitment-scu.js';
import { CommandField, SopClass, TransferSyntax } from './constants.js';
import { ContextResult } from './negotiate.js';
import {
  type Finding,
  certificateRefusedAdvice,
  examineConnection,
  failed,
  ok,
  skipped,
} from './examine-connection.js';
import { type Requestor, type ScuTarget, openRequestor } from './requestor.js';

export const examinedSteps = ['name', 'tcp', 'tls', 'association', 'contexts', 'echo', 'commitment'] as const;

export interface ExamineOptions {
  /** Address that commits itself for the peer; null: commitment is not asked for. */
  readonly commitment: ScuTarget | null;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

const echoes = 5;
/** A peer that does not answer C-ECHO for so long does not answer it. */
const echoMs = 20_000;
const echoAdvice = 'The peer accepts the association and does not answer C-ECHO over it: see its log at this time.';
/** An answer that waits for a delayed acknowledgement (Nagle's algorithm at the peer) takes 40 ms. */
const delayedFromMs = 35;

const known: readonly (readonly [name: string, uid: string])[] = [
  ['CT', sopClasses.ct],
  ['MR', sopClasses.mr],
  ['Enhanced CT', sopClasses.enhancedCt],
  ['Legacy Converted Enhanced CT', sopClasses.legacyConvertedCt],
  ['Enhanced MR', sopClasses.enhancedMr],
  ['Legacy Converted Enhanced MR', sopClasses.legacyConvertedMr],
  ['US', sopClasses.us],
  ['US Multi-frame', sopClasses.usMultiFrame],
  ['Key Object Selection', sopClasses.keyObjectSelection],
];
const syntaxes: readonly (readonly [name: string, uid: string])[] = [
  ['Explicit LE', TransferSyntax.ExplicitLittleEndian],
  ['Implicit LE', TransferSyntax.ImplicitLittleEndian],
  ['RLE', '1.2.840.10008.1.2.5'],
  ['JPEG Lossless', '1.2.840.10008.1.2.4.70'],
  ['JPEG-LS', '1.2.840.10008.1.2.4.80'],
  ['JPEG 2000 Lossless', '1.2.840.10008.1.2.4.90'],
];
/** The classes of a classic CT or MR series: without them nothing can be delivered. */
const needed = new Set(['CT', 'MR']);

const hintOf = (code: FailureCode): string => failures[code].hint;

/** Takes the steps in order; behind one that fails the rest is skipped. */
export async function examinePeer(target: ScuTarget, options: ExamineOptions): Promise<Finding[]> {
  const findings = await examineConnection(target, options.nowMs, options.signal);
  if (findings.every(({ state }) => state !== 'failed')) {
    findings.push(...(await examineAssociation(target, options.signal)));
  }
  const reached = findings.every(({ state }) => state !== 'failed') || findings.some(({ step }) => step === 'contexts');
  if (reached) findings.push(await examineCommitment(options));
  for (const step of examinedSteps) {
    if (!findings.some((finding) => finding.step === step)) findings.push(skipped(step, 'a step before it failed'));
  }
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

const rank = ({ step }: Finding): number => examinedSteps.findIndex((one) => one === step);

async function examineAssociation(target: ScuTarget, signal: AbortSignal): Promise<Finding[]> {
  const proposed = [
    {
      abstractSyntaxUid: SopClass.Verification,
      transferSyntaxUids: [TransferSyntax.ImplicitLittleEndian],
    },
    ...known.flatMap(([, abstractSyntaxUid]) =>
      syntaxes.map(([, uid]) => ({ abstractSyntaxUid, transferSyntaxUids: [uid] })),
    ),
  ].map((context, index) => ({ id: 2 * index + 1, ...context }));
  const started = performance.now();
  let requestor: Requestor;
  try {
    const limits = { ...target.limits, responseMs: echoMs };
    requestor = await openRequestor({ ...target, limits }, proposed, signal);
  } catch (error) {
    if (!(error instanceof AssociationFailure)) throw error;
    return [failed('association', error.message, associationAdvice(target, error))];
  }
  const ms = Math.round(performance.now() - started);
  const { implementationVersionName, maximumLength, contexts } = requestor.negotiated;
  const name = implementationVersionName === '' ? 'an implementation without a name' : implementationVersionName;
  return [
    ok(
      'association',
      `accepted in ${ms} ms as ${target.callingAe} to ${target.aeTitle} by ${name}, maximum PDU ${maximumLength === 0 ? 'without limit' : maximumLength}`,
    ),
    contextsFinding(contexts),
    await examineEcho(requestor),
  ];
}

/** The port has answered, and the handshake is over where there is one: what is left to go wrong with an association. */
function associationAdvice({ tls }: ScuTarget, { code, phase }: AssociationFailure): string {
  if (code === 'DIMSE_TLS') return certificateRefusedAdvice;
  if (code === 'DIMSE_PROTOCOL' && phase === 'connecting') return 'The port may be no DICOM port: mend port.';
  if (code === 'DIMSE_TIMEOUT')
    return 'The port may be no DICOM port, or the peer hangs: mend port, or look at the peer.';
  if (code !== 'DIMSE_CONNECT') return hintOf(code);
  const first =
    tls === undefined ? 'The port may want TLS (tls of the peer)' : "The peer may refuse limpid's own certificate";
  return `${first}, the port may be no DICOM port, or the peer hangs up on callers that it does not know: see its log.`;
}

/** Asks several times over the association, and releases it. */
async function examineEcho(requestor: Requestor): Promise<Finding> {
  const times: number[] = [];
  let status: number | undefined;
  try {
    for (let count = 0; count < echoes && requestor.contexts.has(1); count++) {
      const asked = performance.now();
      const response = await requestor.call(1, {
        field: CommandField.Echo,
        affectedSopClassUid: SopClass.Verification,
      });
      times.push(performance.now() - asked);
      status = response.status;
    }
  } catch (error) {
    if (!(error instanceof AssociationFailure)) throw error;
    return failed('echo', `${times.length} answered, then: ${error.message}`, echoAdvice);
  }
  await requestor.release();
  return echoFinding(times, status);
}

function contextsFinding(
  contexts: readonly { abstractSyntaxUid: string; transferSyntaxUids: readonly string[]; result: number }[],
): Finding {
  const accepted = known.map(([name, uid]) => ({
    name,
    syntaxes: syntaxes.filter(([, syntax]) =>
      contexts.some(
        ({ abstractSyntaxUid, transferSyntaxUids, result }) =>
          abstractSyntaxUid === uid && transferSyntaxUids.includes(syntax) && result === ContextResult.Acceptance,
      ),
    ),
  }));
  const taken = accepted.filter((one) => one.syntaxes.length > 0);
  const missing = accepted.filter((one) => one.syntaxes.length === 0).map(({ name }) => name);
  const groups = new Map<string, string[]>();
  for (const { name, syntaxes: of } of taken) {
    const list = of.map(([syntax]) => syntax).join(', ');
    groups.set(list, [...(groups.get(list) ?? []), name]);
  }
  const says = [...groups].map(([list, names]) => `${names.join(', ')}: ${list}`);
  const found = [...says, ...(missing.length > 0 ? [`not accepted: ${missing.join(', ')}`] : [])].join('; ');
  const lacking = missing.filter((name) => needed.has(name));
  if (lacking.length > 0) {
    return failed('contexts', found, `Have the peer accept ${lacking.join(' and ')} Image Storage from this AE title.`);
  }
  if (missing.length === 0) return ok('contexts', found);
  return {
    step: 'contexts',
    state: 'warning',
    found,
    advice: 'Objects of the classes that are not accepted cannot be delivered: add them there if they are needed.',
  };
}

function echoFinding(times: readonly number[], status: number | undefined): Finding {
  if (times.length === 0) {
    return {
      step: 'echo',
      state: 'warning',
      found: 'Verification is not accepted',
      advice: 'Limpid probes by an association alone; have the peer accept Verification.',
    };
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const found = `${times.length} answered, median ${median.toFixed(1)} ms`;
  if (status === undefined) return failed('echo', 'an answer without a status', "See the peer's log.");
  if (status !== 0)
    return failed('echo', `status ${status.toString(16).toUpperCase().padStart(4, '0')}`, "See the peer's log.");
  return median < delayedFromMs
    ? ok('echo', found)
    : {
        step: 'echo',
        state: 'warning',
        found,
        advice:
          'Each answer takes so long, for each image too. About 40 ms on a short way is a delayed acknowledgement: have the peer set TCP_NODELAY; else raise associations.',
      };
}

async function examineCommitment({ commitment, signal }: ExamineOptions): Promise<Finding> {
  if (commitment === null) return skipped('commitment', 'not asked for, by the configuration');
  try {
    if (await acceptsCommitment(commitment, signal)) {
      return ok(
        'commitment',
        `${commitment.aeTitle} accepts the Storage Commitment Push Model; it reports to ${commitment.callingAe}, whose address it must know`,
      );
    }
    const advice =
      'Have it accept Storage Commitment from this AE title, name another peer in commitment.by, or turn commitment off.';
    return failed('commitment', `${commitment.aeTitle} does not accept the Storage Commitment Push Model`, advice);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    return failed('commitment', error.message, hintOf(error.code));
  }
}
