// `limpid echo` and `limpid send`: SCU tools over the code that delivers.
import { SingleBar } from 'cli-progress';
import { transferSyntax } from '../dicom/uids.js';
import { LimpidError } from '../errors.js';
import { SopClass } from '../io/dimse/constants.js';
import { readOutgoing } from '../io/dimse/outgoing.js';
import type { Negotiated } from '../io/dimse/requestor.js';
import type { CallPeer, CalledOutcome, CalledReport } from './called-peer.js';
import { filesBelow, readEach, tellLeftOut } from './files.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface ScuOptions {
  readonly config: string;
  readonly verbose: boolean;
  readonly json: boolean;
  /** ms. */
  readonly deadline: number;
}

export interface ScuCommands {
  echo(peer: string, options: ScuOptions): Promise<void>;
  send(peer: string, paths: readonly string[], options: ScuOptions): Promise<void>;
}

export function scuCommands(callPeer: CallPeer, output: Output, failed: () => void): ScuCommands {
  return {
    async echo(name, options) {
      const peer = await callPeer(options.config, name);
      const signal = AbortSignal.timeout(options.deadline);
      const answer = await peer.echo(signal).catch((error: unknown) => {
        throw signal.aborted ? isOver(options) : error;
      });
      const { status, negotiated } = answer;
      const ms = Math.round(answer.ms);
      if (options.json) output.out(JSON.stringify({ peer: name, ms, status, negotiated }, null, 1));
      else {
        const says = status === null ? '' : `, status ${hex(status)}`;
        output.out(`${name}: ${colour(output, 'green', 'answered')} in ${ms} ms${says}`);
        if (options.verbose && negotiated !== null) output.out(describe(negotiated));
      }
      if (status !== null && status !== 0) failed();
    },
    async send(name, paths, options) {
      const peer = await callPeer(options.config, name);
      const { found: outgoing, left } = await readEach(await filesBelow(paths), readOutgoing);
      tellLeftOut(output, left);
      if (outgoing.length === 0) throw new LimpidError('USAGE', 'there is no DICOM file to send');
      const bar =
        output.terminal && !options.json
          ? new SingleBar({ format: `${name} {bar} {value}/{total}`, clearOnComplete: true })
          : null;
      bar?.start(outgoing.length, 0);
      const signal = AbortSignal.timeout(options.deadline);
      let report: CalledReport;
      try {
        report = await peer.send(outgoing, { signal, told: () => bar?.increment() });
      } finally {
        bar?.stop(); // its timer would keep the program
      }
      const { negotiated, outcomes } = report;
      if (options.json) output.out(JSON.stringify({ peer: name, left, ...report }, null, 1));
      else {
        if (options.verbose && negotiated !== null) output.out(`${describe(negotiated)}\n`);
        output.out(outcomeTable(outgoing.length, outcomes));
      }
      tellEnd(options, report, signal);
      const sent = outcomes.filter((outcome) => outcome.class === 'delivered' || outcome.class === 'warned');
      if (sent.length < outgoing.length) failed();
    },
  };
}

/** @throws LimpidError: the sending ended before everything had its turn */
function tellEnd(options: ScuOptions, { failure }: CalledReport, signal: AbortSignal): void {
  if (failure !== null && signal.aborted) throw isOver(options);
  if (failure !== null) throw new LimpidError(failure.code, failure.detail);
}

const isOver = ({ deadline }: ScuOptions): LimpidError =>
  new LimpidError('DIMSE_TIMEOUT', `given up after ${deadline / 1000} s (--deadline)`);

/** How many instances came to which outcome; those that had no turn too. */
function outcomeTable(instances: number, outcomes: readonly CalledOutcome[]): string {
  const counts = new Map<string, number>();
  for (const { class: outcome, status, comment } of outcomes) {
    const name = `${outcome}${status === null ? '' : ` ${hex(status)}`} ${comment}`.trim();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (outcomes.length < instances) counts.set('not sent', instances - outcomes.length);
  return table(
    ['instances', 'outcome'],
    [...counts].map(([name, count]) => [count, name]),
  );
}

/** Results of a presentation context (PS3.8 Table 9-18). */
const results = [
  'accepted',
  'refused by its user',
  'refused without a reason',
  'abstract syntax not supported',
  'transfer syntaxes not supported',
];

const className = (uid: string): string => (uid === SopClass.Verification ? 'Verification' : uid);
const syntaxName = (uid: string): string => transferSyntax(uid)?.name ?? uid;

/** What was negotiated, as people read it. */
function describe({ implementationVersionName, implementationClassUid, maximumLength, contexts }: Negotiated): string {
  const name = implementationVersionName === '' ? 'no version name' : implementationVersionName;
  const rows = contexts.map(({ id, abstractSyntaxUid, transferSyntaxUids, result }) => [
    id,
    className(abstractSyntaxUid),
    transferSyntaxUids.map(syntaxName).join(', '),
    results[result] ?? `result ${result}`,
  ]);
  return [
    `implementation  ${name}, ${implementationClassUid}`,
    `maximum PDU     ${maximumLength === 0 ? 'without limit' : `${maximumLength} bytes`}`,
    table(['context', 'SOP class', 'transfer syntax', 'answer'], rows),
  ].join('\n');
}

function hex(status: number): string {
  return status.toString(16).toUpperCase().padStart(4, '0');
}
