// The WebGPU provider on a Vulkan driver that needs no GPU: SwiftShader, which Debian's Chromium brings.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const loader = '/usr/lib/x86_64-linux-gnu/libvulkan.so.1';
const missing = [driver, loader].filter((file) => !existsSync(file));
if (missing.length > 0 && process.env['CI'] === 'true') throw new Error(`missing: ${missing.join(', ')}`);
const itWithVulkan = missing.length === 0 ? it : it.skip;

/** What a script of test/support prints at last, run with the Vulkan driver. */
async function answerOf(script: URL, ...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(script), ...args], {
    env: { ...process.env, VK_ICD_FILENAMES: driver },
    timeout: 220_000, // a driver without a GPU, on a busy machine
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('webgpu', () => {
  itWithVulkan('gives what the card of ct-low-dose says', async () =>
    expect(await answerOf(new URL('../support/run-probe.js', import.meta.url), 'ct-low-dose', 'webgpu')).toEqual([]),
  );
  itWithVulkan('gives of a batch what the CPU gives of each slice, to 1e-4 of its scale', async () =>
    expect(await answerOf(new URL('../support/run-batch.js', import.meta.url), 'us-despeckle', 'webgpu')).toBeLessThan(
      1e-4,
    ),
  );
});
