/** The models this node has: cards of `models/<id>/model.yaml`, and the check that the files are what the cards say. */
import { isUtf8 } from 'node:buffer';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { didYouMean } from '../conditions/suggest.js';
import { LimpidError } from '../errors.js';
import { modelCard, networkParameters } from './card.js';
import type { ModelCard } from './card.js';
import { filterIdentity } from './identity.js';
import { verifyNetwork } from './verify-network.js';

export interface Registry {
  /** Cards in order of their ids. */
  list(): readonly ModelCard[];
  get(id: string): ModelCard | undefined;
  /** @throws LimpidError `MODEL_UNKNOWN`: there is none of this id; the message names the nearest one there is */
  need(id: string): ModelCard;
  /** Where a network's model.onnx lies. */
  file(id: string): string;
  /** Why folders of models hold none that can be used, by their names; empty unless the registry was opened with `spoiled: 'listed'`. */
  spoiled(): ReadonlyMap<string, string>;
  /**
   * Checks one model: its card, hash, graph inputs and outputs, a run on the probe input with `provider`, and on other sizes; two
   * minutes at most.
   *
   * @returns faults in words; none: the model is what its card says
   * @throws LimpidError `MODEL_UNKNOWN`: no folder of this id
   */
  verify(id: string, provider: string): Promise<readonly string[]>;
}

/** `ENOENT` and the like of an error of the file system. */
function systemCode(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
}

/** Whoever writes a card by hand leaves out what the tool is to write. */
const isSealed = (card: unknown): boolean => typeof card !== 'object' || card === null || 'sha256' in card;
const sealing = 'It is not sealed: `node build/tools/seal-model.js DIR/ID` writes sha256 and probe (docs/models.md).';

/** @returns null: the folder is none of a model. @throws LimpidError MODEL_INVALID */
async function readCard(directory: string, id: string): Promise<ModelCard | null> {
  const file = join(directory, id, 'model.yaml');
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null; // a folder of something else: training/
    throw new LimpidError('MODEL_INVALID', `${file} cannot be read: ${systemCode(error)}`, { cause: error });
  }
  // A letter such as ä would stand for another text, and a condition with it never hold.
  if (!isUtf8(bytes)) throw new LimpidError('MODEL_INVALID', `${file} is not in UTF-8`);
  let value: unknown;
  try {
    value = parse(bytes.toString('utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1).join('').replace(/:$/, '') : String(error);
    throw new LimpidError('MODEL_INVALID', `${file} is no YAML: ${why}`, { cause: error });
  }
  const card = modelCard.safeParse(value);
  if (!card.success) {
    const faults = z.prettifyError(card.error);
    throw new LimpidError('MODEL_INVALID', `${file}: ${faults}${isSealed(value) ? '' : `\n${sealing}`}`);
  }
  if (card.data.id !== id) throw new LimpidError('MODEL_INVALID', `${file}: id ${card.data.id} in folder ${id}`);
  if (card.data.kind === 'network' && (card.data.input === null || card.data.probe === null)) {
    throw new LimpidError('MODEL_INVALID', `${file}: a network needs input and probe`);
  }
  if (card.data.input?.slices === 3 && card.data.modality.some((modality) => modality !== 'CT' && modality !== 'MR')) {
    // No other image has a place among others in space.
    throw new LimpidError('MODEL_INVALID', `${file}: networks that see three slices are for CT and MR alone`);
  }
  const fault = gridFault(card.data) ?? parametersFault(card.data);
  if (fault !== null) throw new LimpidError('MODEL_INVALID', `${file}: ${fault}`);
  const measured = (['CT', 'MR', 'US'] as const).filter((modality) => card.data.modality.includes(modality));
  for (const modality of measured) {
    const scale = card.data.noise[modality];
    if (!scale) throw new LimpidError('MODEL_INVALID', `${file}: noise has no ${modality}`);
    const unit = noiseUnits[modality];
    if (scale.unit !== unit)
      throw new LimpidError('MODEL_INVALID', `${file}: noise of ${modality} is in ${unit}, not ${scale.unit}`);
  }
  return card.data;
}

/** The units that noise is measured in, by modality. */
const noiseUnits = { CT: 'HU', MR: 'PERMILLE', US: 'GREY' } as const;

/** A parameter that nobody knows would be one that is left out, and what it keeps in the image taken away. */
function parametersFault({ kind, parameters }: ModelCard): string | null {
  if (kind === 'filter') return null;
  const unknown = Object.keys(parameters).find((name) => !networkParameters.includes(name));
  return unknown === undefined
    ? null
    : `networks have no parameter ${unknown} (${networkParameters.join(', ')})${didYouMean(unknown, networkParameters)}`;
}

/** What the card says of its grid against what it says that it does: none of its results could be written otherwise. */
function gridFault({ kind, grid, mark, task }: ModelCard): string | null {
  if (grid !== null && kind === 'network') return 'a network answers on the grid of its source, so it has none';
  const isFiner = grid !== null;
  if (isFiner !== (task === 'super-resolution')) return 'super-resolution has a grid, and nothing else has';
  const wanted = isFiner ? `SR${grid.scale}x` : null;
  return mark === wanted || (!isFiner && !mark.startsWith('SR')) ? null : `mark ${mark} does not fit the grid`;
}

/** Names of the folders of a directory, in order. @throws LimpidError MODEL_INVALID: it cannot be read */
async function foldersIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    // A link counts as what it leads to: a site may keep its models elsewhere.
    const isFolder = await Promise.all(
      entries.map(async (entry) =>
        entry.isSymbolicLink() ? isFolderAt(join(directory, entry.name)) : entry.isDirectory(),
      ),
    );
    return entries
      .filter((_, index) => isFolder[index])
      .map((entry) => entry.name)
      .toSorted();
  } catch (error) {
    throw new LimpidError(
      'MODEL_INVALID',
      `the folder of models ${directory} cannot be read: ${systemCode(error)}; name one that holds one folder for each model`,
    );
  }
}

/** A link that leads nowhere counts: whoever reads it tells. */
function isFolderAt(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => true,
  );
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Reads one model alone, as a task does that a decision has given a model: half a card of another one, in a folder that somebody is just
 * putting files into, must not stop it.
 *
 * @param own the site's own folder of models; null: none
 * @throws LimpidError `MODEL_UNKNOWN`: there is none of this id; `MODEL_INVALID`: its card does not fit its schema
 */
export async function readModel(
  modelsDirectory: string,
  own: string | null,
  id: string,
): Promise<{ readonly card: ModelCard; readonly file: string }> {
  for (const directory of own === null ? [modelsDirectory] : [modelsDirectory, own]) {
    const card = await readCard(directory, id);
    if (card !== null) return { card, file: join(directory, id, 'model.onnx') };
  }
  throw new LimpidError('MODEL_UNKNOWN', `there is no model ${id} any more`);
}

/**
 * Reads every card below `modelsDirectory`, and below a site's own folder.
 *
 * @param options.own the site's own folder of models; null: none
 * @param options.spoiled `listed`: a card that does not fit its schema, or is missing beside a model.onnx, is told by `spoiled`; else
 * it ends the reading, and a folder without a card is passed over
 * @throws LimpidError `MODEL_INVALID`: a card does not fit its schema, the message names file and key; the site's own folder cannot be
 * read, or has a model of an id that is taken
 */
export async function openRegistry(
  modelsDirectory: string,
  { own = null, spoiled: whatIsSpoiled }: { readonly own?: string | null; readonly spoiled?: 'listed' } = {},
): Promise<Registry> {
  const cards = new Map<string, ModelCard>();
  const spoiled = new Map<string, string>();
  /** The folder in which each model's is. */
  const places = new Map<string, string>();
  const file = (id: string): string => join(places.get(id) ?? modelsDirectory, id, 'model.onnx');
  const take = async (directory: string, name: string): Promise<void> => {
    const card = await readCard(directory, name);
    if (card === null) {
      const path = join(directory, name);
      if (!(await isThere(path))) throw new LimpidError('MODEL_INVALID', `${path} is a link that leads nowhere`);
      if (await isThere(join(path, 'model.onnx')))
        spoiled.set(name, 'there is a model.onnx, but no model.yaml beside it');
      return;
    }
    const taken = places.get(card.id);
    if (taken !== undefined) {
      const both = `${join(taken, name)} and ${join(directory, name)}`;
      throw new LimpidError(
        'MODEL_INVALID',
        `there are two models ${name}, ${both}: a site's own has an id of its own`,
      );
    }
    if (directory === own && card.kind === 'filter')
      throw new LimpidError(
        'MODEL_INVALID',
        `${join(directory, name)}: filters are the program's, a site adds networks`,
      );
    places.set(card.id, directory);
    cards.set(card.id, card);
  };
  for (const directory of own === null ? [modelsDirectory] : [modelsDirectory, own]) {
    for (const name of await foldersIn(directory)) {
      try {
        await take(directory, name);
      } catch (error) {
        if (whatIsSpoiled !== 'listed' || !(error instanceof LimpidError)) throw error;
        spoiled.set(name, error.message);
      }
    }
  }
  const need = (id: string): ModelCard => {
    const card = cards.get(id);
    if (card === undefined)
      throw new LimpidError('MODEL_UNKNOWN', `there is no model ${id}${didYouMean(id, cards.keys())}`);
    return card;
  };
  return {
    list: () => [...cards.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    get: (id) => cards.get(id),
    need,
    file,
    spoiled: () => spoiled,
    async verify(id, provider) {
      const why = spoiled.get(id);
      if (why !== undefined) return [why];
      const card = need(id);
      if (card.kind === 'network') {
        const { task, sha256, input, limits, probe } = card;
        return verifyNetwork({ card: { task, sha256, input, limits, probe }, file: file(id), provider });
      }
      const identity = filterIdentity(card.id, card.version);
      return identity === card.sha256 ? [] : [`the filter's SHA-256 is ${identity}, the card says ${card.sha256}`];
    },
  };
}
