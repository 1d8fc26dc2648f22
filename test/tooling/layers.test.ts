import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** One import a line, as a house that breaks no rule would have them. */
const allowed = [
  'lib/ports/clock.ts > rxjs',
  'lib/ports/codec.ts > lib/core/a.ts',
  'lib/operators/a.ts > lib/core/a.ts',
  'lib/operators/a.ts > lib/ports/clock.ts',
  'lib/operators/a.ts > rxjs',
  'lib/actors/a.ts > lib/operators/a.ts',
  'lib/actors/a.ts > lib/ports/codec.ts',
  'lib/mesh/a.ts > lib/actors/a.ts',
  'lib/rpc/a.ts > lib/actors/a.ts',
  'lib/rpc/a.ts > node:async_hooks',
  'lib/rpc/a.ts > @standard-schema/spec',
  'lib/adapters/zmq/a.ts > zeromq',
  'lib/adapters/zmq/a.ts > node:fs',
  'lib/adapters/zmq/a.ts > lib/operators/a.ts',
  'lib/adapters/sim/a.ts > lib/adapters/memory/a.ts',
  'lib/adapters/memory/a.ts > lib/ports/codec.ts',
  'lib/node/a.ts > lib/adapters/zmq/a.ts',
  'lib/node/a.ts > lib/mesh/a.ts',
  'lib/node/a.ts > inversify',
  'lib/cli/main.ts > lib/node/a.ts',
  'lib/cli/main.ts > commander',
  'lib/index.ts > lib/node/a.ts',
  'lib/index.ts > lib/rpc/a.ts',
  'examples/a.ts > lib/index.ts',
  'test/a.ts > lib/mesh/a.ts',
];

/** Each with the rule that it breaks. */
const forbidden = [
  ['core', 'lib/core/b.ts > lib/ports/codec.ts'],
  ['core', 'lib/core/b.ts > rxjs'],
  ['core', 'lib/core/b.ts > node:fs'],
  ['ports', 'lib/ports/b.ts > lib/operators/a.ts'],
  ['ports', 'lib/ports/b.ts > node:fs'],
  ['operators', 'lib/operators/b.ts > lib/ports/codec.ts'],
  ['operators', 'lib/operators/b.ts > lib/actors/a.ts'],
  ['actors', 'lib/actors/b.ts > lib/mesh/a.ts'],
  ['mesh', 'lib/mesh/b.ts > lib/rpc/a.ts'],
  ['mesh', 'lib/mesh/b.ts > lib/adapters/zmq/a.ts'],
  ['rpc', 'lib/rpc/b.ts > lib/mesh/a.ts'],
  ['rpc', 'lib/rpc/b.ts > lib/adapters/zmq/a.ts'],
  ['adapter-zmq', 'lib/adapters/zmq/b.ts > yaml'],
  ['adapter-zmq', 'lib/adapters/zmq/b.ts > lib/adapters/memory/a.ts'],
  ['adapter-zmq', 'lib/adapters/zmq/b.ts > lib/actors/a.ts'],
  ['adapter-sim', 'lib/adapters/sim/b.ts > lib/adapters/zmq/a.ts'],
  ['adapter', 'lib/adapters/memory/b.ts > zeromq'],
  ['adapter', 'lib/adapters/memory/b.ts > lib/adapters/sim/a.ts'],
  ['one-owner', 'lib/node/b.ts > zeromq'],
  ['wiring-in-node-only', 'lib/mesh/b.ts > inversify'],
  ['cli', 'lib/cli/b.ts > lib/mesh/a.ts'],
  ['index-exports-lib', 'lib/index.ts > rxjs'],
  ['lib-stands-alone', 'lib/node/b.ts > test/a.ts'],
  ['examples-use-the-package', 'examples/b.ts > lib/rpc/a.ts'],
  ['no-dev-packages', 'lib/node/b.ts > vitest'],
  ['no-cycles', 'lib/core/c.ts > lib/core/d.ts'],
  ['no-orphans', 'lib/core/alone.ts > lib/core/alone.ts'],
  ['resolvable', 'lib/core/b.ts > lib/core/nowhere.ts'],
] as const;

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

const outside = ['rxjs', '@standard-schema/spec', 'zeromq', 'yaml', 'inversify', 'commander'];

const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

/** Builds a house with these imports in an empty folder. */
const build = (house: string, edges: readonly string[]): void => {
  const files = new Map<string, string[]>();
  for (const [from, to] of edges.map((edge) => edge.split(' > '))) {
    if (from === undefined || to === undefined) continue;
    const lines = files.get(from) ?? [];
    files.set(from, lines);
    const name = to.endsWith('.ts') ? `./${relative(dirname(from), to).replace(/\.ts$/, '.js')}` : to;
    if (from !== to) lines.push(`import '${name}';`);
    if (to.endsWith('.ts') && !to.includes('nowhere') && !files.has(to)) files.set(to, []);
  }
  for (const [path, lines] of files) put(join(house, path), `${lines.join('\n')}\nexport {};\n`);
  const dependencies = Object.fromEntries(outside.map((name) => [name, '1.0.0']));
  put(join(house, 'package.json'), JSON.stringify({ type: 'module', dependencies, devDependencies: { vitest: '1.0.0' } }));
  put(join(house, 'tsconfig.json'), JSON.stringify({ compilerOptions: { module: 'nodenext' } }));
  for (const name of [...outside, 'vitest']) {
    put(join(house, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    put(join(house, 'node_modules', name, 'index.js'), '');
  }
};

const house = mkdtempSync(join(tmpdir(), 'skein-'));
let found: string[] = [];

beforeAll(() => {
  build(house, [...allowed, ...forbidden.map(([, edge]) => edge), 'lib/core/d.ts > lib/core/c.ts']);
  const command = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [command, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'lib', 'test', 'examples'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: house, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (!stdout.startsWith('{')) throw new Error(stderr);
  const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
  found = summary.violations.map(({ rule, from, to }) => {
    const target = to.replace(/^node_modules\/(.+)\/index\.js$/, '$1').replace(/^\.\/nowhere\.js$/, 'lib/core/nowhere.ts');
    return `${rule.name}: ${from} > ${target}`;
  });
});

afterAll(() => {
  rmSync(house, { recursive: true });
});

it.each(forbidden)('%s forbids %s', (rule, edge) => {
  expect(found).toContain(`${rule}: ${edge.replace('node:fs', 'fs')}`);
});

it.each(allowed)('%s is allowed', (edge) => {
  expect(found.filter((violation) => violation.endsWith(`: ${edge}`))).toEqual([]);
});
