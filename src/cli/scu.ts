// `limpid echo` and `limpid send`: SCU tools over the code that delivers.
import { SingleBar } from 'cli-progress';
import { LimpidError } from '../errors.js';
import { readOutgoing } from '../io/dimse/outgoing.js';
import type { Outgoing } from '../io/dimse/outgoing.js';
import { echo, send } from '../io/dimse/scu.js';
import type { ScuTarget } from '../io/dimse/requestor.js';
import type { Log } from '../observe/log.js';
import { filesBelow } from './files.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface ScuCommands {
  echo(
    peer: string,
    options: { readonly config: string; readonly verbose: boolean; readonly deadline: number },
  ): Promise<void>;
  send(
    peer: string,
    paths: readonly string[],
    options: { readonly config: string; readonly verbose: boolean; readonly deadline: number },
  ): Promise<void>;
}

/** A peer as the configuration has it, ready to be called. @throws LimpidError USAGE: no such peer, or one without address */
export type FindTarget = (
  config: string,
  peer: string,
) => Promise<{ readonly target: ScuTarget; readonly associations: number }>;

export function scuCommands(findTarget: FindTarget, log: Log, output: Output, failed: () => void): ScuCommands {
  return {
    async echo(peer, options) {
      const { target } = await findTarget(options.config, peer);
      const answer = await echo(target, { log, signal: AbortSignal.timeout(options.deadline) });
      output.out(
        `${peer}: ${colour(output, 'green', 'answered')} in ${Math.round(answer.ms)} ms, status ${hex(answer.status)}`,
      );
      if (options.verbose) output.out(JSON.stringify(answer.negotiated, null, 1));
      if (answer.status !== 0) failed();
    },
    async send(peer, paths, options) {
      const { target, associations } = await findTarget(options.config, peer);
      const { outgoing, left } = await readAll(await filesBelow(paths));
      for (const { file, why } of left) output.err(`${colour(output, 'yellow', 'left out')} ${file}: ${why}`);
      if (outgoing.length === 0) throw new LimpidError('USAGE', 'there is no DICOM file to send');
      const bar = output.terminal
        ? new SingleBar({ format: `${peer} {bar} {value}/{total}`, clearOnComplete: true })
        : null;
      bar?.start(outgoing.length, 0);
      const signal = AbortSignal.timeout(options.deadline);
      const report = await send(target, outgoing, {
        signal,
        associations,
        log,
        onOutcome: () => bar?.increment(),
      });
      bar?.stop();
      if (options.verbose && report.negotiated !== null) output.out(JSON.stringify(report.negotiated, null, 1));
      const counts = new Map<string, number>();
      for (const outcome of report.outcomes) {
        const name =
          `${outcome.class}${outcome.status === null ? '' : ` ${hex(outcome.status)}`} ${outcome.comment}`.trim();
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      output.out(
        table(
          ['instances', 'outcome'],
          [...counts].map(([name, count]) => [count, name]),
        ),
      );
      if (report.association !== null) throw new LimpidError(report.association.code, report.association.detail);
      if (report.outcomes.some((outcome) => outcome.class !== 'delivered' && outcome.class !== 'warned')) failed();
    },
  };
}

async function readAll(
  files: readonly string[],
): Promise<{ outgoing: Outgoing[]; left: { file: string; why: string }[] }> {
  const outgoing: Outgoing[] = [];
  const left: { file: string; why: string }[] = [];
  for (const file of files) {
    try {
      outgoing.push(await readOutgoing(file));
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      left.push({ file, why: error.message });
    }
  }
  return { outgoing, left };
}

function hex(status: number): string {
  return status.toString(16).toUpperCase().padStart(4, '0');
}
