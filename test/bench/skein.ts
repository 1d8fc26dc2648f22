import { bytes, call, cast, contract, createNode, stream } from 'skein';
import { itemsEach, measureCalls, type Work } from './calls.js';
import { type Call, callPayload, type Figures, type Job, nodeUrl, type Role, type System } from './messages.js';

const Bench = contract('bench', '1.0', {
  echo: call<typeof callPayload, typeof callPayload>(),
  same: call({ input: bytes(), output: bytes() }),
  take: cast({ input: bytes() }),
  note: cast<typeof callPayload>(),
  items: stream<undefined, typeof callPayload>(),
});

const serve = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role), { name: 'server' });
  const items = Array.from({ length: itemsEach }, () => callPayload);
  await node.serve(Bench, {
    echo: (input) => input,
    same: (input) => input,
    take: () => undefined,
    note: () => undefined,
    items: () => items,
  });
  return { address: '', end: () => node.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role), { name: 'client' });
  const client = node.client(Bench);
  await client.$ping();
  const call: Call = (payload, done, fail) => {
    if (payload instanceof Uint8Array) client.same(payload).subscribe({ next: done, error: fail });
    else client.echo(payload).subscribe({ next: done, error: fail });
  };
  const note: Work = (done, fail) => {
    client.note(callPayload).then(done, fail);
  };
  const items: Work = (done, fail) => {
    let count = 0;
    client.items().subscribe({
      next: () => (count += 1),
      error: fail,
      complete: () => {
        if (count === itemsEach) done();
        else fail(new Error(`${String(count)} items of a stream came`));
      },
    });
  };
  const casts = async (window: number, seconds: number): Promise<Figures> => {
    const payload = new Uint8Array(role.payloadBytes).fill(7);
    const accepted = (): number => node.counters().get('requests.ok') ?? 0;
    const before = accepted();
    const startedAt = performance.now();
    let sent = 0;
    // The receipts are kept by the node itself, which counts those that were accepted: what is under way is what it has not counted.
    while (performance.now() - startedAt < seconds * 1_000) {
      for (let room = window - (sent - (accepted() - before)); room > 0; room -= 1) {
        client.take(payload);
        sent += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (accepted() - before < sent) await new Promise((resolve) => setImmediate(resolve));
    return { opsPerSecond: sent / ((performance.now() - startedAt) / 1_000), p50Us: 0, p99Us: 0 };
  };
  return {
    address: '',
    measure: role.bench === 'cast' ? casts : measureCalls(role, call, { cast: note, stream: items }),
    end: () => node.close(),
  };
};

export const skein: System = { serve, connect };
