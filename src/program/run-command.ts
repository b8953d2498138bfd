// A command: arguments, environment, signals, exit status. 0 done, 1 failed, 2 wrong usage or configuration.
import { CommanderError } from 'commander';
import { openCommands } from './commands.js';
import { processOutput } from '../cli/output.js';
import { buildProgram } from '../cli/program.js';
import { LimpidError, failureCodeOf } from '../errors.js';

const output = processOutput();
const usageCodes = new Set(['CONFIG_INVALID', 'CONFIG_UNREADABLE', 'USAGE', 'MODEL_UNKNOWN']);

/** What the system said, where it is the cause: `EACCES: permission denied, mkdir ...`. */
function reasonOf({ code, message, cause }: LimpidError): string {
  if (usageCodes.has(code)) return ''; // the message tells it
  return cause instanceof Error && 'syscall' in cause && !message.includes(cause.message) ? ` (${cause.message})` : '';
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof LimpidError) && error instanceof Error && failureCodeOf(error) === 'SPOOL_FULL')
    return statusOf(new LimpidError('SPOOL_FULL', 'a volume is full', { cause: error }));
  if (error instanceof LimpidError) {
    // Several faults stand below each other, each with its place at the start of a line.
    const gap = error.message.includes('\n') ? '\n' : ' ';
    output.err(`${error.code}:${gap}${error.message}${reasonOf(error)}\n${error.hint}`);
    return usageCodes.has(error.code) ? 2 : 1;
  }
  // What the system refuses, an `--out` that it cannot write among it: its message names the path.
  if (error instanceof Error && 'syscall' in error) output.err(error.message);
  else output.err(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

const commands = openCommands(output, process.env, () => {
  process.exitCode = 1;
});
const program = buildProgram(commands);
for (const command of [program, ...program.commands, ...program.commands.flatMap((group) => group.commands)]) {
  command.exitOverride();
}
try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = statusOf(error);
}
