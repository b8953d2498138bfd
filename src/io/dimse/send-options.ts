// What a sending of instances is asked for, and what it tells of each.
import type { Log } from '../../observe/log.js';
import type { Outgoing } from './outgoing.js';
import type { DeliveryClass } from './status.js';

/** What became of one instance. `status` is the peer's, null where it gave none. */
export interface InstanceOutcome {
  readonly sopInstanceUid: string;
  readonly class: DeliveryClass;
  readonly status: number | null;
  /** The peer's Error Comment, or why nothing was sent. */
  readonly comment: string;
  /** False where nothing of it went out, nor was looked at: the sending had ended before. */
  readonly tried: boolean;
}

export interface SendOptions {
  /** Most associations at once. */
  readonly associations: number;
  /** Has an association wait until others of its peer have ended, those of other sendings among them; absent: none waits. */
  readonly turn?: <T>(association: () => Promise<T>) => Promise<T>;
  readonly onOutcome?: (outcome: InstanceOutcome) => void;
  /** Waits until an instance may go out; false: no more may for now, and the rest is left untried. */
  readonly pace?: (instance: Outgoing) => Promise<boolean>;
  /** Aborted: nothing more goes out. */
  readonly signal?: AbortSignal;
  /** What is under way then has so long to be answered, ms; absent: it is cut off. */
  readonly leaveMs?: number;
  readonly log: Log;
  /** Makes instances of another syntax; without it files go out in their own only. */
  readonly conversion?: Conversion;
}

/** A Part 10 file of an instance in another syntax; `discard` takes it away. */
export interface Converted {
  readonly file: string;
  readonly discard: () => Promise<void>;
}

export interface Conversion {
  /** Transfer syntaxes that an instance may go out in, the preferred first. */
  readonly syntaxes: (instance: Outgoing) => readonly string[];
  /** @throws LimpidError DICOM_UNDECODABLE and others: then the next syntax is tried */
  readonly convert: (instance: Outgoing, toTransferSyntax: string) => Promise<Converted>;
}

/** Which syntaxes each instance may go out in. */
export const syntaxesOf =
  ({ conversion }: Pick<SendOptions, 'conversion'>) =>
  (instance: Outgoing): readonly string[] =>
    conversion?.syntaxes(instance) ?? [instance.transferSyntaxUid];
