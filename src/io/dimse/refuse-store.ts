// What a C-STORE request may be refused for before its data set is read.
import type { Command } from './command.js';
import { isReceivableUid, mayBeStorageClass } from './constants.js';
import type { AcceptedContext } from './negotiate.js';
import type { PeerPolicy } from './policy.js';
import type { StoreAnswer } from './sink.js';
import { answers } from './status.js';

/** What is wrong with a C-STORE command by itself, or null. */
export function refuseStore(
  command: Command,
  context: AcceptedContext,
  policy: PeerPolicy | undefined,
): StoreAnswer | null {
  // Verification and Storage Commitment store nothing, whatever class the object says it is of
  if (!mayBeStorageClass(context.abstractSyntaxUid)) return answers.unrecognized;
  if (!command.hasDataSet) return answers.noDataSet;
  if (policy?.store === 'refuse') return answers.notAuthorized;
  if (policy?.classes?.has(command.affectedSopClassUid ?? '') === false) return answers.classRefused;
  if (command.affectedSopClassUid !== context.abstractSyntaxUid) return answers.classDiffersFromContext;
  return isReceivableUid(command.affectedSopInstanceUid ?? '') ? null : answers.invalidInstanceUid;
}
