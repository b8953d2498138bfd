// The audit trail of one process: each event becomes a syslog message in the spool, where it stays until a repository has it.
import { syslogMessage } from '../io/syslog/message.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { AuditMessages } from '../spool/audit-messages.js';
import { auditXml } from './message.js';
import type { AuditMessage, AuditSource } from './message.js';

export interface TrailDeps {
  readonly messages: Pick<AuditMessages, 'append'>;
  readonly source: AuditSource;
  readonly syslog: {
    readonly facility: number;
    readonly severity: number;
    readonly messageId: string;
    readonly host: string;
    readonly processId: string;
  };
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface AuditTrail {
  /** Writes messages down. Never throws: a patient's images do not wait for their trail. */
  record(...messages: readonly AuditMessage[]): Promise<void>;
}

export function openTrail({ messages, source, syslog, log, metrics }: TrailDeps): AuditTrail {
  return {
    async record(...recorded) {
      for (const message of recorded) {
        try {
          const header = { ...syslog, application: 'limpid', atMs: message.atMs };
          await messages.append(syslogMessage(header, auditXml(message, source)), message.atMs);
          metrics.inc('audit_messages_total', { outcome: 'recorded' });
        } catch (error) {
          metrics.inc('audit_messages_total', { outcome: 'unrecorded' });
          log.error('an audit message could not be written', { event: message.event.meaning, error });
        }
      }
    },
  };
}
