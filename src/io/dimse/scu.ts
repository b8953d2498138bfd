// Storage and Verification as SCU: sends files as they lie, over parallel associations, and says of each instance what became of it.
import { LimpidError } from '../../errors.js';
import type { FailureCode } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import { CommandField, SopClass, Status, TransferSyntax, isReceivableUid } from './constants.js';
import { propose } from './negotiate.js';
import type { Outgoing } from './outgoing.js';
import type { Rejection } from './pdu.js';
import type { AssociationFailure } from './association-failure.js';
import { type Negotiated, type ScuTarget, openRequestor } from './requestor.js';
import { type InstanceOutcome, type SendOptions, syntaxesOf } from './send-options.js';
import { StoreJob } from './store-job.js';

export interface SendReport {
  /** Why an association failed, if an instance is without an answer because of it. */
  readonly association: {
    readonly code: FailureCode;
    readonly detail: string;
    readonly class: 'transient' | 'permanent';
    readonly phase: 'connecting' | 'established';
    readonly rejection: Rejection | null;
  } | null;
  /** What the first association negotiated. */
  readonly negotiated: Negotiated | null;
  /** One for each instance, in the order of their answers. */
  readonly outcomes: InstanceOutcome[];
}

/**
 * Verifies a peer by C-ECHO.
 *
 * @returns `ms`: from connecting to the response
 * @throws LimpidError DIMSE_CONNECT, DIMSE_REJECTED, DIMSE_ABORTED, DIMSE_TIMEOUT, DIMSE_PROTOCOL, DIMSE_NO_CONTEXT
 */
export async function echo(
  target: ScuTarget,
  options: { readonly log: Log; readonly signal?: AbortSignal },
): Promise<{ negotiated: Negotiated; ms: number; status: number }> {
  const started = performance.now();
  const transferSyntaxUids = [TransferSyntax.ImplicitLittleEndian, TransferSyntax.ExplicitLittleEndian];
  const proposed = [{ id: 1, abstractSyntaxUid: SopClass.Verification, transferSyntaxUids }];
  const requestor = await openRequestor(target, proposed, options.signal);
  const { negotiated } = requestor;
  if (!requestor.contexts.has(1)) {
    await requestor.release();
    throw new LimpidError('DIMSE_NO_CONTEXT', 'the peer accepts no Verification');
  }
  const response = await requestor.call(1, {
    field: CommandField.Echo,
    affectedSopClassUid: SopClass.Verification,
  });
  const ms = performance.now() - started;
  await requestor.release();
  return { negotiated, ms, status: response.status ?? Status.ProcessingFailure };
}

/** Whether a presentation context can be proposed for an instance: over one of no UIDs a peer may refuse all that share the association. */
const isProposable = ({ sopClassUid, transferSyntaxUid }: Outgoing): boolean =>
  isReceivableUid(sopClassUid) && isReceivableUid(transferSyntaxUid);

/**
 * Sends instances by C-STORE. Each file's data set goes out byte by byte as it lies behind its meta group, in the syntax it is in,
 * or converted where the peer does not accept that and `convert` is given.
 *
 * Never throws for a peer's failure: that is in the report. Every instance gets exactly one outcome.
 */
export async function send(
  target: ScuTarget,
  instances: readonly Outgoing[],
  options: SendOptions,
): Promise<SendReport> {
  const outcomes: InstanceOutcome[] = [];
  const report = (outcome: InstanceOutcome) => {
    outcomes.push(outcome);
    options.onOutcome?.(outcome);
  };
  let failure: AssociationFailure | null = null;
  let negotiated: Negotiated | null = null;
  let isEnded = false;
  const proposable = instances.filter(isProposable);
  for (const { sopInstanceUid } of instances.filter((instance) => !isProposable(instance))) {
    const comment = 'not sent: its SOP class or transfer syntax is no UID';
    report({ sopInstanceUid, class: 'permanent', status: null, comment, tried: true });
  }
  for (const proposal of propose(proposable, syntaxesOf(options))) {
    const told = outcomes.length;
    const job = new StoreJob(target, proposal, options, report);
    if (isEnded) job.leave(failure?.message ?? 'stopped');
    else await job.run();
    isEnded ||= outcomes.slice(told).some(({ tried }) => !tried);
    failure = job.failure ?? failure;
    negotiated ??= job.negotiated;
  }
  const association = failure && {
    code: failure.code,
    detail: failure.message,
    class: failure.deliveryClass,
    phase: failure.phase,
    rejection: failure.rejection,
  };
  return { association, negotiated, outcomes };
}
