// Rooms and the way of imports: ARCHITECTURE.md. `npm run check` fails on any import that is not listed here.
const stages = ['receive', 'assemble', 'route', 'enhance', 'derive', 'deliver'];
const ground = ['dicom', 'io', 'imaging', 'inference', 'spool', 'queue', 'observe', 'threads'];
const rule = (name, from, to) => ({ name, severity: 'error', from, to });
const only = (room, allowed) =>
  rule(
    `${room}-imports-only`,
    { path: `^src/${room}/` },
    {
      path: '^src/',
      pathNot: [`^src/(${[room, ...allowed].join('|')})/`, '^src/(errors|deadline|version|rule)\\.ts$'],
    },
  );
const confined = (room, packages) =>
  rule(
    `only-in-${room}`,
    { path: '^src/', pathNot: `^src/${room}/` },
    { path: `^node_modules/(@types/)?(${packages})/` },
  );
export default {
  forbidden: [
    rule('no-cycles', {}, { circular: true }),
    rule('no-unresolved', {}, { couldNotResolve: true }),
    rule('no-orphans', { orphan: true, path: '^src/', pathNot: '\\.d\\.ts$' }, {}),
    rule('src-alone', { path: '^src/' }, { path: '^(test|bench|tools|demo)/' }),
    rule(
      'pure',
      { path: '^src/(imaging|dicom)/|/decide[^/]*\\.ts$', pathNot: '^src/dicom/uid\\.ts$' },
      { dependencyTypes: ['core'], pathNot: '^(node:)?module$' }, // `module` loads a package when it is first asked for
    ),
    ...stages.map((stage) => only(stage, ground)),
    only('queue', ['dicom', 'spool', 'observe']),
    only('io', ['dicom', 'observe']),
    only('inference', ['imaging', 'observe', 'conditions']),
    only('spool', ['dicom', 'observe', 'threads']),
    only('conditions', ['dicom']),
    only('config', ['conditions', 'dicom']),
    only('evaluate', ['dicom', 'imaging']),
    only('audit', ['dicom', 'io', 'spool', 'observe']),
    only('imaging', []),
    only('dicom', []),
    only('observe', []),
    only('threads', []),
    only('admin', [...ground, 'config']),
    only('cli', [...ground, 'config']),
    // Wiring: the child of a task knows nothing of who starts it, a node nothing of the commands.
    rule('task-alone', { path: '^src/task/' }, { path: '^src/(node|program)/' }),
    rule('node-alone', { path: '^src/node/' }, { path: '^src/program/' }),
    confined('inference', 'onnxruntime-node|onnxruntime-common'),
    confined('queue', 'bullmq|ioredis|pg|@electric-sql/[^/]+'),
    confined('dicom', 'dcmjs|dcmjs-codecs|pako'),
    confined('io', 'dcmjs-dimse'),
    confined('(io|audit)', '@xmldom/[^/]+'),
    confined('conditions', 're2js'),
    confined('(config|inference)', 'yaml'),
    confined('observe', 'pino|prom-client'),
    confined('admin', 'fastify|@fastify/[^/]+'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
