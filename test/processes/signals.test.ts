import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { filter, firstValueFrom } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { createNode, isSkeinError, type Node } from '../../lib/index.js';
import { Held } from './held.js';
import { cleanUp, privateUrl, start } from './spawn.js';

let client: Node | undefined;

afterEach(async () => {
  await client?.close();
  client = undefined;
  await cleanUp();
});

/** One process with servers of these names, each with the settings of its node; and calls that they hold. */
const setUp = async (servers: Readonly<Record<string, string>>) => {
  const url = privateUrl();
  const names = Object.keys(servers);
  const child = await start(
    'signalled.ts',
    names.flatMap((name) => [name, `${url}?${servers[name] ?? ''}`]),
  );
  const node = await createNode(url, { name: 'client', noServerMs: 0 });
  client = node;
  const calls = [];
  for (const name of names) {
    const isHeld = once(child, 'message');
    // With its error as its value, so that none is unhandled while others are waited for.
    calls.push(
      node
        .client(Held)
        .$on(name)
        .hold()
        .then((answer) => answer, codeOf),
    );
    await isHeld;
  }
  return { child, node, calls, exited: once(child, 'exit') };
};

const codeOf = (error: unknown): string => {
  if (isSkeinError(error)) return error.code;
  throw error;
};

/** Waits until the directory lists no more than so many servers. */
const areListed = (node: Node, count: number) => firstValueFrom(node.servers$.pipe(filter(({ length }) => length <= count)));

const endOf = (child: ChildProcess) => ({ code: child.exitCode, signal: child.signalCode });

const handled = 'handleSignals=true';

describe('a process whose node handles signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s, and then ends by it', async (signal) => {
    const { child, node, calls, exited } = await setUp({ one: handled });
    child.kill(signal);
    await areListed(node, 0);
    expect(
      await node
        .client(Held)
        .hold()
        .then(() => 'ok', codeOf),
    ).toBe('no-server');
    expect(endOf(child)).toEqual({ code: null, signal: null });
    child.send('release');
    expect(await Promise.all(calls)).toEqual(['one']);
    await exited;
    expect(endOf(child)).toEqual({ code: null, signal });
  });

  it('ends at once where it is asked twice', async () => {
    const { child, node, calls, exited } = await setUp({ one: handled });
    child.kill('SIGTERM');
    await areListed(node, 0);
    child.kill('SIGTERM');
    await exited;
    expect(endOf(child)).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await Promise.all(calls)).toEqual(['link-lost']);
  });

  it('ends once all of its nodes have drained, each with its own work', async () => {
    const { child, node, calls, exited } = await setUp({ one: handled, two: handled });
    child.kill('SIGTERM');
    await areListed(node, 0);
    expect(endOf(child)).toEqual({ code: null, signal: null });
    child.send('release');
    expect(await Promise.all(calls)).toEqual(['one', 'two']);
    await exited;
    expect(endOf(child)).toEqual({ code: null, signal: 'SIGTERM' });
  });
});

describe('a process whose node is not told to handle signals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends by %s as any process does', async (signal) => {
    const { child, calls, exited } = await setUp({ one: '' });
    child.kill(signal);
    await exited;
    expect(endOf(child)).toEqual({ code: null, signal });
    expect(await Promise.all(calls)).toEqual(['link-lost']);
  });
});
