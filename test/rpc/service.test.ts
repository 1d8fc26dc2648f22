import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/adapters/sim/virtual-clock.js';
import { SkeinError } from '../../lib/core/errors.js';
import { limits } from '../../lib/core/limits.js';
import { call, contract } from '../../lib/index.js';
import { Service } from '../../lib/rpc/service.js';
import { rpcPorts, TestIncoming } from './rpc-world.js';

const Hold = contract('hold', '1', { hold: call() });
const name = { exchange: 'default', topic: 'hold', server: 'a', namespace: '', version: '1', method: 'hold' };

const setUp = () => {
  const ports = rpcPorts(new VirtualClock({ epochMs: 0 }));
  const bounds = { hold: { concurrency: 1, queue: 3 } };
  const service = new Service(Hold, { hold: () => NEVER }, { exchange: 'default', server: 'a', labels: {} }, bounds, ports);
  const desk = service.find(name);
  if (desk instanceof SkeinError) throw desk;
  let ids = 0;
  const admit = (): TestIncoming => {
    const request = new TestIncoming((ids += 1));
    desk.admit(request);
    return request;
  };
  return { service, admit };
};

describe('the mailbox of a service', () => {
  it('gives the places of cancelled requests to others, and keeps nothing of them', () => {
    const { service, admit } = setUp();
    admit();
    const waiting = [admit(), admit(), admit()];
    expect(admit().told).toContain('overloaded');
    for (const request of waiting.slice(1)) request.cancel(new SkeinError('cancelled', { reason: 'unwanted' }));
    expect(waiting.map(({ payload }) => payload)).toEqual(['payload 2', undefined, undefined]);
    expect([admit(), admit()].map(({ told }) => told)).toEqual([[], []]);
    expect(service.mailbox).toMatchObject({ size: 3, max: 3 + 3 * limits.builtIn.queue });
    expect(admit().told).toContain('overloaded');
  });
});
