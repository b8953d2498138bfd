// `limpid serve`: a node in this process, from its configuration to the end of its last work.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { openApp } from './app.js';
import type { Output } from '../cli/output.js';
import type { Commands } from '../cli/program.js';
import { checkRoles } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { checkDescriptors } from './descriptors.js';
import { keepHeapSmall } from './heap.js';
import { consoleIntoLog } from '../observe/console-into-log.js';
import { openLog } from '../observe/log.js';
import { openMetrics } from '../observe/metrics.js';
import { usesTls } from './open-tls.js';

/** How long what is left open after the drain may keep the process. */
const leaveMs = 2_000;
const drainMs = 30_000;

interface ServeOptions extends Readonly<Parameters<Commands['serve']>[0]> {
  readonly modelsDirectory: string;
  readonly load: (file: string, certificates: 'check' | 'leave') => Promise<Config>;
  readonly output: Output;
}

/** Runs until the process is asked to end; prints one line when ready. */
export async function serve(options: ServeOptions): Promise<void> {
  const { config: file, roles, standby, modelsDirectory, output } = options;
  checkDescriptors(await readFile('/proc/self/limits', 'utf8').catch(() => ''));
  const config = await options.load(file, usesTls(roles) ? 'check' : 'leave');
  checkRoles(config, roles);
  const log = openLog(config.log.level);
  consoleIntoLog(log);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const onHangUp = (listener: () => void) => {
    process.on('SIGHUP', listener);
    return () => void process.removeListener('SIGHUP', listener);
  };
  const metrics = openMetrics();
  const app = await openApp({
    config,
    roles,
    standby,
    modelsDirectory,
    log,
    metrics,
    stopping: stop.signal,
    onHangUp,
    readAgain: () => options.load(file, 'leave'),
  });
  if (app === null) return log.info('stopped');
  keepHeapSmall();
  output.out(app.ready);
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
  log.info('draining');
  const late = setTimeout(() => {
    log.error('not drained in time');
    process.exit(1);
  }, drainMs);
  await app.drain();
  clearTimeout(late);
  log.info('stopped');
  // A connection that its library opens anew for ever (to a Redis that refuses the password) must not keep the process.
  setTimeout(() => process.exit(), leaveMs).unref();
}
