// Which pages are generated, and by what.
import { openApi } from '../../src/admin/openapi.js';
import { configJsonSchema, rulesJsonSchema } from '../../src/config/json-schema.js';
import { processOutput } from '../../src/cli/output.js';
import { buildProgram } from '../../src/cli/program.js';
import { openCommands } from '../../src/program/commands.js';
import { cliPage } from './cli-page.js';
import { conformancePage } from './conformance-page.js';
import { configPage } from './config-page.js';
import { dashboard } from './dashboard.js';
import { errorsPage } from './errors-page.js';
import { modelJsonSchema } from '../../src/inference/card.js';
import { generatedBy } from './markdown.js';
import { metricsPage } from './metrics-page.js';

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly make: () => string | Promise<string>;
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

export const pages: readonly Page[] = [
  { path: 'docs/errors.md', make: errorsPage },
  { path: 'docs/metrics.md', make: metricsPage },
  { path: 'docs/config.md', make: configPage },
  { path: 'docs/cli.md', make: () => cliPage(buildProgram(openCommands(processOutput(), {}, () => undefined))) },
  { path: 'config/limpid.schema.json', make: () => json({ $comment: generatedBy, ...configJsonSchema() }) },
  { path: 'config/rules.schema.json', make: () => json({ $comment: generatedBy, ...rulesJsonSchema() }) },
  { path: 'models/model.schema.json', make: () => json({ $comment: generatedBy, ...modelJsonSchema() }) },
  { path: 'docs/conformance-statement.md', make: conformancePage },
  { path: 'docs/openapi.json', make: () => json({ 'x-generated': generatedBy, ...openApi() }) },
  { path: 'deploy/grafana/dashboards/limpid-overview.json', make: () => json(dashboard()) },
];
