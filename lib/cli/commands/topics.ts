import { encodeTarget } from '../../core/target.js';
import { editionsOf, groupBy, listOf } from '../find.js';
import { type ClusterOptions, listServers, withSession } from '../session.js';
import { formatTable } from '../table.js';
import { writeValue } from '../values.js';
import { nothing } from './nodes.js';

/** `skein topics`: what is served, in which versions, and by whom. */
export const topics = (options: ClusterOptions & { readonly exchange?: string }): Promise<string> =>
  withSession(options, async (session) => {
    const servers = await listServers(session, { timeoutMs: options.timeout });
    const meant = servers.filter(({ exchange }) => options.exchange === undefined || exchange === options.exchange);
    const listed = [...groupBy(meant, ({ exchange, topic }) => encodeTarget({ exchange, topic })).values()]
      .flatMap((ofTopic) =>
        editionsOf(ofTopic).map(({ namespace, version, servers: same }) => {
          const { exchange = '', topic = '' } = same[0] ?? {};
          return { exchange, topic, namespace, version, servers: same.map(({ server }) => server).sort() };
        }),
      )
      .sort((a, b) => compare(a.topic, b.topic) || compare(a.exchange, b.exchange));
    if (options.json === true) return writeValue(listed);
    if (listed.length === 0) return nothing;
    const rows = listed.map(({ exchange, topic, namespace, version, servers: names }) => [
      topic,
      exchange === 'default' ? '' : exchange,
      namespace,
      version === '' ? '(not told)' : version,
      String(names.length),
      listOf(names, 5),
    ]);
    return formatTable(['TOPIC', 'EXCHANGE', 'NAMESPACE', 'VERSION', 'SERVERS', 'THEY ARE'], rows);
  });

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
