/** The models that limpid ships, as their folders say. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const modelsDirectory = fileURLToPath(new URL('../../../models', import.meta.url));

/** Ids of every folder with a card, sorted. */
export const shippedModels = readdirSync(modelsDirectory)
  .filter((id) => existsSync(join(modelsDirectory, id, 'model.yaml')))
  .toSorted();

/** Those that are arithmetic of limpid's own. */
export const shippedFilters = shippedModels.filter((id) =>
  /^kind: filter$/m.test(readFileSync(join(modelsDirectory, id, 'model.yaml'), 'utf8')),
);
