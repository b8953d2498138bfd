/** The models this node has: cards of `models/<id>/model.yaml`, and the check that the files are what the cards say. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { LimpidError } from '../errors.js';
import { modelCard } from './card.js';
import type { ModelCard } from './card.js';
import { filterIdentity, modelSha256 } from './identity.js';
import { probeFaults, shapeFaults } from './probe.js';
import type { Probe } from './probe.js';
import { openSession } from './session.js';

type Input = NonNullable<ModelCard['input']>;

export interface Registry {
  /** Cards in order of their ids. */
  list(): readonly ModelCard[];
  get(id: string): ModelCard | undefined;
  /** Where a network's model.onnx lies. */
  file(id: string): string;
  /** Why folders of models hold none that can be used, by their names; empty unless the registry was opened with `spoiled: 'listed'`. */
  spoiled(): ReadonlyMap<string, string>;
  /**
   * Checks one model: its card, hash, graph inputs and outputs, a run on the probe input with `provider`, and on other sizes.
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

/** @returns null: the folder is none of a model */
async function readCard(directory: string, id: string): Promise<ModelCard | null> {
  const file = join(directory, id, 'model.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null; // a folder of something else: training/
    throw error;
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new LimpidError('MODEL_INVALID', `${file} is no YAML`, { cause: error });
  }
  const card = modelCard.safeParse(value);
  if (!card.success) throw new LimpidError('MODEL_INVALID', `${file}: ${z.prettifyError(card.error)}`);
  if (card.data.id !== id) throw new LimpidError('MODEL_INVALID', `${file}: id ${card.data.id} in folder ${id}`);
  if (card.data.kind === 'network' && (card.data.input === null || card.data.probe === null)) {
    throw new LimpidError('MODEL_INVALID', `${file}: a network needs input and probe`);
  }
  const measured = (['CT', 'MR', 'US'] as const).filter((modality) => card.data.modality.includes(modality));
  for (const modality of measured) {
    if (!card.data.noise[modality]) throw new LimpidError('MODEL_INVALID', `${file}: noise has no ${modality}`);
  }
  return card.data;
}

async function verifyNetwork(card: ModelCard, file: string, provider: string): Promise<readonly string[]> {
  if (card.input === null || card.probe === null) return ['the card has no input or probe'];
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return [`model.onnx cannot be read: ${systemCode(error) ?? String(error)}`];
  }
  const found = modelSha256(bytes);
  if (found !== card.sha256) return [`SHA-256 of model.onnx is ${found}, the card says ${card.sha256}`];
  try {
    return await verifyGraph(bytes, card.input, card.probe, provider);
  } catch (error) {
    if (error instanceof LimpidError) return [error.message];
    throw error;
  }
}

async function verifyGraph(
  bytes: Uint8Array,
  input: Input,
  probe: Probe,
  provider: string,
): Promise<readonly string[]> {
  const session = await openSession(bytes, provider);
  try {
    const faults = [...namesFaults('inputs', session.inputNames, input.input)];
    faults.push(...namesFaults('outputs', session.outputNames, input.output));
    if (faults.length === 0) faults.push(...(await shapeFaults(session, input)));
    return faults.length > 0 ? faults : await probeFaults(session, input, probe);
  } finally {
    await session.close();
  }
}

function namesFaults(what: 'inputs' | 'outputs', names: readonly string[], wanted: string): readonly string[] {
  return names.length === 1 && names[0] === wanted
    ? []
    : [`graph ${what} are ${names.join(', ')}, the card says ${wanted} alone`];
}

async function hasFile(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Reads every card below `modelsDirectory`.
 *
 * @param options.spoiled `listed`: a card that does not fit its schema, or is missing beside a model.onnx, is told by `spoiled`; else
 * it ends the reading, and a folder without a card is passed over
 * @throws LimpidError `MODEL_INVALID`: a card does not fit its schema; the message names file and key
 */
export async function openRegistry(
  modelsDirectory: string,
  options: { readonly spoiled?: 'listed' } = {},
): Promise<Registry> {
  const cards = new Map<string, ModelCard>();
  const spoiled = new Map<string, string>();
  const file = (id: string): string => join(modelsDirectory, id, 'model.onnx');
  const entries = await readdir(modelsDirectory, { withFileTypes: true });
  for (const name of entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()) {
    try {
      const card = await readCard(modelsDirectory, name);
      if (card) cards.set(card.id, card);
      else if (await hasFile(file(name))) spoiled.set(name, 'there is a model.onnx, but no model.yaml beside it');
    } catch (error) {
      if (options.spoiled !== 'listed' || !(error instanceof LimpidError)) throw error;
      spoiled.set(name, error.message);
    }
  }
  return {
    list: () => [...cards.values()],
    get: (id) => cards.get(id),
    file,
    spoiled: () => spoiled,
    async verify(id, provider) {
      const why = spoiled.get(id);
      if (why !== undefined) return [why];
      const card = cards.get(id);
      if (!card) throw new LimpidError('MODEL_UNKNOWN', `there is no model ${id}`);
      if (card.kind === 'network') return verifyNetwork(card, file(id), provider);
      const identity = filterIdentity(card.id, card.version);
      return identity === card.sha256 ? [] : [`the filter's SHA-256 is ${identity}, the card says ${card.sha256}`];
    },
  };
}
