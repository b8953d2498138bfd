// The log of a command that a person waits for: what limpid has to tell of itself, in words beside the result.
import type { Log } from '../observe/log.js';
import { colour } from './output.js';
import type { Output } from './output.js';

type Fields = Parameters<Log['warn']>[1];

const reasonOf = ({ error, code }: { readonly error?: unknown; readonly code?: unknown } = {}): string => {
  if (error instanceof Error) return `: ${error.message}`;
  return typeof code === 'string' ? ` (${code})` : '';
};

/** Says warnings and errors, each once: what befalls one of a thousand files befalls the others. */
export function saidLog(output: Output): Log {
  const said = new Set<string>();
  const say = (event: string, fields: Fields): void => {
    const text = `${event}${reasonOf(fields)}`;
    if (!said.has(text)) output.err(`${colour(output, 'yellow', 'note')} ${text}`);
    said.add(text);
  };
  const nothing = (): void => undefined;
  const log: Log = { debug: nothing, info: nothing, warn: say, error: say, with: () => log };
  return log;
}
