import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalMatchmaker } from '../../lib/adapters/local/local-matchmaker.js';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { ConsoleLogger } from '../../lib/adapters/system/console-logger.js';
import { makePrivate } from '../../lib/adapters/system/private-directory.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import type { Registration } from '../../lib/ports/matchmaker.js';
import { aRegistration, Heard, namesOf } from '../contracts/matchmaker.js';
import { Writer } from '../processes/start-local-writer.js';

const rounds = 50;
const leaseMs = 1_500;
const seed = 7;

describe('the local directory, while its users are killed', () => {
  const clock = new SystemClock();
  const anchors = Array.from({ length: 8 }, (_, index) =>
    aRegistration({ server: `anchor-${String(index)}`, leaseMs, labels: { ballast: 'x'.repeat(1_000) } }),
  );
  const random = new SeededRandom(seed);
  const upTo = (max: number): number => Math.floor(random.next() * max);
  let all: Subscription;
  let directory: string;
  let writers: Writer[];
  let started = 0;

  /** Starts one that lists six servers of its own on and off, as fast as it can. */
  const start = (): Writer => {
    started += 1;
    const incarnation = `writer-${String(started)}`;
    const registrations = Array.from({ length: 6 }, (_, index) =>
      aRegistration({ server: `${incarnation}.${String(index)}`, incarnation, leaseMs }),
    );
    return new Writer({ directory, registrations, churnSeed: started });
  };

  const isFrom = ({ task }: Writer, set: readonly Registration[]): boolean =>
    set.some(({ incarnation }) => incarnation === task.registrations[0]?.incarnation);

  const anchorsIn = (set: readonly Registration[] | undefined): readonly Registration[] =>
    (set ?? []).filter(({ server }) => server.startsWith('anchor'));

  beforeEach(async () => {
    all = new Subscription();
    directory = await mkdtemp(join(tmpdir(), 'skein-kill-'));
    writers = [];
  });

  afterEach(async () => {
    all.unsubscribe();
    await Promise.all(writers.map((writer) => writer.signal('SIGKILL')));
    await rm(directory, { recursive: true });
  });

  it(
    `stays whole over ${String(rounds)} deaths, and lists no one who has been dead for a lease`,
    { timeout: 120_000 },
    async () => {
      const node = LocalMatchmaker.open({ directory, leaseMs }, { clock, logger: new ConsoleLogger(), makePrivate });
      const held = anchors.map((anchor) => new Heard(node.register(anchor), all));
      await Promise.all(held.map((anchor) => anchor.until()));
      const watch = new Heard(node.watch(aRegistration()), all);

      for (let round = 0; round < rounds; round += 1) {
        while (writers.length < 4) writers.push(start());
        // A survivor of some rounds, or the youngest, which may not even have opened the database yet.
        const [victim] = writers.splice(upTo(writers.length), 1) as [Writer];
        const [witness] = writers as [Writer];
        const teller = victim.found ? victim : witness;
        const moment = teller.listings + upTo(40);
        await teller.until(() => teller.listings >= moment);
        await victim.signal('SIGKILL');
        const diedMs = clock.now();
        await watch.until((set) => !isFrom(victim, set));
        expect(clock.now() - diedMs).toBeLessThan(leaseMs);
        for (const writer of writers.filter(({ found }) => found)) {
          const before = writer.listings;
          await writer.until(() => writer.listings > before + 2);
        }
        for (const { found } of writers) if (found) expect(anchorsIn(found)).toEqual(anchors);
        expect(anchorsIn(watch.values.at(-1))).toEqual(anchors);
      }

      expect(await Promise.all(writers.map((writer) => writer.stop()))).toEqual(writers.map(() => 0));
      const last = start();
      await last.until(() => last.found !== undefined);
      expect(last.found).toEqual(anchors);
      expect(await last.stop()).toBe(0);
      expect(held.map(({ values }) => values)).toEqual(anchors.map(() => ['registered']));
      expect(namesOf(await watch.until((set) => set.length === anchors.length))).toEqual(namesOf(anchors));
    },
  );
});
