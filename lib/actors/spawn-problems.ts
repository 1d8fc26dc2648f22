import { limits } from '../core/limits.js';
import type { Overflow } from '../core/overflow.js';
import type { Actor } from './actor.js';
import type { MailboxBounds } from './behavior.js';
import { reducerOf } from './stateful.js';
import { strategyProblems } from './supervision.js';

/** What is wrong with the actor that someone would spawn, each in a sentence. */
export const spawnProblems = (
  behavior: unknown,
  options: unknown,
  parent: Pick<Actor, 'path' | 'hasChild'>,
): readonly string[] => {
  const isBehavior = typeof behavior === 'function';
  const problems = unless(isBehavior, 'a behaviour must be a function of its messages: (message$, self) => event$');
  if (!isRecord(options)) return [...problems, 'options of an actor must be an object'];
  const { name, mailbox, supervise, ...unknown } = options;
  return [
    ...problems,
    ...unknownProblems('an actor', unknown),
    ...(name === undefined ? [] : nameProblems(name, parent)),
    ...(mailbox === undefined ? [] : mailboxProblems(mailbox)),
    ...(supervise === undefined || typeof supervise === 'function' ? [] : strategyProblems(supervise)),
    ...unless(
      supervise !== 'resume' || (isBehavior && reducerOf(behavior as never) !== undefined),
      'only what stateful(…) makes can be resumed: any other behaviour has ended when it fails',
    ),
  ];
};

const nameProblems = (name: unknown, parent: Pick<Actor, 'path' | 'hasChild'>): readonly string[] => {
  if (typeof name !== 'string' || name === '' || name.includes('/') || name.length > limits.nameBytesMax) {
    return [`the name of an actor must be a text of 1 to ${String(limits.nameBytesMax)} characters without /`];
  }
  return unless(!parent.hasChild(name), `${parent.path} has an actor ${name} already: give another name, or none`);
};

const policies: Readonly<Record<Overflow, true>> = {
  block: true,
  fail: true,
  'drop-oldest': true,
  'drop-newest': true,
  latest: true,
};

const mailboxProblems = (mailbox: unknown): readonly string[] => {
  if (!isRecord(mailbox)) return ['mailbox must be an object: { max, overflow }'];
  const { max, overflow, ...unknown }: Readonly<Record<keyof MailboxBounds, unknown>> & Readonly<Record<string, unknown>> = {
    max: undefined,
    overflow: undefined,
    ...mailbox,
  };
  return [
    ...unknownProblems('a mailbox', unknown),
    ...unless(
      max === undefined || (Number.isSafeInteger(max) && (max as number) >= 1),
      `mailbox.max must be a whole number from 1, and is ${String(max)}`,
    ),
    ...unless(
      overflow === undefined || (typeof overflow === 'string' && Object.hasOwn(policies, overflow)),
      `mailbox.overflow must be one of ${Object.keys(policies).join(', ')}`,
    ),
    ...unless(overflow !== 'latest' || max === undefined || max === 1, 'a mailbox that keeps the latest has a max of 1'),
  ];
};

const unknownProblems = (what: string, unknown: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.keys(unknown).map((key) => `${what} has no option ${key}`);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const unless = (isFine: boolean, problem: string): readonly string[] => (isFine ? [] : [problem]);
