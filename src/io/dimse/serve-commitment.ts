// N-ACTION and N-EVENT-REPORT of Storage Commitment as they come in: checked, read, handed to the service, on either kind of association.
import { LimpidError } from '../../errors.js';
import type { Command } from './command.js';
import {
  type CommitmentService,
  type SendReport,
  actionTypeRequest,
  decodeCommitmentReport,
  decodeCommitmentRequest,
  eventTypes,
} from './commitment.js';
import { CommandField, SopClass, Status, storageCommitmentInstance } from './constants.js';
import type { AcceptedContext, CommitmentOffer } from './negotiate.js';
import type { AssociationInfo, StoreAnswer } from './sink.js';
import { answers } from './status.js';

/** What is wrong with such a command by itself, or null (PS3.7 Sections 10.1.1.1.8, 10.1.4.1.10). */
export function refuseCommitment(
  command: Command,
  context: AcceptedContext | undefined,
  offer: CommitmentOffer,
): StoreAnswer | null {
  const isRequest = command.field === CommandField.Action;
  const classUid = isRequest ? command.requestedSopClassUid : command.affectedSopClassUid;
  const instanceUid = isRequest ? command.requestedSopInstanceUid : command.affectedSopInstanceUid;
  if (context?.abstractSyntaxUid !== SopClass.StorageCommitment) return answers.unrecognized;
  if (!(isRequest ? offer.requests : offer.reports)) {
    return { status: Status.NotAuthorized, comment: 'this node does not take that role' };
  }
  if (classUid !== SopClass.StorageCommitment) {
    return { status: Status.ClassInstanceConflict, comment: 'SOP class is not that of the presentation context' };
  }
  if (instanceUid !== storageCommitmentInstance) {
    return { status: Status.NoSuchObjectInstance, comment: 'not the instance of the Push Model' };
  }
  if (isRequest && command.actionTypeId !== actionTypeRequest) {
    return { status: Status.NoSuchActionType, comment: 'action type is not 1' };
  }
  const { success, failures } = eventTypes;
  if (!isRequest && command.eventTypeId !== success && command.eventTypeId !== failures) {
    return { status: Status.NoSuchEventType, comment: 'event type is neither 1 nor 2' };
  }
  return command.hasDataSet ? null : { status: Status.InvalidArgumentValue, comment: 'no data set' };
}

/** Reads the data set and asks the service. @throws what the service throws */
export async function answerCommitment(
  service: CommitmentService,
  association: AssociationInfo,
  message: { readonly request: Command; readonly dataSet: Uint8Array; readonly transferSyntaxUid: string },
  sendReport: SendReport,
): Promise<StoreAnswer> {
  const { request, dataSet, transferSyntaxUid } = message;
  try {
    if (request.field === CommandField.EventReport) {
      return await service.reported(association, decodeCommitmentReport(dataSet, transferSyntaxUid));
    }
    return await service.requested(association, decodeCommitmentRequest(dataSet, transferSyntaxUid), sendReport);
  } catch (error) {
    if (!(error instanceof LimpidError) || !error.code.startsWith('DICOM_')) throw error;
    return { status: Status.InvalidArgumentValue, comment: error.message.slice(0, 64) };
  }
}
