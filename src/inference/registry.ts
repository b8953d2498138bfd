/** The models this node has: cards of `models/<id>/model.yaml`, and the check that the files are what the cards say. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { LimpidError } from '../errors.js';
import { modelCard } from './card.js';
import type { ModelCard } from './card.js';
import { filterIdentity, modelSha256 } from './identity.js';
import { probeFaults } from './probe.js';
import { openSession } from './session.js';

export interface Registry {
  /** Cards in order of their ids. */
  list(): readonly ModelCard[];
  get(id: string): ModelCard | undefined;
  /** Where a network's model.onnx lies. */
  file(id: string): string;
  /**
   * Checks one model: hash, graph inputs and outputs, and a run on the probe input with `provider`.
   *
   * @returns faults in words; none: the model is what its card says
   * @throws LimpidError `MODEL_UNKNOWN`: no card of this id
   */
  verify(id: string, provider: string): Promise<readonly string[]>;
}

/** `ENOENT` and the like of an error of the file system. */
function systemCode(error: unknown): string | null {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : null;
}

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
  const session = await openSession(file, provider);
  try {
    const faults: string[] = [];
    if (session.inputNames.join() !== card.input.input) faults.push(`graph inputs are ${session.inputNames.join()}`);
    if (session.outputNames.join() !== card.input.output)
      faults.push(`graph outputs are ${session.outputNames.join()}`);
    return faults.length > 0 ? faults : await probeFaults(session, card.input, card.probe);
  } finally {
    await session.close();
  }
}

/**
 * Reads every card below `modelsDirectory`.
 *
 * @throws LimpidError `MODEL_INVALID`: a card does not fit its schema; the message names file and key
 */
export async function openRegistry(modelsDirectory: string): Promise<Registry> {
  const cards = new Map<string, ModelCard>();
  const entries = await readdir(modelsDirectory, { withFileTypes: true });
  for (const name of entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()) {
    const card = await readCard(modelsDirectory, name);
    if (card) cards.set(card.id, card);
  }
  const file = (id: string): string => join(modelsDirectory, id, 'model.onnx');
  return {
    list: () => [...cards.values()],
    get: (id) => cards.get(id),
    file,
    async verify(id, provider) {
      const card = cards.get(id);
      if (!card) throw new LimpidError('MODEL_UNKNOWN', `there is no model ${id}`);
      if (card.kind === 'network') return verifyNetwork(card, file(id), provider);
      const identity = filterIdentity(card.id, card.version);
      return identity === card.sha256 ? [] : [`the filter's SHA-256 is ${identity}, the card says ${card.sha256}`];
    },
  };
}
