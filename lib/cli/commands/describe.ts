import type { Description, MethodDescription, Registration } from '../../node/described.js';
import { colours } from '../colours.js';
import { commandOf, describeEdition, editionsOf, findServers, type TopicOptions, withTopic } from '../find.js';
import { exampleOf, shortSchema } from '../schema.js';
import { formatTable } from '../table.js';
import { writeValue } from '../values.js';

/** `skein describe TOPIC`: its servers, and the methods of each of its versions with a line that calls them. */
export const describe = (topic: string, options: TopicOptions): Promise<string> =>
  withTopic(topic, options, async (session) => {
    const servers = await findServers(session, topic, options);
    const editions: (Description & { readonly examples: Readonly<Record<string, string>> })[] = [];
    for (const edition of editionsOf(servers)) {
      const description = await describeEdition(session, edition, options);
      const examples = Object.entries(description.methods).map(([name, method]) => [
        name,
        commandFor(topic, name, method, options),
      ]);
      editions.push({ ...description, examples: Object.fromEntries(examples) as Record<string, string> });
    }
    if (options.json === true) return asJson(topic, servers, editions);
    const parts = [serverTable(servers)];
    for (const { version, namespace, methods, examples } of editions) {
      parts.push(`${colours.bold(topic)} ${[namespace, version].filter((part) => part !== '').join(' ')}`);
      parts.push(...Object.entries(methods).map(([name, method]) => methodText(name, method, examples[name] ?? '')));
      if (Object.keys(methods).length === 0) parts.push('  It has no methods.');
    }
    return parts.join('\n\n');
  });

const serverTable = (servers: readonly Registration[]): string =>
  formatTable(
    ['SERVER', 'NODE', 'NAMESPACE', 'VERSION', 'ADDRESS'],
    [...servers]
      .sort((a, b) => (a.server < b.server ? -1 : 1))
      .map(({ server, node, namespace, version, address }) => [server, node, namespace, version, address]),
  );

const methodText = (name: string, { verb, input, output, open }: MethodDescription, example: string): string => {
  const [hasOpen, itemsOut] = [verb === 'sink' || verb === 'channel', verb === 'stream' || verb === 'channel'];
  return [
    `  ${colours.bold(name)}  ${colours.dim(verb)}`,
    ...(hasOpen ? [`    opens  ${typeText(open)}`] : []),
    `    takes  ${hasOpen ? 'items of ' : ''}${typeText(input)}`,
    ...(verb === 'cast' ? [] : [`    gives  ${itemsOut ? 'items of ' : ''}${typeText(output)}`]),
    `    ${colours.cyan(example)}`,
  ].join('\n');
};

const typeText = (schema: unknown): string =>
  schema === undefined ? colours.dim('nothing, or what the contract has no schema for') : shortSchema(schema);

/** A line for the shell that sends the method something that its schema takes. */
const commandFor = (topic: string, name: string, method: MethodDescription, { url, exchange }: TopicOptions): string => {
  const { verb, input, open } = method;
  const [argument, item] = verb === 'sink' || verb === 'channel' ? [open, input] : [input, undefined];
  const words = ['skein', commandOf(verb), topic, name, ...(argument === undefined ? [] : [written(argument)])];
  if (exchange !== undefined && exchange !== 'default') words.push('--exchange', exchange);
  if (url !== undefined) words.push('--url', url);
  const line = words.map(quote).join(' ');
  return item === undefined ? line : `echo ${quote(written(item))} | ${line}`;
};

const written = (schema: unknown): string => writeValue(exampleOf(schema), true);

/** As POSIX shells read it. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

const asJson = (
  topic: string,
  servers: readonly Registration[],
  editions: readonly (Description & { readonly examples: Readonly<Record<string, string>> })[],
): string =>
  writeValue({
    topic,
    exchange: servers[0]?.exchange,
    servers: servers.map(({ server, node, namespace, version, address, labels }) => ({
      server,
      node,
      namespace,
      version,
      address,
      labels,
    })),
    editions: editions.map(({ namespace, version, methods, examples }) => ({
      namespace,
      version,
      methods: Object.fromEntries(
        Object.entries(methods).map(([name, { verb, input, output, open }]) => [
          name,
          { verb, open, input, output, example: examples[name] },
        ]),
      ),
    })),
  });
