// Storage Commitment over associations that limpid opens: as SCU it asks (and takes a report that comes at once), as SCP it reports.
import { LimpidError } from '../../errors.js';
import {
  type CommitmentReport,
  type CommitmentRequest,
  actionTypeRequest,
  decodeCommitmentReport,
  encodeCommitmentReport,
  encodeCommitmentRequest,
  eventReport,
} from './commitment.js';
import { CommandField, SopClass, Status, TransferSyntax, storageCommitmentInstance } from './constants.js';
import type { PeerRequest } from './peer-requests.js';
import { type Requestor, type ScuTarget, openRequestor } from './requestor.js';
import { refuseCommitment } from './serve-commitment.js';
import type { StoreAnswer } from './sink.js';

const contextId = 1;
const proposed = [
  {
    id: contextId,
    abstractSyntaxUid: SopClass.StorageCommitment,
    transferSyntaxUids: [TransferSyntax.ExplicitLittleEndian, TransferSyntax.ImplicitLittleEndian],
  },
];

/** @throws LimpidError DIMSE_NO_CONTEXT, after the release */
async function acceptedSyntax(requestor: Requestor): Promise<string> {
  const context = requestor.contexts.get(contextId);
  if (context !== undefined) return context.transferSyntaxUid;
  await requestor.release();
  throw new LimpidError('DIMSE_NO_CONTEXT', 'the peer accepts no Storage Commitment Push Model');
}

/** An association over which commitment can be asked for. */
export interface CommitmentSession {
  /**
   * Asks (N-ACTION).
   *
   * @returns the peer's status and Error Comment
   * @throws AssociationFailure
   */
  ask(request: CommitmentRequest): Promise<{ readonly status: number; readonly comment: string }>;
  /** Releases the association; resolves when it has ended. */
  release(): Promise<void>;
}

/**
 * Opens an association for requests. It stays open until `release`: a report that comes over it goes to `reported`, whose answer it
 * gets.
 *
 * @throws AssociationFailure; LimpidError DIMSE_NO_CONTEXT
 */
export async function openCommitment(
  target: ScuTarget,
  options: {
    readonly signal?: AbortSignal;
    /** As of a requestor. */
    readonly leaveMs?: number;
    readonly reported: (report: CommitmentReport) => Promise<StoreAnswer>;
  },
): Promise<CommitmentSession> {
  const serve = async ({ command, dataSet, transferSyntaxUid }: PeerRequest): Promise<StoreAnswer> => {
    const context = { abstractSyntaxUid: SopClass.StorageCommitment, transferSyntaxUid };
    if (command.field !== CommandField.EventReport) return { status: Status.UnrecognizedOperation };
    const refusal = refuseCommitment(command, context, { requests: false, reports: true });
    return refusal ?? options.reported(decodeCommitmentReport(dataSet, transferSyntaxUid));
  };
  const requestor = await openRequestor(target, proposed, options.signal, { serve, leaveMs: options.leaveMs ?? 0 });
  const transferSyntaxUid = await acceptedSyntax(requestor);
  const action = {
    field: CommandField.Action,
    requestedSopClassUid: SopClass.StorageCommitment,
    requestedSopInstanceUid: storageCommitmentInstance,
    actionTypeId: actionTypeRequest,
  };
  return {
    async ask(request) {
      const bytes = encodeCommitmentRequest(request, transferSyntaxUid);
      const response = await requestor.call(contextId, action, (isWritten) =>
        requestor.writeData(contextId, bytes, isWritten),
      );
      return { status: response.status ?? Status.ProcessingFailure, comment: response.errorComment ?? '' };
    },
    release: () => requestor.release(),
  };
}

/**
 * Reports the outcome of a transaction (N-EVENT-REPORT) over an association of its own, as SCP of the class.
 *
 * @returns the peer's status
 * @throws AssociationFailure; LimpidError DIMSE_NO_CONTEXT
 */
export async function reportCommitment(
  target: ScuTarget,
  report: CommitmentReport,
  signal?: AbortSignal,
): Promise<number> {
  const roles = [{ sopClassUid: SopClass.StorageCommitment, scu: 0, scp: 1 }];
  const requestor = await openRequestor(target, proposed, signal, { roles });
  const bytes = encodeCommitmentReport(report, await acceptedSyntax(requestor));
  const response = await requestor.call(contextId, eventReport(report), (isWritten) =>
    requestor.writeData(contextId, bytes, isWritten),
  );
  await requestor.release();
  return response.status ?? Status.ProcessingFailure;
}

/**
 * Whether a peer accepts the Push Model, asked without a transaction.
 *
 * @throws AssociationFailure
 */
export async function acceptsCommitment(target: ScuTarget, signal?: AbortSignal): Promise<boolean> {
  const requestor = await openRequestor(target, proposed, signal);
  await requestor.release();
  return requestor.contexts.has(contextId);
}
