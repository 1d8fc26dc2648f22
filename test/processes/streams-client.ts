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
const seen = new Counted();
const ahead = { server: 0, client: 0 };
const [own, theirs]: [number[], number[]] = [[], []];

/** What was produced before is compared with what is consumed after: so it is never less ahead than it seems. */
const look = async (): Promise<Looked> => {
  const before = seen.produced;
  const looked = await client.look();
  if (kind !== 'take') ahead.server = Math.max(ahead.server, looked.produced - seen.consumed);
  if (kind !== 'give') ahead.client = Math.max(ahead.client, before - looked.consumed);
  own.push(process.memoryUsage().rss);
  theirs.push(looked.rssBytes);
  return looked;
};

const open = (): Promise<number> => {
  if (kind === 'give') return seen.consume(client.give(), pace);
  if (kind === 'take') return Promise.resolve(client.take(seen.items(), { open: pace }));
  return seen.consume(client.swap(seen.items(), { open: pace }), pace);
};

let isOver = false;
const consumed = open().finally(() => (isOver = true));
while (!isOver) {
  await look();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const last = await client.look();
/** The first second is that of compilers and caches. */
const spread = (bytes: readonly number[]): number => {
  const warm = bytes.slice(20);
  return (Math.max(...warm) - Math.min(...warm)) / 2 ** 20;
};
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
