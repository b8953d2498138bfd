// `limpid config`: is this configuration right, and what may it hold.
import { configJsonSchema } from '../config/json-schema.js';
import { ruleNotices } from '../config/rule-notices.js';
import type { Config } from '../config/schema.js';
import { counted } from '../spool/counted.js';
import { colour } from './output.js';
import type { Output } from './output.js';

export interface ConfigCommands {
  check(options: { readonly config: string }): Promise<void>;
  schema(): Promise<void>;
}

/** What is right as it stands, and leaves the node without work. */
function idleNotices({ node, peers, rules }: Config): string[] {
  const maySend = Object.values(peers).some((peer) => peer.kind === 'dicom' && peer.receive.store === 'allow');
  return [
    ...(maySend || node.unknownCallers === 'accept'
      ? []
      : ['no peer may store to this node, and node.unknownCallers is refuse: nothing can come']),
    ...(rules.length === 0 ? ['there are no rules: every series that comes is held (NO_RULE)'] : []),
  ];
}

/** DICOM peers that are never recognised as callers: an earlier one with their AE title takes whoever calls by it. */
function sameTitleNotices({ peers }: Config): string[] {
  const callers = Object.entries(peers).flatMap(([name, peer]) => (peer.kind === 'dicom' ? [{ ...peer, name }] : []));
  return callers.flatMap(({ name, aeTitle, receive }, index) => {
    const first = callers
      .slice(0, index)
      .find((one) => one.aeTitle === aeTitle && one.from.length === 0 && one.tls === null && one.receive.user === null);
    return first === undefined || receive.store === 'refuse'
      ? []
      : [
          `peer ${name} is never recognised: whoever calls as ${aeTitle} counts as ${first.name}; give both their \`from\``,
        ];
  });
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
      for (const notice of [
        ...idleNotices(loaded),
        ...sameTitleNotices(loaded),
        ...ruleNotices(loaded),
        ...(await notices(loaded)),
      ])
        output.err(`${colour(output, 'yellow', 'look')} ${notice}`);
      const counts = `${counted(rules.length, 'rule')}, ${counted(Object.keys(peers).length, 'peer')}, queue ${queue.url.split('://')[0] ?? ''}`;
      output.out(`${colour(output, 'green', 'ok')} ${config}: ${counts}`);
    },
    schema() {
      output.out(JSON.stringify(configJsonSchema(), null, 2));
      return Promise.resolve();
    },
  };
}
