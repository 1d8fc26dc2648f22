import { text } from 'node:stream/consumers';
import { isSkeinError } from '../../core/errors.js';
import { callDescribed, castDescribed, type Described, fanOutDescribed, type Outcome } from '../../node/described.js';
import { CommandError, exitCodes } from '../exit.js';
import { findMethod, type TopicOptions, withTopic } from '../find.js';
import { messageOf } from '../finding.js';
import type { Session } from '../session.js';
import { formatTable } from '../table.js';
import { readValue, writeValue } from '../values.js';

export interface CastOptions extends TopicOptions {
  /** Default: `accepted`. */
  readonly confirm?: 'accepted' | 'done';
}

/** What is to be sent where. */
export interface Sent {
  readonly topic: string;
  readonly method: string;
  /** JSON, `-` for standard input, or nothing. */
  readonly input: string | undefined;
}

/** `skein call`: gives the reply, as JSON. */
export const call = (sent: Sent, options: TopicOptions): Promise<string> =>
  send(sent, 'call', options, async ({ node }, described, input) => {
    const reply = await callDescribed(node, described, input, { timeoutMs: options.timeout });
    return writeValue(reply, options.json === true);
  });

/** `skein cast`: says who confirmed it. */
export const cast = (sent: Sent, options: CastOptions): Promise<string> =>
  send(sent, 'cast', options, async ({ node }, described, input) => {
    const { state, server } = await castDescribed(node, described, input, castOptions(options));
    return options.json === true ? writeValue({ state, server }, true) : `${state} by ${server}`;
  });

/** `skein fanout`: says what became of it at each server, and throws where it failed at one. */
export const fanout = (sent: Sent, options: CastOptions, print: (text: string) => void): Promise<void> =>
  send(sent, 'cast', options, async ({ node }, described, input) => {
    const settled = await fanOutDescribed(node, described, input, castOptions(options));
    // They come as they settle.
    const outcomes = [...settled].sort((a, b) => (a.server < b.server ? -1 : 1));
    const failed = outcomes.filter(({ ok }) => !ok);
    print(options.json === true ? writeValue(outcomes.map(plainOutcome)) : outcomeTable(outcomes));
    if (outcomes.length === 0) {
      throw new CommandError({
        exitCode: exitCodes.absent,
        code: 'no-server',
        message: `no server of ${sent.topic} is there any more`,
      });
    }
    if (failed.length === 0) return;
    const count = `${String(failed.length)} of ${String(outcomes.length)}`;
    throw new CommandError({ exitCode: exitCodes.failed, message: `the fanout failed at ${count} servers` });
  });

const castOptions = ({ timeout, confirm }: CastOptions) => ({ timeoutMs: timeout, confirm });

const send = <T>(
  sent: Sent,
  verb: 'call' | 'cast',
  options: TopicOptions,
  work: (session: Session, described: Described, input: unknown) => Promise<T>,
): Promise<T> =>
  withTopic(sent.topic, options, async (session) => {
    const given = await read(sent.input);
    return work(session, await findMethod([verb], sent, session, options), given);
  });

/** JSON as it was given, or what standard input has of it. */
export const read = async (input: string | undefined): Promise<unknown> => {
  if (input === undefined) return undefined;
  return readValue(input === '-' ? await text(process.stdin) : input);
};

const plainOutcome = (outcome: Outcome) =>
  outcome.ok
    ? { server: outcome.server, ok: true, state: outcome.value.state }
    : { server: outcome.server, ok: false, error: { code: codeOf(outcome.error), message: messageOf(outcome.error) } };

const codeOf = (error: unknown): string | undefined => (isSkeinError(error) ? error.code : undefined);

const outcomeTable = (outcomes: readonly Outcome[]): string =>
  formatTable(
    ['SERVER', 'OUTCOME'],
    outcomes.map((outcome) => [outcome.server, outcome.ok ? outcome.value.state : outcome.error.message]),
  );
