import { checkTarget } from '../core/target.js';
import { isVersion, parseVersion } from '../core/version.js';
import {
  type Described,
  type Description,
  describeServer,
  isStreaming,
  type Registration,
  type Verb,
} from '../node/described.js';
import { asCommandError, CommandError, exitCodes } from './exit.js';
import { type ClusterOptions, listServers, type Session, withSession } from './session.js';

/** Which servers a command means. */
export interface TopicOptions extends ClusterOptions {
  /** Default `default`. */
  readonly exchange?: string;
  /** That server only. */
  readonly on?: string;
}

/** Runs the work with a node of its own, as {@link withSession}; what fails is told of as a matter of that topic. */
export const withTopic = async <T>(topic: string, options: TopicOptions, work: (session: Session) => Promise<T>): Promise<T> => {
  checkNames(topic, options);
  try {
    return await withSession(options, work);
  } catch (error) {
    throw asCommandError(error, topic);
  }
};

/** Names that nothing can have are mistakes. */
const checkNames = (topic: string, { exchange = 'default', on }: TopicOptions): void => {
  try {
    checkTarget({ exchange, topic, server: on });
  } catch (error) {
    const { code, message, advice } = asCommandError(error);
    throw new CommandError({ exitCode: exitCodes.usage, code, message, advice }, { cause: error });
  }
};

/** What of a topic is served under one namespace and version, and by whom. */
export interface Edition {
  readonly namespace: string;
  readonly version: string;
  readonly servers: readonly Registration[];
}

/** The topic's servers, at least one; throws what tells that there is none, and what there is instead. */
export const findServers = async (session: Session, topic: string, options: TopicOptions): Promise<readonly Registration[]> => {
  const { exchange = 'default', on } = options;
  const all = await listServers(session, { timeoutMs: options.timeout });
  const ofTopic = all.filter((server) => server.topic === topic);
  const here = ofTopic.filter((server) => server.exchange === exchange);
  if (here.length === 0) {
    throw new CommandError({ exitCode: exitCodes.absent, code: 'no-server', ...noTopic(topic, exchange, ofTopic, all) });
  }
  const meant = on === undefined ? here : here.filter(({ server }) => server === on);
  if (meant.length > 0) return meant;
  throw new CommandError({
    exitCode: exitCodes.absent,
    code: 'no-server',
    message: `${topic} has no server ${String(on)}`,
    advice: `It has ${listOf(here.map(({ server }) => server))}.`,
  });
};

const noTopic = (topic: string, exchange: string, ofTopic: readonly Registration[], all: readonly Registration[]) => {
  const elsewhere = ofTopic[0]?.exchange;
  const where = exchange === 'default' ? '' : ` in exchange ${exchange}`;
  const message = `no server answers ${topic}${where}`;
  if (elsewhere !== undefined) return { message, advice: `It is served in exchange ${elsewhere}: say --exchange ${elsewhere}.` };
  if (all.length === 0) {
    return { message, advice: 'Nothing is served there at all: start a service, or say with --url where to look.' };
  }
  return { message, advice: `Topics that are served: ${listOf(all.map((server) => server.topic))}.` };
};

/** Names, each once, and not too many of them. */
export const listOf = (names: readonly string[], max = 8): string => {
  const all = [...new Set(names)].sort();
  const shown = all.slice(0, max).join(', ');
  return all.length > max ? `${shown} and ${String(all.length - max)} more` : shown;
};

/** By namespace and version, the newest first. */
export const editionsOf = (servers: readonly Registration[]): readonly Edition[] => {
  const byEdition = groupBy(servers, ({ namespace, version }) => JSON.stringify([namespace, version]));
  return [...byEdition.values()]
    .map((same) => ({ namespace: same[0]?.namespace ?? '', version: same[0]?.version ?? '', servers: same }))
    .sort((a, b) => (a.namespace === b.namespace ? compareVersions(b.version, a.version) : a.namespace < b.namespace ? -1 : 1));
};

/** In the order in which the first of each group came. */
export const groupBy = <T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(keyOf(value));
    if (group === undefined) groups.set(keyOf(value), [value]);
    else group.push(value);
  }
  return groups;
};

const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
};

/** A version that the directory does not know is the oldest. */
const numbersOf = (version: string) => (isVersion(version) ? parseVersion(version) : ([-1, 0, 0] as const));

/** What the first of the edition's servers that answers says of itself; throws why the last one did not. */
export const describeEdition = async (
  { node }: Session,
  { servers }: Edition,
  { timeout }: ClusterOptions,
): Promise<Description> => {
  let failure: unknown;
  for (const server of servers.slice(0, attemptsMax)) {
    try {
      return await describeServer(node, server, { timeoutMs: timeout });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
};

/** Servers of one edition that are asked in turn, while they do not answer. */
const attemptsMax = 3;

/** The method as one that is sent so; throws what tells how it is sent instead, or which methods there are. */
export const findMethod = async (
  verbs: readonly Verb[],
  { topic, method }: { readonly topic: string; readonly method: string },
  session: Session,
  options: TopicOptions,
): Promise<Described & { readonly verb: Verb }> => {
  const description = await findEditionWith(session, topic, method, options);
  const verb = description.methods[method]?.verb;
  if (verb === undefined || !verbs.includes(verb)) {
    throw new CommandError({
      exitCode: exitCodes.usage,
      message: `${topic}.${method} is a ${String(verb)}, not a ${verbs.join(' or ')}`,
      advice: `Say: skein ${commandOf(verb ?? 'call')} ${topic} ${method} …`,
    });
  }
  return { exchange: options.exchange ?? 'default', description, method, server: options.on, verb };
};

/** The command that sends to methods of that kind. */
export const commandOf = (verb: Verb): string => (isStreaming({ verb }) ? 'stream' : verb);

/** The newest edition of the topic that has the method; throws what tells which methods there are. */
const findEditionWith = async (session: Session, topic: string, method: string, options: TopicOptions): Promise<Description> => {
  const known = new Set<string>();
  for (const edition of editionsOf(await findServers(session, topic, options))) {
    const description = await describeEdition(session, edition, options);
    if (Object.hasOwn(description.methods, method)) return description;
    for (const name of Object.keys(description.methods)) known.add(name);
  }
  throw new CommandError({
    exitCode: exitCodes.absent,
    code: 'no-such-method',
    message: `${topic} has no method ${method}`,
    advice: `It has ${listOf([...known]) || 'none'}; "skein describe ${topic}" shows what they take.`,
  });
};
