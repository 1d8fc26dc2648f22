import { bytes, call, cast, contract, createNode, type Node } from 'skein';
import { callPayload, type Figures, type Job, type Role, type System } from './messages.js';
import { Pace } from './pace.js';

const Bench = contract('bench', '1.0', {
  echo: call<typeof callPayload, typeof callPayload>(),
  take: cast({ input: bytes() }),
});

const start = (role: Role, name: string): Promise<Node> =>
  createNode(`zmq+local://${role.folder}`, { name, ...(role.network === 'tcp' && { bind: 'tcp://127.0.0.1:*' }) });

const serve = async (role: Role): Promise<Job> => {
  const node = await start(role, 'server');
  await node.serve(Bench, { echo: (input) => input, take: () => undefined });
  return { address: '', end: () => node.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const node = await start(role, 'client');
  const client = node.client(Bench);
  await client.$ping();
  const calls = (window: number, seconds: number): Promise<Figures> =>
    new Promise((resolve, reject) => {
      const pace = new Pace(seconds);
      let underWay = 0;
      const next = (): void => {
        if (pace.isOver) {
          if (underWay === 0) resolve(pace.figures());
          return;
        }
        underWay += 1;
        const id = pace.start();
        client.echo(callPayload).subscribe({
          next: (reply) => {
            if (reply.a !== callPayload.a || reply.b !== callPayload.b) reject(new Error('a wrong reply'));
          },
          error: reject,
          complete: () => {
            underWay -= 1;
            pace.finish(id);
            next();
          },
        });
      };
      for (let i = 0; i < window; i += 1) next();
    });
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
  return { address: '', measure: role.bench === 'call' ? calls : casts, end: () => node.close() };
};

export const skein: System = { serve, connect };
