import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { interval, map, mergeMap, type Observable, take, tap } from 'rxjs';
import { call, cast, contract, type Listening, Network, type Node, settle, type Wire } from '../../lib/index.js';
import { simulate } from '../../lib/testing.js';

const Orders = contract('orders', '1.0', { place: call<string, string>({ idempotent: true }), note: cast<string>() });

/** All that happens in a cluster whose servers are killed, paused and cut off: every message with its bytes and its time, every outcome. */
export const eventLog = async (seed: number): Promise<readonly string[]> => {
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(`${String(Date.now())} ${line}`);
  const spy = (name: string) => (network: Network) => new Watched(network, (line) => log(`${name} ${line}`));
  await simulate({ seed, latencyMs: [0.1, 30] }, ({ node, link, expectObservable }) => {
    const serve = (self: Node) =>
      self.serve(Orders, { place: async (order) => `${order} by ${self.name} at ${String(Date.now())}`, note: () => undefined });
    const api = node('api', undefined, { spy: spy('api') }).client(Orders, { retries: 5, timeoutMs: 20_000 });
    node('a', serve, { spy: spy('a'), skewMs: 77 }).faults('5s k 5s s 10s p 3s r');
    node('b', serve, { spy: spy('b') }).faults('20s q 5s s');
    node('c', serve, { spy: spy('c'), drift: 0.001 });
    link('api<>c', '2s l20% 10s l0% 2s b');
    const placed$ = interval(250).pipe(
      take(120),
      tap((number) => void api.note(String(number), { confirm: 'done' }).then(undefined, (error: unknown) => log(String(error)))),
      mergeMap((number) => settle(api.place(String(number)))),
      tap((outcome) => log(outcome.ok ? outcome.value : String(outcome.error))),
    );
    expectObservable(placed$.pipe(mergeMap(() => []))).toBe('within 60s |');
  });
  return lines;
};

/** A network all of whose messages are noted, as they are sent and as they are heard. */
class Watched extends Network {
  readonly #inner: Network;
  readonly #log: (line: string) => void;

  constructor(inner: Network, log: (line: string) => void) {
    super();
    this.#inner = inner;
    this.#log = log;
  }

  override dial(address: string): Observable<Wire> {
    return this.#inner.dial(address).pipe(map((wire) => this.#watch(wire)));
  }

  override listen(address: string): Observable<Listening | Wire> {
    return this.#inner.listen(address).pipe(map((told) => ('listening' in told ? told : this.#watch(told))));
  }

  #watch(wire: Wire): Wire {
    return {
      address: wire.address,
      message$: wire.message$.pipe(tap((frames) => this.#log(`hears ${hex(frames)}`))),
      send: (frames) => {
        this.#log(`says ${hex(frames)}`);
        return wire.send(frames);
      },
    };
  }
}

const hex = (frames: readonly Uint8Array[]): string => frames.map((frame) => Buffer.from(frame).toString('hex')).join('.');

export const digest = (lines: readonly string[]): string => createHash('sha256').update(lines.join('\n')).digest('hex');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(digest(await eventLog(Number(process.argv[2]))));
