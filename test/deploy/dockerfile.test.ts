import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { validate } from 'dockerfile-utils';
import { z } from 'zod';

const require = createRequire(import.meta.url);
const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const dockerfile = read('deploy/Dockerfile');

/** What the linter gets wrong: a stage named in FROM needs no tag, and `--start-period` is an option of HEALTHCHECK. */
const mistaken = [
  { title: 'Base Image Missing Tag', content: /^FROM build AS / },
  { title: 'Invalid Argument Format', content: /^HEALTHCHECK .*--start-period=/ },
];

const report = z.object({
  files: z.array(z.object({ issues: z.array(z.object({ line: z.string(), title: z.string(), content: z.string() })) })),
});
function lint(text: string): string[] {
  const program = require.resolve('dockerfilelint/bin/dockerfilelint');
  const { stdout } = spawnSync(process.execPath, [program, '--output', 'json', '-'], { input: text, encoding: 'utf8' });
  return report
    .parse(JSON.parse(stdout))
    .files.flatMap(({ issues }) => issues)
    .filter((issue) => !mistaken.some(({ title, content }) => issue.title === title && content.test(issue.content)))
    .map(({ line, title, content }) => `${line}: ${title}: ${content}`);
}

describe('deploy/Dockerfile', () => {
  it('is one, by two readers', () => {
    expect(validate(dockerfile)).toEqual([]);
    expect(lint(dockerfile)).toEqual([]);
  });

  it('would not be with planted faults (so that the checks above say something)', () => {
    expect(validate('FORM node:24\n').length).toBeGreaterThan(0);
    expect(lint('FROM node\nRUN sudo apt-get install -y curl\n').length).toBeGreaterThan(1);
  });

  it('copies only what the context holds', () => {
    const kept = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list = '']) => list.split(' '));
    expect(copied.length).toBeGreaterThan(4);
    for (const path of copied) {
      expect(kept).toContain(path.replace(/^\.\//, ''));
      expect([path, existsSync(new URL(path, root))]).toEqual([path, true]);
    }
  });

  it('runs as a user of its own, has a health check, and starts what the package says', () => {
    for (const stage of dockerfile.split(/^FROM /m).filter((text) => text.includes('ENTRYPOINT'))) {
      expect(stage).toMatch(/^USER limpid$/m);
      expect(stage).toMatch(/^HEALTHCHECK /m);
      expect(stage).toContain('"build/src/main.js"');
    }
    expect(JSON.parse(read('package.json')).bin).toEqual({ limpid: 'build/src/main.js' });
  });

  it('keeps the one folder of onnxruntime that the image can run', () => {
    const folder = /keep="([^$]+)/.exec(dockerfile)?.[1] ?? '';
    expect(existsSync(new URL(`${folder}x64/onnxruntime_binding.node`, root))).toBe(true);
    expect(existsSync(new URL(`${folder}arm64/onnxruntime_binding.node`, root))).toBe(true);
    expect(existsSync(new URL('node_modules/onnxruntime-node/script/install.js', root))).toBe(true);
  });
});
