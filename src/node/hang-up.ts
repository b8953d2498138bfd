/**
 * What SIGHUP does: certificates are read again, nothing else of the configuration. One line says what was read, and whether the
 * configuration waits for a restart: who sends the signal may take it for a reload of everything.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AppOptions } from './app-options.js';
import { ConfigInvalidError, faultText } from '../config/faults.js';
import type { NodeTls } from './open-tls.js';

interface Compared {
  readonly isSame: boolean;
  readonly text: string;
}

async function compare({ config, readAgain }: Pick<AppOptions, 'config' | 'readAgain'>): Promise<Compared> {
  try {
    const { written } = await readAgain();
    return isDeepStrictEqual(written, config.written)
      ? { isSame: true, text: 'as at the start' }
      : { isSame: false, text: 'has changed since the start and is not in use: restart the process to use it' };
  } catch (error) {
    return {
      isSame: false,
      text: `would not start now, what was read at the start stays in use: ${firstFault(error)}`,
    };
  }
}

function firstFault(error: unknown): string {
  const fault = error instanceof ConfigInvalidError ? error.faults[0] : undefined;
  return fault === undefined ? String(error) : faultText(fault);
}

/** Never rejects. */
export async function hungUp(
  options: Pick<AppOptions, 'config' | 'readAgain' | 'log'>,
  tls: Pick<NodeTls, 'reload'>,
): Promise<void> {
  const { log } = options;
  const [read, configuration] = [await tls.reload(log), await compare(options)];
  const certificates =
    read.length === 0
      ? 'this process uses none'
      : read.map(({ at, found, why }) => `${at}: ${found === 'faults' ? `the old ones stay in use: ${why}` : found}`);
  const isSound = configuration.isSame && read.every(({ found }) => found !== 'faults');
  log[isSound ? 'info' : 'warn']('SIGHUP: certificates read again, and nothing else', {
    certificates,
    configuration: configuration.text,
  });
}
