/** Which execution provider works here. onnxruntime has no silent fallback: `create` throws where one is missing. */
import { LimpidError } from '../errors.js';
import { openSession } from './session.js';

/** An ONNX model of one Identity node, float32 [1] to [1]: IR version 8, opset 13. */
const identityModel = Uint8Array.from(
  Buffer.from(
    '08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a02080142040a00100d',
    'hex',
  ),
);

/**
 * Tries the providers in the configured order on a model of one node; do this once a process.
 *
 * @returns the first that works
 * @throws LimpidError `PROVIDER_UNAVAILABLE`: none does; the message says why for each
 */
export async function chooseProvider(providers: readonly string[]): Promise<string> {
  const why: string[] = [];
  for (const provider of providers) {
    try {
      const session = await openSession(identityModel, provider);
      try {
        const [value] = await session.run('x', 'y', Float32Array.of(0.5), [1]);
        if (value === 0.5) return provider;
        why.push(`${provider}: wrong result`);
      } finally {
        await session.close();
      }
    } catch (error) {
      why.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new LimpidError('PROVIDER_UNAVAILABLE', `no execution provider works: ${why.join('; ')}`);
}
