import { applyPatch, parsePatch } from 'diff';
import { transform } from 'esbuild';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Game } from './hunt.js';
import { built, root } from '../run.js';
import { runHunt } from './run-hunt.js';

const patches = join(import.meta.dirname, 'mutants');
const seedsMax = 1_000;
const faultsMax = 5;

/** A copy of the library with that bug in it, and of what hunts for bugs. */
const mutate = async (name: string): Promise<string> => {
  const folder = join(root, '.cache/mutants', name);
  await rm(folder, { recursive: true, force: true });
  await cp(join(root, 'dist'), join(folder, 'lib'), { recursive: true });
  await cp(built('test/simulation'), join(folder, 'test/simulation'), { recursive: true });
  for (const patch of parsePatch(await readFile(join(patches, `${name}.patch`), 'utf8'))) {
    const path = (patch.newFileName ?? '').replace(/^b\//, '');
    const before = await readFile(join(root, path), 'utf8');
    const after = applyPatch(before, patch);
    if (after === false) throw new Error(`${name}.patch does not fit ${basename(path)} any more`);
    const { code } = await transform(after, { loader: 'ts', target: 'node20' });
    await writeFile(join(folder, path.replace(/\.ts$/, '.js')), code);
  }
  return folder;
};

/** The faults of a failure, as it shows them. */
const faultsIn = (failure: string): readonly string[] => {
  const [, drawn = ''] = /with these faults:\n\n([\s\S]*?)\n\n/.exec(failure) ?? [];
  return drawn.split('\n').filter((line) => line.trim() !== '');
};

/** The rule that each of them breaks. */
const rules: Readonly<Record<string, string>> = {
  'double-ack': 'answers a request twice',
  'drop-a-goodbye': 'something ended link-lost, though nothing was broken',
  'drop-what-waits': 'takes back what was accepted',
  'expired-lease': 'a node knows other servers than there are',
  'forget-a-cancel': 'a handler goes on for nobody',
  'forget-nothing': 'more is remembered than matters',
  'ignore-a-deadline': 'a request is started after the deadline that it sees',
  'leak-credit': 'a send has not ended',
  'leave-open-at-close': 'a send has not ended',
  'look-away': 'a node knows other servers than there are',
  'lose-an-outbox': 'a send has not ended',
  'reuse-an-incarnation': 'two runs have one incarnation',
  'skip-dedupe': 'a request is started twice',
  'starve-a-mailbox': 'something waits though all has ended',
  'stream-drops-its-tail': 'a stream is complete without all of its items',
  'stream-forgets-credit': 'a producer is further ahead than its credit',
  'stream-keeps-its-source': 'an end of a stream stays open',
  'stream-returns-credit-early': 'a producer is further ahead than its credit',
  'turn-calls-round': 'requests are started out of order',
  'watch-for-ever': 'something is kept though all rests',
};

/** Where it shows first; some only where a node that leaves is all that happens, since nothing else excuses what they do. */
const gameOf = (name: string): Game => {
  if (name.startsWith('stream-')) return 'streams';
  return ['drop-a-goodbye', 'drop-what-waits'].includes(name) ? 'calm' : 'wild';
};

describe('a bug in the protocol', () => {
  it('is kept as a patch for each rule', async () => {
    const names = (await readdir(patches)).map((file) => basename(file, '.patch'));
    expect(names.sort()).toEqual(Object.keys(rules));
  });

  it.each(Object.entries(rules))('is caught, with few faults: %s', { timeout: 600_000 }, async (name, rule) => {
    const { failure = '', seeds } = await runHunt(1, seedsMax, gameOf(name), await mutate(name));
    const faults = faultsIn(failure);
    expect(failure, `${name} was not caught by ${String(seeds)} seeds`).toMatch(
      /^seed \d+ fails (?:with these faults:|without any fault;)/m,
    );
    expect(failure.split('\n', 1)[0]).toContain(rule);
    expect(faults.length, failure).toBeLessThanOrEqual(faultsMax);
  });
});
