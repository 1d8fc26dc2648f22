import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { root, run, temporary } from '../run.js';
import { install, must, pack } from './install.js';

const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<'@types/node' | 'zod', string>;
};

vi.setConfig({ testTimeout: 120_000 });

let app: ReturnType<typeof temporary>;
let tarball: string;

beforeAll(async () => {
  app = temporary();
  tarball = await pack();
  await install(app.path, [tarball, `zod@${devDependencies.zod}`, `@types/node@${devDependencies['@types/node']}`]);
}, 180_000);

afterAll(() => {
  app[Symbol.dispose]();
});

const write = (name: string, text: string): void => {
  writeFileSync(join(app.path, name), text);
};

const node = (file: string) => run(process.execPath, [file], { cwd: app.path, env: app.env });

it('holds what is built, the docs and the licence, and nothing else', async () => {
  const files = (await must('tar', ['tzf', tarball], root)).trim().split('\n');
  const folders = new Set(files.map((file) => file.split('/').slice(1, -1)[0] ?? file));
  expect([...folders].sort()).toEqual([
    'dist',
    'docs',
    'package/CHANGELOG.md',
    'package/LICENSE',
    'package/README.md',
    'package/package.json',
  ]);
  expect(files.filter((file) => !/\.(?:js|d\.ts|js\.map|md|json|svg)$|LICENSE$/.test(file))).toEqual([]);
});

it('runs from plain JavaScript', async () => {
  write(
    'plain.js',
    `
    import { call, contract, createNode } from 'skein';

    const Echo = contract('echo', '1.0', { say: call() });
    const node = await createNode('zmq+local://');
    try {
      await node.serve(Echo, { say: (text) => text + '!' });
      console.log(await node.client(Echo).say('hello'));
    } finally {
      await node.close();
    }
    `,
  );
  const { code, stdout, stderr } = await node('plain.js');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'hello!\n', stderr: '' });
});

it('infers types at both ends of a contract, in strict TypeScript that checks declaration files too', async () => {
  write(
    'tsconfig.json',
    JSON.stringify({ compilerOptions: { strict: true, target: 'es2022', module: 'nodenext', types: ['node'] } }),
  );
  write(
    'typed.ts',
    `
    import { cast, call, contract, createNode, typed } from 'skein';
    import { z } from 'zod';

    const Shop = contract('shop', '1.0', {
      price: call({ input: z.object({ item: z.string(), count: z.number().default(2) }), output: z.object({ cents: z.number() }) }),
      greet: call<{ name: string }, string>(),
      order: cast({ input: typed<{ item: string }>() }),
    });

    await using node = await createNode('zmq+local://');
    const handlers: Parameters<typeof node.serve<typeof Shop>>[1] = {
      price: ({ item, count }) => ({ cents: item.length * count.valueOf() }),
      greet: ({ name }) => \`Hello, \${name.toUpperCase()}!\`,
      order: ({ item }) => { console.log('ordered', item.toUpperCase()); },
    };
    await node.serve(Shop, handlers);
    const shop = node.client(Shop);
    const { cents }: { cents: number } = await shop.price({ item: 'tea' });
    const greeting: string = await shop.greet({ name: 'Ada' });
    const { state }: { state: 'accepted' | 'done' } = await shop.order({ item: 'tea' }, { confirm: 'done' });
    console.log(cents, greeting, state);

    const mistakes = [
      // @ts-expect-error the method gives no number
      async (): Promise<number> => await shop.greet({ name: 'Ada' }),
      // @ts-expect-error the input lacks the name
      () => shop.greet({}),
      // @ts-expect-error the input has another type
      () => shop.price({ item: 7 }),
      // @ts-expect-error the contract has no such method
      () => shop.nothing(),
      // @ts-expect-error a fanout has no reply
      () => shop.$fanout.greet,
      // @ts-expect-error a method has no handler
      () => node.serve(Shop, { greet: handlers.greet, order: handlers.order }),
      // @ts-expect-error the handler gives another type
      () => node.serve(Shop, { ...handlers, greet: () => 7 }),
      // @ts-expect-error names that begin with a $ are reserved
      () => contract('bad', '1.0', { $on: call() }),
    ];
    console.log(mistakes.length);
    `,
  );
  await must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', app.path], app.path);
  const { code, stdout, stderr } = await node('typed.js');
  expect(stdout.split('\n')).toEqual(['ordered TEA', '6 Hello, ADA! done', '8', '']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

it('brings a command that checks the machine', async () => {
  const doctor = await run('npx', ['--no-install', 'skein', 'doctor'], { cwd: app.path, env: app.env });
  expect(doctor.stdout).toMatch(/, 0 failed\n$/);
  expect(doctor.code).toBe(0);
  expect(await run('npx', ['--no-install', 'skein', '--version'], { cwd: app.path })).toMatchObject({ stdout: `${version}\n` });
});

it('names the package zeromq where it is missing, and needs it only where it is used', async () => {
  const name = 'zeromq';
  const installed = join(app.path, 'node_modules', name);
  write(
    'missing.js',
    `
    import { createNode } from 'skein';
    await createNode('zmq+memory://here').then((node) => node.close());
    await createNode('zmq+local://?network=zmq').catch((error) => console.log(error.code, error.message));
    await createNode('zmq+local://').then((node) => node.close());
    `,
  );
  renameSync(installed, `${installed}-away`);
  try {
    const { code, stdout, stderr } = await node('missing.js');
    const message = `the package ${name} could not be loaded: install it with "npm install ${name}@`;
    expect(stdout).toContain(`invalid-argument [invalid-argument] ${message}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const doctor = await run('npx', ['--no-install', 'skein', 'doctor'], { cwd: app.path, env: app.env });
    expect(doctor.stdout).toMatch(new RegExp(`^warn {2}${name} +is not installed$`, 'm'));
    expect(doctor.code).toBe(0);
  } finally {
    renameSync(`${installed}-away`, installed);
  }
});
