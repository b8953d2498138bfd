// `limpid rules`: are the rules right, and what would they make of a series.
import { ruleNotices } from '../config/rule-notices.js';
import type { Config } from '../config/schema.js';
import { filesBelow, tellLeftOut } from './files.js';
import type { LeftOut } from './files.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface RuleCommands {
  check(options: { readonly config: string }): Promise<void>;
  test(
    paths: readonly string[],
    options: { readonly config: string; readonly calling: string; readonly json: boolean },
  ): Promise<void>;
}

/** What the rules make of one series of the files: in words, and as the decision record. */
export interface ExplainedSeries {
  readonly title: string;
  readonly text: string;
  readonly decision: object;
}

/** Decides on the series of some files as the router would; given by the app. */
export type ExplainFiles = (
  files: readonly string[],
  options: { readonly config: string; readonly calling: string },
) => Promise<{
  readonly series: readonly ExplainedSeries[];
  readonly refused: readonly LeftOut[];
  /** What is no fault of the files and still to be looked at: who is said to call, for one. */
  readonly notices: readonly string[];
}>;

/** What the app does for the commands. */
export interface RuleWork {
  readonly load: (file: string) => Promise<Config>;
  readonly explain: ExplainFiles;
  /** What is no fault of the rules and still to be looked at, beside what they say themselves. */
  readonly notices: (config: Config) => Promise<readonly string[]>;
}

export function ruleCommands({ load, explain, notices }: RuleWork, output: Output, failed: () => void): RuleCommands {
  return {
    async check({ config }) {
      const loaded = await load(config);
      const { rules } = loaded;
      for (const notice of [...ruleNotices(loaded), ...(await notices(loaded))])
        output.err(`${colour(output, 'yellow', 'look')} ${notice}`);
      const rows = rules.map(({ name, enhance, forward, deliver, priority }, index) => [
        index + 1,
        name,
        enhance.map(({ model, strength }) => `${model}${strength === null ? '' : ` ${strength}`}`).join(', '),
        forward.join(', '),
        deliver.join(', '),
        priority,
      ]);
      output.out(table(['', 'rule', 'enhance', 'forward', 'deliver', 'priority'], rows));
      output.out(`${colour(output, 'green', 'ok')} ${config}`);
    },
    async test(paths, { config, calling, json }) {
      const { series, refused, notices: found } = await explain(await filesBelow(paths), { config, calling });
      for (const notice of found) output.err(`${colour(output, 'yellow', 'look')} ${notice}`);
      if (series.length === 0) failed();
      if (json) {
        output.out(JSON.stringify({ series: series.map(({ decision }) => decision), refused }, null, 1));
        return;
      }
      tellLeftOut(output, refused);
      if (series.length === 0) output.err('none of these files is an instance of a series: there is nothing to test');
      for (const { title, text } of series) output.out(`${colour(output, 'bold', title)}\n${text}\n`);
    },
  };
}
