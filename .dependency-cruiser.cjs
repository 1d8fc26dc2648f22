/** Who may import whom in lib/. Each layer lists all that it may import; its own files come first. */
const rxjs = 'node_modules/rxjs/';

const layers = {
  core: [],
  ports: ['^lib/core/', rxjs],
  operators: ['^lib/core/', '^lib/ports/(clock|random)\\.ts$', rxjs],
  actors: ['^lib/(core|ports|operators)/', rxjs],
  mesh: ['^lib/(core|ports|operators|actors)/', rxjs],
  rpc: ['^lib/(core|ports|operators|actors)/', rxjs, 'node_modules/@standard-schema/spec/'],
  testing: ['^lib/(core|ports|operators|node|rpc|actors)/', '^lib/adapters/(sim|memory|matchmaker-memory|system)/', rxjs],
  cli: ['^lib/(core|node)/', rxjs, 'node_modules/(commander|chokidar|cli-table3|picocolors|yaml)/'],
};

/** Layers that may use Node's own modules too. */
const onNode = new Set(['rpc', 'testing', 'cli']);

/** The adapters' outside packages: one each, imported by no other adapter, nor where nodes are put together. */
const outside = {
  // Where wires go, and what they tell each other, is the same for both.
  zmq: ['node_modules/zeromq/', '^lib/adapters/wires/'],
  zmtp: ['^lib/adapters/wires/'],
  static: ['node_modules/yaml/'],
  msgpackr: ['node_modules/msgpackr/'],
  // The simulated network is the memory network with faults.
  sim: ['^lib/adapters/memory/'],
};

const insideOnly = (name, from, paths, allowsNode) => ({
  name,
  severity: 'error',
  comment: `Besides itself it may import ${paths.join(', ') || 'nothing'}${allowsNode ? ' and node:*' : ''}.`,
  from: { path: from },
  to: { pathNot: [from, ...paths], ...(allowsNode ? { dependencyTypesNot: ['core'] } : {}) },
});

const adapter = (name, paths) =>
  insideOnly(`adapter-${name}`, `^lib/adapters/${name}/`, ['^lib/(core|ports|operators)/', rxjs, ...paths], true);

const others = `^lib/adapters/(?!(?:${Object.keys(outside).join('|')})/)([^/]+)/`;

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^lib/' }, to: {} },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'lib-stands-alone',
      severity: 'error',
      comment: 'What is shipped needs neither tests nor examples nor development packages.',
      from: { path: '^lib/' },
      to: { path: '^(test|examples)/' },
    },
    { name: 'no-dev-packages', severity: 'error', from: { path: '^lib/' }, to: { dependencyTypes: ['npm-dev'] } },
    {
      name: 'examples-use-the-package',
      severity: 'error',
      comment: 'Examples import what users can import.',
      from: { path: '^examples/' },
      to: { path: '^(lib/(?!(?:index|testing)\\.ts$)|test/)' },
    },
    ...Object.entries(layers).map(([name, paths]) => insideOnly(name, `^lib/${name}/`, paths, onNode.has(name))),
    ...Object.entries(outside).map(([name, paths]) => adapter(name, paths)),
    {
      ...insideOnly('adapter', others, ['^lib/(core|ports|operators)/', rxjs], true),
      to: { pathNot: ['^lib/adapters/$1/', '^lib/(core|ports|operators)/', rxjs], dependencyTypesNot: ['core'] },
    },
    {
      name: 'one-owner',
      severity: 'error',
      comment: 'An outside package belongs to its adapter; wiring belongs to node/.',
      from: { path: '^lib/(node/|[^/]+\\.ts$)' },
      to: {
        path: Object.values(outside)
          .flat()
          .filter((path) => path.startsWith('node_modules/')),
      },
    },
    {
      name: 'wiring-in-node-only',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/node/' },
      to: { path: 'node_modules/(inversify|@inversifyjs|reflect-metadata)/' },
    },
    {
      name: 'index-exports-lib',
      severity: 'error',
      from: { path: '^lib/[^/]+\\.ts$' },
      to: { pathNot: '^lib/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.cache)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
