// The node's audit trail: which of its events are told, and about whom. Nothing is where the configuration names no repository.
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { AppOptions } from './app-options.js';
import {
  applicationActivity,
  callerRefused,
  resultMade,
  seriesReceived,
  sendingBegun,
  sendingEnded,
  sourceRead,
} from '../audit/events.js';
import type { EventOutcome, OtherNode, ReportingNode } from '../audit/events.js';
import { startForwarder } from '../audit/forwarder.js';
import type { Forwarder } from '../audit/forwarder.js';
import { byClass, readSubject } from '../audit/subject.js';
import { openTrail } from '../audit/trail.js';
import type { Config } from '../config/schema.js';
import type { DeliveryWatch } from '../deliver/deliver.js';
import type { Outgoing, SendReport } from '../deliver/destination.js';
import { openCollector } from '../io/syslog/collector.js';
import type { TlsTarget } from '../io/dimse/tls-caller.js';
import type { Log } from '../observe/log.js';
import type { OutcomeRecord, SeriesRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';

export interface NodeAudit {
  readonly deliveries: DeliveryWatch;
  received(record: SeriesRecord): Promise<void>;
  taskEnded(record: SeriesRecord, outcome: OutcomeRecord): Promise<void>;
  /** Somebody who called was not let in. The same caller, for the same reason, is told of once a minute. */
  refused(caller: { readonly aeTitle: string; readonly address: string }, why: string): void;
  /** Begins to bring messages to the repository: those of every process that shares the spool. */
  forward(tls: TlsTarget | null): void;
  /** Leaves that to another receiver. */
  stopForwarding(): Promise<void>;
  close(): Promise<void>;
}

const sameRefusalMs = 60_000;
/** Callers that are remembered, so that one who tries names fills neither memory nor the spool. */
const mostRefusals = 1_000;

/** Says that this process starts. @returns null: no audit trail is kept */
export async function openAudit(options: AppOptions, spool: Spool, host: string): Promise<NodeAudit | null> {
  const { config, log, metrics } = options;
  const { audit } = config;
  if (audit === null) {
    if (options.roles.includes('receiver')) await tellLeft(spool, log);
    return null;
  }
  const processId = String(process.pid);
  const trail = openTrail({
    messages: spool.audit,
    source: { id: audit.sourceId ?? config.node.name, enterpriseSite: audit.enterpriseSite },
    syslog: { ...audit, host, processId },
    log,
    metrics,
  });
  const node: ReportingNode = { aeTitle: config.node.aeTitle, host, processId, account: accountName() };
  const refusals = new Map<string, number>();
  let forwarder: Forwarder | null = null;
  let refusing: Promise<void> = Promise.resolve();

  const subjectOf = (outgoing: readonly Outgoing[]) => readSubject(outgoing[0]?.file ?? '', outgoing, null);
  await trail.record(applicationActivity(node, 'start', Date.now()));
  return {
    deliveries: {
      async began(peer, outgoing, by) {
        await trail.record(sendingBegun(node, placeOf(config, peer), await subjectOf(outgoing), by, Date.now()));
      },
      async ended(peer, outgoing, by, report) {
        const subject = await subjectOf(outgoing);
        await trail.record(
          sendingEnded(node, placeOf(config, peer), subject, by, sendOutcome(outgoing, report), Date.now()),
        );
      },
    },
    async received(record) {
      if (record.cause === 'requeue') return; // came before
      const sources = record.sources.map(({ callingAe, address }): OtherNode => {
        return { userId: callingAe, accessPoint: { kind: 'address', id: address } };
      });
      const subject = await subjectOfSeries(spool, record);
      await trail.record(seriesReceived(node, sources, subject, record.variants.length, Date.now()));
    },
    async taskEnded(record, outcome) {
      const read = readOutcome(outcome);
      if (read === null) return;
      const subject = await subjectOfSeries(spool, record);
      await trail.record(sourceRead(node, subject, read, Date.now()));
      if (outcome.instances.length === 0) return;
      const classes = byClass(outcome.instances);
      await trail.record(resultMade(node, { ...subject, classes }, Date.now()));
    },
    refused(caller, why) {
      const [atMs, sinceMs] = [Date.now(), performance.now()];
      const name = JSON.stringify([caller, why]);
      // By the monotonic clock: a wall clock that is set back would keep them for so long.
      for (const [known, knownMs] of refusals) if (sinceMs - knownMs > sameRefusalMs) refusals.delete(known);
      if (refusals.has(name) || refusals.size >= mostRefusals) return;
      refusals.set(name, sinceMs);
      refusing = refusing.then(() => trail.record(callerRefused(node, caller, why, atMs)));
    },
    forward(tls) {
      const { transport, host: to, port } = audit.repository;
      const collector = openCollector({ transport, host: to, port, tls, timeoutMs: audit.timeoutMs });
      const { random } = Math;
      forwarder = startForwarder({ messages: spool.audit, collector, log, metrics, now: Date.now, random });
    },
    async stopForwarding() {
      const stopped = forwarder;
      forwarder = null;
      await stopped?.close();
    },
    async close() {
      await refusing;
      await trail.record(applicationActivity(node, 'stop', Date.now()));
      await forwarder?.close();
    },
  };
}

/** Messages hold patients' names, and no sweep takes them: where nobody forwards them any more, a person has to know. */
async function tellLeft(spool: Spool, log: Log): Promise<void> {
  const left = await spool.audit.waiting();
  if (left.length === 0) return;
  log.warn(
    'audit messages of an earlier configuration lie in the spool and are not sent: name `audit` again until they are, or remove them',
    { messages: left.length, folder: spool.layout.audit },
  );
}

function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // a container's user has a number and no name
  }
}

const subjectOfSeries = (spool: Spool, record: SeriesRecord) =>
  readSubject(
    spool.layout.instance(record.key, record.instances[0]?.file ?? ''),
    record.instances,
    record.studyInstanceUid,
  );

/** A peer as the network knows it. */
function placeOf(config: Config, name: string): OtherNode {
  const peer = config.peers[name];
  if (peer === undefined) return { userId: name, accessPoint: null };
  if (peer.kind === 'dicom') {
    if (peer.host === null) return { userId: peer.aeTitle, accessPoint: null };
    const kind = isIP(peer.host) === 0 ? 'name' : 'address';
    return { userId: peer.aeTitle, accessPoint: { kind, id: peer.host } };
  }
  if (peer.kind === 'dicomweb') return { userId: peer.url, accessPoint: { kind: 'uri', id: peer.url } };
  return { userId: peer.directory, accessPoint: null };
}

function sendOutcome(outgoing: readonly Outgoing[], { failure, outcomes }: SendReport): EventOutcome {
  const went = outcomes.filter((outcome) => outcome.class === 'delivered' || outcome.class === 'warned').length;
  if (went === outgoing.length) return { indicator: 0, text: '' };
  const why = failure === null ? (outcomes.find(({ comment }) => comment !== '')?.comment ?? '') : failure.detail;
  const text = `${went} of ${outgoing.length} instances were taken${why === '' ? '' : `: ${why}`}`;
  return { indicator: went > 0 ? 4 : 8, text };
}

/** How the reading of a task's source ended; null: nothing was read. */
function readOutcome({ outcome, code, detail, sameAs }: OutcomeRecord): EventOutcome | null {
  if (sameAs !== null) return null;
  if (outcome === 'enhanced') return { indicator: 0, text: '' };
  if (outcome === 'withheld') return { indicator: 4, text: `withheld: ${detail}` };
  return outcome === 'failed' ? { indicator: 8, text: `${code}: ${detail}` } : null;
}
