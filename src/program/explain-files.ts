// What the rules would make of files: the router's own decision, not a second one.
import { resolve } from 'node:path';
import type { ExplainFiles } from '../cli/rules.js';
import { didYouMean } from '../conditions/suggest.js';
import { dicomPeers } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { seriesOfFiles } from './file-series.js';
import { openRegistry } from '../inference/registry.js';
import { openMeasuring } from '../node/measuring.js';
import type { Log } from '../observe/log.js';
import { openMetrics } from '../observe/metrics.js';
import { asksForChoice, decideRoute } from '../route/decide-route.js';
import { explainDecision } from '../route/explain.js';
import { measured } from '../route/route-series.js';
import { readSeriesFacts } from '../route/read-facts.js';
import { tagsOf } from '../route/series-facts.js';
import { counted } from '../spool/counted.js';

/** Decides on each series of the files, as if it had come from `calling`. */
export async function explainFiles(
  files: readonly string[],
  options: {
    readonly config: string;
    readonly calling: string;
    readonly modelsDirectory: string;
    readonly load: (file: string) => Promise<Config>;
    readonly log: Log;
  },
): ReturnType<ExplainFiles> {
  const config = await options.load(options.config);
  const registry = await openRegistry(options.modelsDirectory, { own: config.models.directory });
  const { peer, notices } = callerOf(config, options.calling);
  const source = { peer, callingAe: options.calling, calledAe: config.node.aeTitle, address: '127.0.0.1' };
  const { series, refused } = await seriesOfFiles(files, source, Date.now);
  const { memoryBytes } = config.workers;
  const { measure, close } = openMeasuring({ memoryBytes, log: options.log, metrics: openMetrics() });
  const explained = [];
  try {
    for (const { record, paths } of series) {
      const marks = config.gate.vendorMarks();
      const fileOf = ({ file }: { readonly file: string }): string => paths.get(file) ?? file;
      const facts = await readSeriesFacts(record, fileOf, { tags: tagsOf(config.rules, registry.list()), marks });
      // Of many series in a folder it tells which is which: nobody knows their keys yet.
      const [file = ''] = paths.values();
      const images = record.instances.map((instance) => resolve(fileOf(instance)));
      const decision = decideRoute({
        facts,
        rules: config.rules,
        marks,
        cards: (id) => registry.get(id),
        allCards: () => registry.list(),
        codes: config.node.codes,
        measured: asksForChoice(config.rules, facts)
          ? await measured({ measure, log: options.log }, record.key, images)
          : null,
        revisionsWithinHour: 1,
      });
      explained.push({
        title: `series ${record.key}, ${counted(record.instances.length, 'instance')}: ${paths.size > 1 ? `${file}, ...` : file}`,
        text: explainDecision(decision, config.rules),
        decision: { key: record.key, file, instances: record.instances.length, ...decision },
      });
    }
  } finally {
    await close();
  }
  return { series: explained, refused, notices };
}

/** The peer that a caller with this AE title is taken for, and what a node would make of it otherwise; empty: nobody in particular. */
function callerOf({ peers, node }: Config, calling: string): { readonly peer: string; readonly notices: string[] } {
  if (calling === '') return { peer: 'unknown', notices: [] };
  const named = dicomPeers(peers).filter(([, { aeTitle }]) => aeTitle === calling);
  const storing = named.filter(([, { receive }]) => receive.store === 'allow');
  const [first] = storing;
  if (first === undefined) {
    const known = dicomPeers(peers).map(([, { aeTitle }]) => aeTitle);
    if (named.length > 0)
      return { peer: named[0]?.[0] ?? 'unknown', notices: [refusal(`${calling} may not store here`)] };
    if (node.unknownCallers === 'accept') return { peer: 'unknown', notices: [] };
    return { peer: 'unknown', notices: [refusal(`no peer calls as ${calling}${didYouMean(calling, known)}`)] };
  }
  if (storing.length === 1) return { peer: first[0], notices: [] };
  const names = storing.map(([name]) => name).join(', ');
  return { peer: first[0], notices: [`${names} call as ${calling}: the rules are tried as of ${first[0]}`] };
}

const refusal = (why: string): string => `${why}: a node would refuse what is tried here`;
