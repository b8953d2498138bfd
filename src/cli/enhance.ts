// `limpid enhance`: the pipeline on files.
import { SingleBar } from 'cli-progress';
import { failures } from '../errors.js';
import { unitSays } from '../spool/view-words.js';
import { filesBelow, tellLeftOut } from './files.js';
import type { LeftOut } from './files.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export type EnhanceCommand = (
  paths: readonly string[],
  options: {
    readonly with: string;
    readonly out: string;
    readonly strength?: number | 'light' | 'standard' | 'strong';
    readonly config?: string;
    readonly json: boolean;
  },
) => Promise<void>;

/** How one series of the files ended. */
export interface EnhancedSeries {
  readonly key: string;
  readonly task: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly detail: string;
  readonly slices: number;
  readonly seconds: number;
  readonly noise: { readonly before: number | null; readonly after: number | null; readonly unit: string };
  readonly folder: string;
}

/** Runs one task over each series of the files; given by the app. */
export type EnhanceFiles = (
  files: readonly string[],
  options: {
    readonly model: string;
    readonly strength: number | 'light' | 'standard' | 'strong' | null;
    readonly out: string;
    readonly config: string | null;
  },
  progress: (done: number, total: number) => void,
) => Promise<{
  readonly series: EnhancedSeries[];
  readonly refused: readonly LeftOut[];
}>;

/** The command over the app's function. @returns through `failed` whether any series was not enhanced */
export function enhanceCommand(enhanceFiles: EnhanceFiles, output: Output, failed: () => void): EnhanceCommand {
  return async (paths, options) => {
    const files = await filesBelow(paths);
    const bar =
      output.terminal && !options.json
        ? new SingleBar({ format: '{bar} {value}/{total} slices', clearOnComplete: true })
        : null;
    let started = false;
    const result = await enhanceFiles(
      files,
      { model: options.with, strength: options.strength ?? null, out: options.out, config: options.config ?? null },
      (done, total) => {
        if (!started) bar?.start(total, 0);
        started = true;
        bar?.setTotal(total);
        bar?.update(done);
      },
    );
    bar?.stop();
    if (result.series.some(({ outcome }) => outcome !== 'enhanced') || result.series.length === 0) failed();
    if (options.json) {
      output.out(JSON.stringify(result, null, 1));
      return;
    }
    tellLeftOut(output, result.refused);
    if (result.series.length === 0) {
      output.err(
        files.length === 0 ? 'there are no files' : 'none of the files can be enhanced: what each lacks is told above',
      );
      return;
    }
    const figure = (value: number | null): string => (value === null ? '-' : value.toFixed(1));
    const rows = result.series.map(({ key, outcome, code, detail, slices, seconds, noise }) => [
      key,
      outcome,
      code === null ? '' : `${code}${detail === '' ? '' : `: ${detail}`}`,
      slices,
      `${seconds.toFixed(1)} s`,
      noise.before === null ? '-' : `${figure(noise.before)} → ${figure(noise.after)} ${unitSays(noise.unit)}`,
    ]);
    output.out(table(['series', 'outcome', 'reason', 'slices', 'time', 'noise'], rows));
    for (const { folder } of result.series) output.out(colour(output, 'dim', folder));
    const codes = new Set(result.series.map(({ code }) => code));
    for (const [code, { hint }] of Object.entries(failures)) if (codes.has(code)) output.err(`${code}: ${hint}`);
  };
}
