// `limpid config`: is this configuration right, and what may it hold.
import { configJsonSchema } from '../config/json-schema.js';
import type { Config } from '../config/schema.js';
import { colour } from './output.js';
import type { Output } from './output.js';

export interface ConfigCommands {
  check(options: { readonly config: string }): Promise<void>;
  schema(): Promise<void>;
}

/** The commands over the loader, which throws every fault at once. `notices` tells what is no fault and still to be looked at. */
export function configCommands(
  load: (file: string) => Promise<Config>,
  notices: (config: Config) => Promise<readonly string[]>,
  output: Output,
): ConfigCommands {
  return {
    async check({ config }) {
      const loaded = await load(config);
      const { rules, peers, queue } = loaded;
      for (const notice of await notices(loaded)) output.err(`${colour(output, 'yellow', 'look')} ${notice}`);
      const counts = `${rules.length} rules, ${Object.keys(peers).length} peers, queue ${queue.url.split('://')[0] ?? ''}`;
      output.out(`${colour(output, 'green', 'ok')} ${config}: ${counts}`);
    },
    schema() {
      output.out(JSON.stringify(configJsonSchema(), null, 2));
      return Promise.resolve();
    },
  };
}
