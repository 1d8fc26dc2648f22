import type { Registration } from '../../node/described.js';
import { groupBy } from '../find.js';
import { type ClusterOptions, listServers, withSession } from '../session.js';
import { formatTable } from '../table.js';
import { writeValue } from '../values.js';

/** A node as the directory lets one see it: by the servers that it runs. */
interface NodeListing {
  readonly node: string;
  /** Its run; empty where the directory cannot know it. */
  readonly id: string;
  readonly address: string;
  readonly labels: Registration['labels'];
  readonly servers: readonly Pick<Registration, 'exchange' | 'topic' | 'server' | 'namespace' | 'version'>[];
}

/** `skein nodes`: the nodes that serve something, with what they serve. */
export const nodes = (options: ClusterOptions): Promise<string> =>
  withSession(options, async (session) => {
    const listed = nodesIn(await listServers(session, { timeoutMs: options.timeout }));
    if (options.json === true) return writeValue(listed);
    if (listed.length === 0) return nothing;
    const rows = listed.map(({ node, address, labels, servers }) => [
      node === '' ? '(not told)' : node,
      servers.map((server) => serverName(server, node)).join('\n'),
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
      address,
    ]);
    return formatTable(['NODE', 'SERVES', 'LABELS', 'ADDRESS'], rows);
  });

export const nothing = 'No servers are listed. Start a service, or say with --url where to look.';

/** One listing a run of a node, sorted by name. */
const nodesIn = (servers: readonly Registration[]): readonly NodeListing[] =>
  [...groupBy(servers, ({ node, incarnation, address }) => JSON.stringify([node, incarnation || address])).values()]
    .map((own) => {
      const { node = '', incarnation = '', address = '', labels = {} } = own[0] ?? {};
      const sorted = own.map(({ exchange, topic, server, namespace, version }) => ({
        exchange,
        topic,
        server,
        namespace,
        version,
      }));
      sorted.sort((a, b) => (`${a.topic} ${a.server}` < `${b.topic} ${b.server}` ? -1 : 1));
      return { node, id: incarnation, address, labels, servers: sorted };
    })
    .sort((a, b) => (a.node === b.node ? (a.id < b.id ? -1 : 1) : a.node < b.node ? -1 : 1));

const serverName = ({ exchange, topic, server, namespace, version }: NodeListing['servers'][number], node: string): string =>
  [exchange === 'default' ? topic : `${exchange}/${topic}`, namespace, version, server === node ? '' : `as ${server}`]
    .filter((part) => part !== '')
    .join(' ');
