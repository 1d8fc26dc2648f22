import { SkeinError } from './errors.js';
import { limits } from './limits.js';

/** Who is meant by a request. */
export interface Target {
  /** Scopes topics: equal topics in two exchanges never meet. */
  readonly exchange: string;
  readonly topic: string;
  /** That server only; without it, one of the topic's servers. */
  readonly server?: string | undefined;
}

/** A topic within its exchange. */
export type TopicName = Pick<Target, 'exchange' | 'topic'>;

const encoder = new TextEncoder();

const nameProblem = (what: string, name: unknown): string | undefined => {
  if (typeof name !== 'string') return `${what} must be a string`;
  if (name === '') return `${what} must not be empty`;
  if (!name.isWellFormed()) return `${what} is not well-formed Unicode`;
  const bytes = encoder.encode(name).byteLength;
  return bytes > limits.nameBytesMax
    ? `${what} has ${String(bytes)} bytes, and at most ${String(limits.nameBytesMax)} are allowed`
    : undefined;
};

/** The target itself; throws `invalid-target` where a name is empty, too long or no Unicode. */
export const checkTarget = <T extends Target>(target: T): T => {
  const problems = [
    nameProblem('the exchange', target.exchange),
    nameProblem('the topic', target.topic),
    target.server === undefined ? undefined : nameProblem('the server', target.server),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new SkeinError('invalid-target', { reason: problems.join('; ') });
  return target;
};

/** A target as one line of text, with which directories key their entries: `exchange/topic` or `exchange/topic/server`. */
export const encodeTarget = ({ exchange, topic, server }: Target): string =>
  [exchange, topic, ...(server === undefined ? [] : [server])].map(encodeURIComponent).join('/');

/** What {@link encodeTarget} was given. Throws `invalid-target` for text of another shape. */
export const decodeTarget = (text: string): Target => {
  const [exchange, topic, server, ...more] = text.split('/').map(decodeName);
  if (exchange === undefined || topic === undefined || more.length > 0) {
    throw new SkeinError('invalid-target', { reason: `"${text}" is not exchange/topic or exchange/topic/server` });
  }
  return checkTarget({ exchange, topic, server });
};

const decodeName = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new SkeinError('invalid-target', { reason: `"${text}" is not percent-encoded UTF-8` }, { cause });
  }
};
