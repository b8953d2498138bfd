// `limpid spool`: what retention takes away, and whether everything is there that should be.
import { SingleBar } from 'cli-progress';
import type { SweepReport } from '../spool/sweep.js';
import type { VerifyReport } from '../spool/verify.js';
import { colour } from './output.js';
import type { Output } from './output.js';

export interface SpoolCommands {
  sweep(options: { readonly config: string; readonly json: boolean }): Promise<void>;
  verify(options: { readonly config: string; readonly hashes: boolean; readonly json: boolean }): Promise<void>;
}

/** The work over the spool that a configuration names; given by the app. */
export interface SpoolWork {
  sweep(config: string): Promise<SweepReport>;
  verify(
    config: string,
    depth: 'names' | 'hashes',
    progress: (done: number, total: number) => void,
  ): Promise<VerifyReport>;
}

export function spoolCommands(work: SpoolWork, output: Output, failed: () => void): SpoolCommands {
  return {
    async sweep({ config, json }) {
      const report = await work.sweep(config);
      if (report.faults > 0) failed();
      if (json) {
        output.out(JSON.stringify(report, null, 1));
        return;
      }
      const { series, swept, bytes, forgotten, kept } = report;
      output.out(`${series} series: pixels of ${swept} taken away (${size(bytes)}), ${forgotten} forgotten`);
      output.out(`kept: ${size(kept.originals)} of originals, ${size(kept.results)} of results`);
    },
    async verify({ config, hashes, json }) {
      const bar =
        output.terminal && !json
          ? new SingleBar({ format: '{bar} {value}/{total} series', clearOnComplete: true })
          : null;
      bar?.start(0, 0);
      const report = await work.verify(config, hashes ? 'hashes' : 'names', (done, total) => {
        bar?.setTotal(total);
        bar?.update(done);
      });
      bar?.stop();
      if (report.faults.length > 0) failed();
      if (json) {
        output.out(JSON.stringify(report, null, 1));
        return;
      }
      for (const { key, says } of report.faults) output.out(`${colour(output, 'red', 'bad')} ${key}: ${says}`);
      for (const key of report.woken) {
        output.out(`${colour(output, 'yellow', 'woken')} ${key}: had something left to do, and is active again`);
      }
      if (report.faults.length === 0) {
        const what = `${report.series} series, ${report.files} files${hashes ? ', every byte' : ''}`;
        output.out(`${colour(output, 'green', 'ok')} ${what}`);
      }
    },
  };
}

/** Bytes as people read them. */
function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? ''}`;
}
