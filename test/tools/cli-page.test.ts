import { describe, expect, it } from '@jest/globals';
import { Command, Option } from 'commander';
import { cliPage } from '../../tools/docs/cli-page.js';

describe('the page of commands', () => {
  it('tells each command with its arguments, options, choices and defaults', () => {
    const program = new Command('limpid').description('A node.');
    const series = program.command('series').description('what happened');
    series
      .command('show')
      .description('one series')
      .argument('<key>', 'its key')
      .option('--json', 'print JSON', false)
      .addOption(new Option('--priority <class>', 'urgency').choices(['urgent', 'batch']).default('batch'));
    program.command('echo').description('asks a peer').argument('[peers...]', 'whom');
    const text = cliPage(program);
    expect(text).toContain('## limpid series show\n\none series\n\n    limpid series show [options] <key>\n');
    expect(text).toContain('| `<key>` | its key |  |\n| `--json` | print JSON |  |\n');
    expect(text).toContain('| `--priority <class>` | urgency: `urgent`, `batch` | `"batch"` |');
    expect(text).toContain('## limpid echo\n\nasks a peer\n\n    limpid echo [options] [peers...]\n');
    expect(text).toContain('| `[peers...]` | whom |  |');
    expect(text).not.toContain('## limpid series\n');
  });
});
