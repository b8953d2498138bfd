// When a series is complete: the node's periods, those of its source, those of the rules that its first instance matches.
import type { CompletionPolicy } from '../assemble/decide.js';
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import { decideRules } from '../route/decide-rules.js';
import { readInstance } from '../route/read-facts.js';
import { seriesFacts, tagsOf } from '../route/series-facts.js';
import type { Arrival } from '../spool/arrival.js';
import type { Layout } from '../spool/layout.js';

export interface CompletionPoliciesDeps {
  readonly config: Pick<Config, 'assemble' | 'peers' | 'rules'>;
  readonly layout: Pick<Layout, 'instance'>;
  readonly log: Log;
}

/**
 * The policy of an instance's series. A rule's periods win over its source's, those over the node's; of several matching rules the
 * later one wins. Headers are read only where a rule has periods of its own.
 */
export function completionPolicies({
  config,
  layout,
  log,
}: CompletionPoliciesDeps): (arrival: Arrival) => CompletionPolicy | Promise<CompletionPolicy> {
  const { assemble, peers, rules } = config;
  const byRule = rules.some((rule) => Object.keys(rule.assemble).length > 0);
  const tags = tagsOf(rules, []);
  return (arrival) => {
    const peer = peers[arrival.source.peer];
    const own = { ...assemble, ...(peer?.kind === 'dicom' ? peer.assemble : {}) };
    if (!byRule) return own;
    const { key, instance, source } = arrival;
    return readInstance(layout.instance(key, instance.file), instance, { tags, marks: [] }).then(
      (facts) => {
        const one = seriesFacts({ instances: facts, sources: [source], variants: 0, swept: 0 });
        return decideRules(rules, one).matched.reduce<CompletionPolicy>(
          (policy, { assemble: ofRule }) => ({ ...policy, ...ofRule }),
          own,
        );
      },
      (error: unknown) => {
        log.warn('the rules could not be tried on the first instance of a series', { key, error });
        return own;
      },
    );
  };
}
