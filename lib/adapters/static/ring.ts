import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { parseDocument } from 'yaml';
import type { Context } from '../../core/context.js';
import { invalidArgument, isSkeinError, type SkeinError } from '../../core/errors.js';
import { checkTarget, encodeTarget } from '../../core/target.js';
import { parseVersion } from '../../core/version.js';
import type { Registration } from '../../ports/matchmaker.js';

/** One server of a ring file, which is YAML or JSON with one key: `servers`, the list of all servers. Other keys are refused. */
export interface RingEntry {
  readonly topic: string;
  readonly server: string;
  /** Where the server listens, which is also where whoever serves it binds: `tcp://10.0.0.7:4000`. */
  readonly address: string;
  /** `default` by default. */
  readonly exchange?: string;
  /**
   * The version of its contract: major, major.minor or major.minor.patch. Without it the version is unknown, and told as an empty
   * string: every request is sent there, and the server itself refuses what it cannot answer.
   */
  readonly version?: string;
  /** None by default. */
  readonly namespace?: string;
  readonly labels?: Context;
}

const known: ReadonlySet<string> = new Set<keyof RingEntry>([
  'topic',
  'server',
  'address',
  'exchange',
  'version',
  'namespace',
  'labels',
]);

/** Reads a ring file once. Throws one `invalid-argument` with every problem. */
const readRing = (file: string): readonly Registration[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseRing(text, file);
};

/**
 * Where a ring file lists the servers of that name, for their node to bind; undefined where it lists none. Reads the file once.
 * Throws `invalid-argument` where the file is not valid, or lists them at several addresses, of which a node can bind but one.
 */
export const addressIn = (file: string, server: string): string | undefined => {
  const own = readRing(file).filter((entry) => entry.server === server);
  const [address, ...more] = new Set(own.map((entry) => entry.address));
  if (more.length === 0) return address;
  const all = [address, ...more].join(' and ');
  throw invalidArgument(`${file} lists "${server}" at ${all}: give it one address, or say with bind which one is meant`);
};

export const unreadable = (file: string, error: unknown): SkeinError =>
  invalidArgument(`the ring file ${file} cannot be read: ${messageOf(error)}`);

/** The entries of a ring file's text. Throws one `invalid-argument` with every problem. */
export const parseRing = (text: string, file: string): readonly Registration[] => {
  const problems: string[] = [];
  const ring = checkRing(parse(text, file, problems), problems);
  if (problems.length > 0) throw invalidArgument(...problems.map((problem) => `${file}: ${problem}`));
  return ring;
};

const parse = (text: string, file: string, problems: string[]): unknown => {
  switch (extname(file)) {
    case '.json':
      try {
        return JSON.parse(text);
      } catch (error) {
        problems.push(messageOf(error));
        return undefined;
      }
    case '.yaml':
    case '.yml': {
      const document = parseDocument(text);
      problems.push(...document.errors.map(({ message }) => message.trim()));
      return document.errors.length > 0 ? undefined : document.toJS();
    }
    default:
      problems.push('a ring file ends in .yaml, .yml or .json');
      return undefined;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const checkRing = (ring: unknown, problems: string[]): Registration[] => {
  if (problems.length > 0) return [];
  if (!isRecord(ring) || !Array.isArray(ring.servers)) {
    problems.push('must have a list named "servers"');
    return [];
  }
  for (const key of Object.keys(ring)) if (key !== 'servers') problems.push(`"${key}" is not known; the only key is "servers"`);
  const registrations = ring.servers.map((entry: unknown, index) =>
    checkEntry(entry, (problem) => problems.push(`servers[${String(index)}]${problem}`)),
  );
  if (problems.length > 0) return [];
  const places = new Map<string, number>();
  registrations.forEach((registration, index) => {
    const first = places.get(encodeTarget(registration));
    if (first === undefined) places.set(encodeTarget(registration), index);
    else problems.push(`servers[${String(index)}] has the exchange, topic and server of servers[${String(first)}]`);
  });
  return registrations;
};

const checkEntry = (entry: unknown, tell: (problem: string) => void): Registration => {
  const fields = isRecord(entry) ? entry : {};
  if (!isRecord(entry)) tell(' must have topic, server and address');
  for (const key of Object.keys(fields)) if (!known.has(key)) tell(`.${key} is not known; known are ${[...known].join(', ')}`);
  /** What was told of once is not checked further; the entry is not used then. */
  const text = (key: keyof RingEntry, fallback?: string): string | undefined => {
    const value = fields[key] ?? fallback;
    if (typeof value === 'string') return value;
    if (isRecord(entry)) tell(`.${key} ${value === undefined ? 'is missing' : 'must be a string; write it in quotes'}`);
    return undefined;
  };
  const [exchange = '-', topic = '-', server = '-'] = [text('exchange', 'default'), text('topic'), text('server')];
  attempt(() => checkTarget({ exchange, topic, server }), tell);
  const [address = '-', namespace = '-', version = ''] = [text('address'), text('namespace', ''), text('version', '')];
  if (address === '') tell('.address must not be empty');
  if (version !== '') attempt(() => parseVersion(version), tell);
  const labels = checkLabels(fields.labels, tell);
  // A node takes its address from the entries that have its name as their server's; of others the file knows no node.
  return { exchange, topic, server, node: server, address, version, namespace, labels, incarnation: '', leaseMs: Infinity };
};

const checkLabels = (labels: unknown, tell: (problem: string) => void): Context => {
  if (labels === undefined) return {};
  if (isRecord(labels)) {
    const wrong = Object.entries(labels).filter(([, value]) => typeof value !== 'string');
    for (const [name] of wrong) tell(`.labels.${name} must be a string; write it in quotes`);
    return labels as Context;
  }
  tell('.labels must map names to strings');
  return {};
};

const attempt = (check: () => unknown, tell: (problem: string) => void): void => {
  try {
    check();
  } catch (error) {
    const messages = isSkeinError(error, 'invalid-argument')
      ? error.details.issues.map(({ message }) => message)
      : [isSkeinError(error, 'invalid-target') ? error.details.reason : messageOf(error)];
    for (const message of messages) tell(`: ${message}`);
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
