import { createNode } from '../../lib/index.js';
import { Counted, type Looked, type Pace, Streams } from './streams-contract.js';

/** What one stream came to, as its client saw it and as its server said. */
export interface Report {
  /** How far each producer was ahead of its consumer at the most, where there was one. */
  readonly serverAhead: number;
  readonly clientAhead: number;
  /** Between the least and the most memory of each process, once it was warm. */
  readonly clientMiB: number;
  readonly serverMiB: number;
  readonly consumed: number;
  /** Whether the server's, and the client's, producer had ended one round trip after the stream. */
  readonly hasEnded: boolean;
}

/** A process that opens one stream of that kind, and looks on. */
const [url = '', kind = 'give', slowMs = '0', total = '0'] = process.argv.slice(2);
const node = await createNode(url, { name: 'client' });
const client = node.client(Streams, { timeoutMs: 600_000 });
const pace: Pace = { slowMs: Number(slowMs), total: Number(total) };
let seen = new Counted();
const ahead = { server: 0, client: 0 };
const [own, theirs]: [number[], number[]] = [[], []];

/** What was produced before is compared with what is consumed after: so it is never less ahead than it seems. */
const look = async (): Promise<Looked> => {
  const before = seen.produced;
  const looked = await client.look();
  if (kind !== 'take') ahead.server = Math.max(ahead.server, looked.produced - base.produced - seen.consumed);
  if (kind !== 'give') ahead.client = Math.max(ahead.client, before - (looked.consumed - base.consumed));
  own.push(process.memoryUsage().rss);
  theirs.push(looked.rssBytes);
  return looked;
};

const open = (pace: Pace): Promise<number> => {
  if (kind === 'give') return seen.consume(client.give(), pace);
  if (kind === 'take') return Promise.resolve(client.take(seen.items(), { open: pace }));
  return seen.consume(client.swap(seen.items(), { open: pace }), pace);
};

// Compilers, of which each takes memory of its own, and caches come to rest by another stream.
await open({ slowMs: 0, total: pace.total / 40 });
seen = new Counted();
let base = await client.look();
for (let next = await client.look(); next.consumed > base.consumed; next = await client.look()) base = next;
let isOver = false;
const consumed = open(pace).finally(() => (isOver = true));
while (!isOver) {
  await look();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const last = await client.look();
const spread = (bytes: readonly number[]): number => (Math.max(...bytes) - Math.min(...bytes)) / 2 ** 20;
const report: Report = {
  serverAhead: ahead.server,
  clientAhead: ahead.client,
  clientMiB: spread(own),
  serverMiB: spread(theirs),
  consumed: await consumed,
  hasEnded: !last.isProducing && !seen.isProducing,
};
process.send?.(report);
await node.close();
process.disconnect();
