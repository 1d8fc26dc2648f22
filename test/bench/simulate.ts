import { exhaustMap, merge, timer } from 'rxjs';
import { call, contract, type Node } from 'skein';
import { simulate } from 'skein/testing';
import { heapBytes, wallMs } from './gauges.js';

/** What a simulated cluster costs. */
export interface SimulateRow {
  readonly bench: 'simulate';
  readonly nodes: number;
  /** That each node calls, on a link of its own, once in ten seconds; heartbeats go on all of them. */
  readonly linksEach: number;
  readonly virtualMs: number;
  readonly wallMs: number;
  readonly calls: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly usPerEvent: number;
  readonly heapKiBPerNode: number;
}

const Ring = contract('ring', '1.0', { pass: call<number, number>() });
const linksEach = 8;
const everyMs = 10_000;

export const simulateNodes = async (nodes: number, minutes: number): Promise<SimulateRow> => {
  let calls = 0;
  const before = heapBytes();
  const virtualMs = minutes * 60_000;
  let row: SimulateRow | undefined;
  const links = Math.min(linksEach, nodes - 1);
  const program = (number: number) => async (node: Node) => {
    const served = await node.serve(Ring, { pass: (value) => value + 1 });
    const client = node.client(Ring);
    const called$ = Array.from({ length: links }, (_, i) => {
      const one = client.$on(`node-${String((number + 1 + i * 7) % nodes)}`);
      return timer(i * 100, everyMs).pipe(
        exhaustMap(() => {
          calls += 1;
          return one.pass(1);
        }),
      );
    });
    return [merge(...called$).subscribe(), served];
  };
  await simulate({ seed: 1, limitMs: virtualMs + 60_000, latencyMs: [0.1, 1] }, async ({ node, figures }) => {
    for (let number = 0; number < nodes; number += 1) node(`node-${String(number)}`, program(number));
    const startedAt = wallMs();
    const startedBy = figures().events;
    await new Promise((resolve) => setTimeout(resolve, virtualMs));
    const [took, happened] = [wallMs() - startedAt, figures().events - startedBy];
    row = {
      bench: 'simulate',
      nodes,
      linksEach: links,
      virtualMs,
      wallMs: Math.round(took),
      calls,
      events: happened,
      eventsPerSecond: Math.round((happened / took) * 1_000),
      usPerEvent: Math.round((took * 10_000) / happened) / 10,
      heapKiBPerNode: Math.round((heapBytes() - before) / 1_024 / nodes),
    };
  });
  if (!row) throw new Error('the scenario has not come to its end');
  return row;
};

export const showSimulated = ({ nodes, linksEach: links, virtualMs, ...row }: SimulateRow): void => {
  console.log(`simulate ${String(nodes)} nodes, ${String(links)} links each, ${String(virtualMs / 60_000)} virtual min`);
  console.log(
    `  ${(row.wallMs / 1_000).toFixed(1)} s, ${String(row.events)} events, ${(row.eventsPerSecond / 1_000).toFixed(1)} k/s, ` +
      `${String(row.usPerEvent)} µs each; ${String(row.calls)} calls; ${String(row.heapKiBPerNode)} KiB a node`,
  );
};
