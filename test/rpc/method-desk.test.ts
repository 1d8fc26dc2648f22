import { finalize, NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call, contract } from '../../lib/index.js';
import { SimCluster } from '../../lib/testing/cluster/sim-cluster.js';

const Work = contract('work', '1.0', { work: call<string, string>({ concurrency: 1 }) });

describe('a handler that fails as it is stopped', () => {
  it('is logged, and keeps neither its server nor any deadline from going on', async () => {
    const world = new SimCluster({ seed: 3 });
    const lines: string[] = [];
    const note = (...line: unknown[]): void => void lines.push(line.map(String).join(' '));
    const logger = { debug: note, info: note, warn: note, error: note };
    const server = await world.start('server', { logger });
    await world.settle(
      server.serve(Work, {
        work: (how) =>
          how === 'stuck'
            ? NEVER.pipe(
                finalize(() => {
                  throw new Error('no way out');
                }),
              )
            : 'done',
      }),
    );
    const client = (await world.start('client')).client(Work);
    for (const timeoutMs of [50, 80]) {
      const error: unknown = await world.settle(
        client.work('stuck', { timeoutMs }).then(
          () => 'answered',
          (thrown: unknown) => thrown,
        ),
      );
      expect(error).toMatchObject({ code: 'deadline-exceeded' });
    }
    expect(await world.settle(client.work('quick'))).toBe('done');
    expect(lines.filter((line) => line.includes('the handler of work failed as it was stopped'))).toHaveLength(2);
    expect(await world.closeAll()).toEqual([]);
  });
});
