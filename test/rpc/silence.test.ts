import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { call, contract, isSkeinError, type Node, settle, stream } from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';

const Work = contract('work', '1', { work: call<number, string>(), flow: stream<number, string>() });

const serve = (node: Node) =>
  node.serve(Work, {
    work: (ms, { signal }) => sleep(ms, 'done', { signal }),
    async *flow(ms, { signal }) {
      yield 'first';
      yield await sleep(ms, 'last', { signal });
    },
  });

const silenceMs = 1_000;

describe('a request that is watched', () => {
  it('goes on for ten times its limit, where each proof may come late', () =>
    simulate({ seed: 1, latencyMs: [0, 80] }, async ({ node }) => {
      const api = node('api').client(Work, { silenceMs });
      node('a', serve);
      expect(await api.work(10 * silenceMs)).toBe('done');
      const seen: string[] = [];
      for await (const item of api.flow(10 * silenceMs)) seen.push(item);
      expect(seen).toEqual(['first', 'last']);
    }));

  it('never fails by a server that stands still for less than the limit', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api').client(Work, { silenceMs });
      node('a', serve).faults('1s p 999ms r 1s p 999ms r 777ms p 999ms r');
      expect(await api.work(10 * silenceMs)).toBe('done');
    }));

  it('never fails by its own process standing still', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      let outcome: unknown;
      node('a', serve);
      node('api', async (own) => {
        outcome = await settle(own.client(Work, { silenceMs }).work(10 * silenceMs));
      }).faults('1s p 2500ms r');
      await sleep(60_000);
      expect(outcome).toEqual({ ok: true, value: 'done' });
    }));

  it.each([0, 1, 100, 249, 250, 251, 499])(
    'fails at most one and a half times its limit after its server stops, %i ms on',
    (ms) =>
      simulate({ seed: 1 }, async ({ node, clock }) => {
        const api = node('api').client(Work, { silenceMs });
        const a = node('a', serve);
        await api.$ping();
        const [working, flowing] = [
          settle(api.work(60_000)),
          api
            .flow(60_000)
            .forEach(() => undefined)
            .catch((error: unknown) => error),
        ];
        const ended = Promise.all([working.then((outcome) => outcome), flowing]);
        await sleep(1_000 + ms);
        const stoppedAt = clock.now();
        a.pause();
        const [outcome, error] = await ended;
        const tookMs = clock.now() - stoppedAt;
        expect(outcome).toMatchObject({ ok: false, error: { code: 'peer-silent', details: { silenceMs }, ran: 'unknown' } });
        expect(isSkeinError(error, 'peer-silent')).toBe(true);
        expect(tookMs).toBeGreaterThan(silenceMs);
        expect(tookMs).toBeLessThanOrEqual(1.5 * silenceMs);
        a.resume();
      }),
  );

  it('waits for as long as it may while it is not sent', () =>
    simulate({ seed: 1 }, async ({ node }) => {
      const api = node('api', undefined, { noServerMs: 30_000 }).client(Work, { silenceMs });
      node('a', serve).faults('k 5s s');
      expect(await api.work(3 * silenceMs)).toBe('done');
    }));
});
