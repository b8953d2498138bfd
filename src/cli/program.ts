// The command line: what commands there are and what they take. What they do stands in the files beside this one.
import { Command, Help, Option } from 'commander';
import { version } from '../version.js';
import { roles } from '../config/roles.js';
import type { Role } from '../config/roles.js';
import { seriesStates } from '../spool/series-states.js';
import type { SeriesWord } from '../spool/series-states.js';
import {
  configOption,
  deadlineOption,
  jsonOption,
  modelsOption,
  ownModelsOption,
  readCount,
  readMoment,
  readNumber,
  readNumbers,
  readRoles,
  strengthOption,
  whyOption,
} from './arguments.js';
import type { ConfigCommands } from './config.js';
import type { EnhanceCommand } from './enhance.js';
import type { EvaluateCommands, StudyArguments } from './evaluate.js';
import type { ModelCommands, ModelPlace } from './models.js';
import type { PeerCommands } from './peers.js';
import type { RuleCommands } from './rules.js';
import type { ScuCommands, ScuOptions } from './scu.js';
import type { SeriesCommands } from './series.js';
import type { SpoolCommands } from './spool.js';
import type { WithdrawCommand, WithdrawOptions } from './withdraw.js';

/** Loaded when a command of theirs is called: who sends a file need not wait for what enhances one. */
type Later<T> = () => Promise<T>;

/** What each command calls. Every action may throw a LimpidError; `run-command.ts` prints it and sets the exit status. */
export interface Commands {
  serve(options: {
    readonly config: string;
    readonly roles: readonly Role[];
    readonly standby: boolean;
  }): Promise<void>;
  readonly enhance: Later<EnhanceCommand>;
  readonly evaluate: Later<EvaluateCommands>;
  readonly scu: Later<ScuCommands>;
  readonly peers: Later<PeerCommands>;
  readonly series: Later<SeriesCommands>;
  readonly withdraw: Later<WithdrawCommand>;
  readonly rules: Later<RuleCommands>;
  readonly models: Later<ModelCommands>;
  readonly config: Later<ConfigCommands>;
  readonly spool: Later<SpoolCommands>;
}

/** A default of nothing, or of not, is not worth a word. */
const optionDescription = (option: Option): string =>
  option.defaultValue === false || option.defaultValue === ''
    ? option.description
    : new Help().optionDescription(option);

/** The whole program; `npm run docs` makes docs/cli.md from it. */
export function buildProgram(commands: Commands): Command {
  const program = new Command('limpid')
    .description(
      'DICOM node beside a PACS: enhances CT, MR and ultrasound series, and sends the results back as derived series.',
    )
    .version(version)
    .showHelpAfterError('See --help.')
    // Options behind a command are that command's, also those that limpid itself has (--version).
    .enablePositionalOptions()
    .configureHelp({ sortSubcommands: false, optionDescription });

  program
    .command('serve')
    .description('run the node; prints one line when ready')
    .addOption(configOption())
    .addOption(
      new Option('--roles <list>', 'roles of this process')
        .argParser(readRoles)
        .default([...roles], roles.join(','))
        .env('LIMPID_ROLES'),
    )
    .addOption(new Option('--standby', 'wait while another receiver holds the spool').default(false))
    .action((options: { config: string; roles: Role[]; standby: boolean }) => commands.serve(options));

  program
    .command('enhance')
    .description('the same pipeline on files, without a network; status 1 unless every series was enhanced')
    .argument('<path...>', 'files and folders')
    .requiredOption('--with <model>', 'model or filter, see `limpid models list`')
    .requiredOption('--out <dir>', 'folder for DIR/KEY/TASK/objects/*.dcm, outcome.json and panels/*.png')
    .addOption(strengthOption())
    .addOption(configOption().default(undefined, 'built-in values'))
    .addOption(jsonOption())
    .action(async (paths: string[], options: Parameters<EnhanceCommand>[1]) =>
      (await commands.enhance())(paths, options),
    );

  addEvaluate(program, commands);
  addScu(program, commands);
  addPeers(program, commands);
  addSeries(program, commands);

  const rules = program.command('rules').description('routing rules');
  rules
    .command('check')
    .description('check the rules of a configuration')
    .addOption(configOption())
    .action(async (options: { config: string }) => (await commands.rules()).check(options));
  rules
    .command('test')
    .description('what the rules would make of a series, condition by condition')
    .argument('<path...>', 'files and folders')
    .addOption(configOption())
    .addOption(new Option('--calling <ae>', 'calling AE title to pretend').default(''))
    .addOption(jsonOption())
    .action(async (paths: string[], options: { config: string; calling: string; json: boolean }) =>
      (await commands.rules()).test(paths, options),
    );

  const models = program.command('models').description('models and filters');
  models
    .command('list')
    .description('models and filters of this node')
    .addOption(modelsOption())
    .addOption(ownModelsOption())
    .addOption(jsonOption())
    .action(async (options: ModelPlace & { json: boolean }) => (await commands.models()).list(options));
  models
    .command('show')
    .description('what a model is for, what limits hold it, how it was trained')
    .argument('<id>', 'model or filter')
    .addOption(modelsOption())
    .addOption(ownModelsOption())
    .addOption(jsonOption())
    .action(async (id: string, options: ModelPlace & { json: boolean }) => (await commands.models()).show(id, options));
  models
    .command('schema')
    .description('print the JSON Schema of model.yaml')
    .action(async () => (await commands.models()).schema());
  models
    .command('verify')
    .description('check hashes and graphs, and run each on its probe')
    .argument('[id...]', 'models; none: all')
    .addOption(modelsOption())
    .addOption(ownModelsOption())
    .addOption(jsonOption())
    .action(async (ids: string[], options: ModelPlace & { json: boolean }) =>
      (await commands.models()).verify(ids, options),
    );

  const config = program.command('config').description('configuration');
  config
    .command('check')
    .description('check a configuration: every fault with file, line and key')
    .addOption(configOption())
    .action(async (options: { config: string }) => (await commands.config()).check(options));
  config
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(async () => (await commands.config()).schema());

  const spool = program.command('spool').description('the spool');
  spool
    .command('sweep')
    .description('take away what retention allows now, as a running node does each hour')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: { config: string; json: boolean }) => (await commands.spool()).sweep(options));
  spool
    .command('verify')
    .description('check that every record can be read and every file it names is there')
    .addOption(configOption())
    .option('--hashes', 'read every byte and compare its SHA-256', false)
    .addOption(jsonOption())
    .action(async (options: { config: string; hashes: boolean; json: boolean }) =>
      (await commands.spool()).verify(options),
    );
  return program;
}

function addEvaluate(program: Command, commands: Commands): void {
  const evaluate = program.command('evaluate').description('how good an enhancer is, on files: numbers and pictures');
  evaluate
    .command('compare')
    .description('a series against a reference of the same anatomy: PSNR, SSIM, MAE, Dice')
    .requiredOption('--reference <path...>', 'the reference: one series')
    .requiredOption('--test <path...>', 'what is judged: one series')
    .option('--before <path...>', 'what it was made from: judged too')
    .option('--threshold <value>', 'Dice: HU or counts; default 100 HU, half of the window for MR', readNumber)
    .option('--out <dir>', 'folder for pictures of before, after and difference')
    .addOption(jsonOption())
    .action(async (options: Parameters<EvaluateCommands['compare']>[0]) =>
      (await commands.evaluate()).compare(options),
    );
  const study = (name: 'models' | 'robustness', description: string, noise: string): void => {
    evaluate
      .command(name)
      .description(description)
      .argument('<path...>', 'series without much noise: files and folders')
      .requiredOption('--with <model...>', 'models and filters to compare')
      .requiredOption('--out <dir>', 'folder for degraded and enhanced series')
      .addOption(
        new Option('--noise <list>', "times the series' own noise; 2 is a quarter of the dose, 3.16 a tenth")
          .argParser(readNumbers)
          .default(readNumbers(noise), noise),
      )
      .addOption(strengthOption())
      .option('--slices <n>', 'slices of each series, from its middle', readCount, 9)
      .addOption(configOption().default(undefined, 'built-in values'))
      .addOption(jsonOption())
      .action(async (paths: string[], options: StudyArguments) => (await commands.evaluate())[name](paths, options));
  };
  study('models', 'models and filters on series with simulated noise: the comparison table', '2,3.16');
  study('robustness', 'how far each figure falls when the noise rises by a tenth; status 1 above 5 %', '2');
  evaluate
    .command('kit')
    .description('make the acceptance kit: CT, MR and US phantoms with known truth, to send through a node')
    .requiredOption('--out <dir>', 'folder for DIR/NAME/*.dcm and kit.json')
    .action(async (options: { out: string }) => (await commands.evaluate()).kit(options));
  evaluate
    .command('accept')
    .description('judge what a node made of the kit; status 1 unless everything holds')
    .argument('<kit>', 'folder that `evaluate kit` made')
    .requiredOption('--results <path...>', 'derived series as the PACS has them; other objects are passed over')
    .addOption(jsonOption())
    .action(async (kit: string, options: { results: string[]; json: boolean }) =>
      (await commands.evaluate()).accept(kit, options),
    );
}

function addPeers(program: Command, commands: Commands): void {
  const peers = program.command('peers').description('peers, and whether they can be reached');
  peers
    .command('list')
    .description('peers of the configuration')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (options: { config: string; json: boolean }) => (await commands.peers()).list(options));
  peers
    .command('check')
    .description(
      'take the connection to a peer apart: name, TCP, TLS, association, contexts, echo, commitment; a web service; a folder',
    )
    .argument('<peer>', 'name in the configuration')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (peer: string, options: { config: string; json: boolean }) =>
      (await commands.peers()).check(peer, options),
    );
}

function addScu(program: Command, commands: Commands): void {
  const addTool = (name: string, description: string, deadline: string): Command =>
    program
      .command(name)
      .description(description)
      .argument('<peer>', 'name in the configuration')
      .addOption(configOption())
      .option('-v, --verbose', 'print what was negotiated', false)
      .addOption(jsonOption())
      .addOption(deadlineOption(deadline));
  addTool(
    'echo',
    'ask a peer whether it is there: C-ECHO; a request to a DICOMweb server; a file in a folder',
    '30s',
  ).action(async (peer: string, options: ScuOptions) => (await commands.scu()).echo(peer, options));
  addTool('send', 'store files at a peer: C-STORE, STOW-RS, or files in a folder', '1h')
    .argument('<path...>', 'files and folders')
    .action(async (peer: string, paths: string[], options: ScuOptions) =>
      (await commands.scu()).send(peer, paths, options),
    );
}

function addSeries(program: Command, commands: Commands): void {
  const series = program.command('series').description('what happened to series, and putting it right');
  series
    .command('list')
    .description('series, newest first')
    .addOption(configOption())
    .addOption(new Option('--state <state>', 'only those that stand so').choices(seriesStates))
    .option('--limit <n>', 'how many', readCount, 50)
    .addOption(jsonOption())
    .action(async (options: { config: string; state?: SeriesWord; limit: number; json: boolean }) =>
      (await commands.series()).list(options),
    );
  series
    .command('show')
    .description('everything known of one series')
    .argument(
      '<key>',
      'its key or its first letters, see `series list`; or its Series Instance UID, or that of a result',
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (key: string, options: { config: string; json: boolean }) =>
      (await commands.series()).show(key, options),
    );
  const action = (name: 'requeue' | 'hold' | 'release' | 'discard' | 'prioritise', description: string): Command =>
    series
      .command(name)
      .description(description)
      .argument(
        '<key>',
        'its key or its first letters, see `series list`; or its Series Instance UID, or that of a result',
      )
      .addOption(configOption())
      .addOption(whyOption());
  action('requeue', 'route and enhance it again')
    .option('--new-uids', 'make a second result with UIDs of its own', false)
    .action(async (key: string, options: { config: string; why: string; newUids: boolean }) =>
      (await commands.series()).act(key, { ...options, kind: 'requeue' }),
    );
  for (const kind of ['hold', 'release'] as const) {
    action(kind, kind === 'hold' ? 'start nothing new of it' : 'let held tasks run; deliver what was withheld')
      .option('--task <name>', 'only this task')
      .action(async (key: string, options: { config: string; why: string; task?: string }) =>
        (await commands.series()).act(key, { ...options, kind }),
      );
  }
  action('discard', 'give up what is left of it')
    .option('--task <name>', 'only this task')
    .option('--peer <name>', 'only for this peer')
    .action(async (key: string, options: { config: string; why: string; task?: string; peer?: string }) =>
      (await commands.series()).act(key, { ...options, kind: 'discard' }),
    );
  action('prioritise', 'change its priority')
    .addOption(
      new Option('--to <priority>', 'its new priority').choices(['urgent', 'routine', 'batch']).default('urgent'),
    )
    .action(async (key: string, options: { config: string; why: string; to: 'urgent' | 'routine' | 'batch' }) =>
      (await commands.series()).act(key, { ...options, kind: 'prioritise', priority: options.to }),
    );
  addWithdraw(series, commands);
}

function addWithdraw(series: Command, commands: Commands): void {
  type Given = Partial<WithdrawOptions> &
    Pick<WithdrawOptions, 'config' | 'reason' | 'why' | 'yes' | 'json'> & {
      readonly from?: number;
      readonly to?: number;
    };
  series
    .command('withdraw')
    .description('tell every peer that has a derived series to reject it (IHE IOCM)')
    .argument('[series]', 'its Series Instance UID, or the key of its source series')
    .addOption(configOption())
    .addOption(
      new Option('--reason <reason>', 'safety: a hazard, or the wrong patient')
        .choices(['quality', 'safety'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--because <what>', 'with quality: what was wrong; default: processing').choices([
        'processing',
        'software',
        'artifact',
      ]),
    )
    .addOption(
      new Option(
        '--why <text>',
        'reason in words, told to the peers in the character set of the study (no patient data)',
      ).default(''),
    )
    .option('--task <name>', 'only what this task made')
    .option('--model <id>', 'recall: every series that this model made')
    .option('--version <version>', 'recall: only this version of the model')
    .addOption(new Option('--from <date>', 'recall: made from this day on').argParser(readMoment('from')))
    .addOption(new Option('--to <date>', 'recall: made up to this day').argParser(readMoment('to')))
    .option('--yes', 'recall: do it; otherwise it is only listed', false)
    .addOption(jsonOption())
    .action(async (uid: string | undefined, { from, to, ...given }: Given) =>
      (await commands.withdraw())(uid ?? null, {
        ...given,
        because: given.because ?? null,
        task: given.task ?? null,
        model: given.model ?? null,
        version: given.version ?? null,
        fromMs: from ?? null,
        toMs: to ?? null,
      }),
    );
}
