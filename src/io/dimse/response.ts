// The response to a request: its command set from the request's and the answer (PS3.7 Section 9.3, 10.3).
import type { Command } from './command.js';
import { CommandField } from './constants.js';
import type { StoreAnswer } from './sink.js';

export function responseTo(request: Command, { status, comment, offending }: StoreAnswer): Command {
  const { affectedSopClassUid = request.requestedSopClassUid } = request;
  const { affectedSopInstanceUid = request.requestedSopInstanceUid } = request;
  return {
    field: request.field | CommandField.Response,
    hasDataSet: false,
    status,
    ...(request.messageId === undefined ? {} : { respondedTo: request.messageId }),
    ...(affectedSopClassUid === undefined ? {} : { affectedSopClassUid }),
    ...(affectedSopInstanceUid === undefined ? {} : { affectedSopInstanceUid }),
    ...(request.eventTypeId === undefined ? {} : { eventTypeId: request.eventTypeId }),
    ...(request.actionTypeId === undefined ? {} : { actionTypeId: request.actionTypeId }),
    ...(comment === undefined ? {} : { errorComment: comment.slice(0, 64) }),
    ...(offending === undefined ? {} : { offendingElements: offending }),
  };
}
