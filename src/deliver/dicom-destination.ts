// A DICOM peer as a destination: C-STORE over parallel associations.
import pLimit from 'p-limit';
import { syntaxesToOffer } from '../dicom/conversion.js';
import type { ConversionPolicy } from '../dicom/conversion.js';
import { AssociationFailure } from '../io/dimse/association-failure.js';
import type { AssociationWatch, ScuTarget } from '../io/dimse/requestor.js';
import { echo, send } from '../io/dimse/scu.js';
import type { SendReport as AssociationReport } from '../io/dimse/scu.js';
import type { Conversion } from '../io/dimse/send-options.js';
import { rejectionKind } from '../io/dimse/status.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Destination, DestinationFailure, FailurePace } from './destination.js';
import type { Transcode } from './transcoder.js';

type Ended = Pick<NonNullable<AssociationReport['association']>, 'class' | 'phase' | 'rejection'>;

function paceOf({ class: outcome, phase, rejection }: Ended): FailurePace {
  if (rejection !== null) return rejectionKind(rejection);
  if (outcome === 'permanent') return 'operator';
  return phase === 'connecting' ? 'unreachable' : 'lost';
}

/** Counts the associations that this node opens to a peer. */
export function countAssociations(metrics: Metrics, peer: string): AssociationWatch {
  const labels = { direction: 'out', peer };
  return {
    accepted: () => metrics.add('associations_open', labels, 1),
    ended: (outcome, wasAccepted) => {
      if (wasAccepted) metrics.add('associations_open', labels, -1);
      metrics.inc('associations_total', { ...labels, outcome });
    },
  };
}

/** What instances may be turned into for a peer, and how. */
export function conversionTo(
  policy: ConversionPolicy,
  transcode: Transcode,
  originOf: (sopInstanceUid: string) => 'original' | 'result',
): Conversion {
  return {
    syntaxes: ({ sopInstanceUid, transferSyntaxUid }) =>
      syntaxesToOffer(transferSyntaxUid, originOf(sopInstanceUid), policy),
    convert: transcode,
  };
}

/** The destination of a DICOM node. */
export function dicomDestination(
  target: ScuTarget,
  options: {
    readonly associations: number;
    readonly policy: ConversionPolicy;
    readonly transcode: Transcode;
    readonly log: Log;
  },
): Destination {
  const { associations, policy, transcode, log } = options;
  // Of all sendings to the peer together: many a PACS rejects what is more than it was set up for.
  const turn = pLimit(associations);
  return {
    async send(instances, { signal, leaveMs = 0, pace }) {
      const results = new Set(instances.filter(({ origin }) => origin === 'result').map((one) => one.sopInstanceUid));
      const { association, outcomes } = await send(target, instances, {
        associations,
        turn,
        signal,
        leaveMs,
        pace,
        log,
        conversion: conversionTo(policy, transcode, (uid) => (results.has(uid) ? 'result' : 'original')),
      });
      const failure = association && {
        code: association.code,
        detail: association.detail,
        pace: paceOf(association),
      };
      return { failure, outcomes: outcomes.filter(({ tried }) => tried) };
    },
    async probe(signal): Promise<DestinationFailure | null> {
      try {
        await echo(target, { log, signal });
        return null; // whatever it answered: it is there
      } catch (error) {
        if (error instanceof AssociationFailure) {
          const { code, message, deliveryClass, phase, rejection } = error;
          return { code, detail: message, pace: paceOf({ class: deliveryClass, phase, rejection }) };
        }
        // It accepts associations, but no Verification.
        if (error instanceof LimpidError && error.code === 'DIMSE_NO_CONTEXT') return null;
        throw error;
      }
    },
  };
}
