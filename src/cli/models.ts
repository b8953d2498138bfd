// `limpid models`: what this node can run, and whether it is what was released.
import type { Registry } from '../inference/registry.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface ModelCommands {
  list(options: { readonly models?: string; readonly json: boolean }): Promise<void>;
  verify(ids: readonly string[], options: { readonly models?: string; readonly json: boolean }): Promise<void>;
}

/** The commands over a registry that is opened when one is called. */
export function modelCommands(
  openRegistry: (directory: string | undefined) => Promise<Registry>,
  output: Output,
  failed: () => void,
): ModelCommands {
  return {
    async list({ models, json }) {
      const cards = (await openRegistry(models)).list();
      if (json) {
        output.out(JSON.stringify(cards, null, 1));
        return;
      }
      const rows = cards.map((card) => [
        card.id,
        card.version,
        card.kind,
        card.task,
        card.modality.join(', '),
        card.defaultStrength,
        card.sha256.slice(0, 12),
      ]);
      output.out(table(['id', 'version', 'kind', 'task', 'modality', 'strength', 'sha256'], rows));
    },
    async verify(ids, { models, json }) {
      const registry = await openRegistry(models);
      const wanted = ids.length > 0 ? ids : registry.list().map(({ id }) => id);
      const results: { id: string; faults: readonly string[] }[] = [];
      for (const id of wanted) results.push({ id, faults: await registry.verify(id, 'cpu') });
      if (results.some(({ faults }) => faults.length > 0)) failed();
      if (json) {
        output.out(JSON.stringify(results, null, 1));
        return;
      }
      for (const { id, faults } of results) {
        output.out(
          faults.length === 0
            ? `${colour(output, 'green', 'ok')}  ${id}`
            : `${colour(output, 'red', 'bad')} ${id}: ${faults.join('; ')}`,
        );
      }
    },
  };
}
