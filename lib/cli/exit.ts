import { type ErrorCode, isSkeinError } from '../core/errors.js';
import { messageOf } from './finding.js';

/** How the command ends: scripts may rely on it. */
export const exitCodes = {
  ok: 0,
  /** It failed, and will not have been done, or only in part. */
  failed: 1,
  /** The command line, the input or the file is wrong. */
  usage: 2,
  /** There is no such topic, server, method or node. */
  absent: 3,
  /** It was sent, and whether it was done is not known. */
  unknown: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface Failure {
  readonly exitCode: ExitCode;
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  readonly code?: ErrorCode | undefined;
}

/** What went wrong, as the command tells it. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  readonly advice: string | undefined;
  readonly code: ErrorCode | undefined;

  constructor({ exitCode, message, advice, code }: Failure, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.advice = advice;
    this.code = code;
  }
}

const advices: { readonly [C in ErrorCode]?: string } = {
  'no-server': '"skein topics" shows what is served.',
  'invalid-target': '"skein topics" shows what is served.',
  'deadline-exceeded': 'Give it longer with --timeout MS.',
  overloaded: 'Try again in a moment.',
  forbidden: 'Whoever runs that node forbids it by its settings.',
  undeliverable: '"skein doctor" checks this machine.',
  'remote-error': "The server's log has the stack.",
};

/** What is known where the error is about one topic. */
const topicAdvices: { readonly [C in ErrorCode]?: (topic: string) => string } = {
  'no-such-method': (topic) => `"skein describe ${topic}" shows its methods.`,
  'unsupported-version': (topic) => `"skein topics" shows which versions of ${topic} are served.`,
  'invalid-argument': (topic) => `"skein describe ${topic}" shows what each method takes.`,
};

const doubt = 'It may have been done all the same: look before you repeat it.';

/** Any error as the command tells it; `topic` is what it is about. */
export const asCommandError = (error: unknown, topic?: string): CommandError => {
  if (error instanceof CommandError) return error;
  // The items that it was to send were not what they should be.
  if (isSkeinError(error, 'cancelled') && error.cause instanceof CommandError) return error.cause;
  if (!isSkeinError(error)) {
    return new CommandError({ exitCode: exitCodes.failed, message: messageOf(error) }, { cause: error });
  }
  const { code, ran } = error;
  const isAbsent = code === 'no-server' || code === 'no-such-method' || code === 'unsupported-version';
  const exitCode = isAbsent ? exitCodes.absent : ran === 'unknown' ? exitCodes.unknown : exitCodes.failed;
  const known = (topic === undefined ? undefined : topicAdvices[code]?.(topic)) ?? advices[code];
  const advice = [known, ran === 'unknown' ? doubt : undefined].filter((text) => text !== undefined).join(' ');
  return new CommandError(
    { exitCode, code, message: messageOf(error), advice: advice === '' ? undefined : advice },
    { cause: error },
  );
};

/** Runs what reads the user's own words: what it throws is a mistake in them. */
export const asUsage = async <T>(read: () => T | Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    const { message, code, advice } = error instanceof CommandError ? error : { ...plain(error), advice: undefined };
    throw new CommandError({ exitCode: exitCodes.usage, message, code, advice }, { cause: error });
  }
};

const plain = (error: unknown) => ({ message: messageOf(error), code: isSkeinError(error) ? error.code : undefined });

/** The lines for people. */
export const formatError = ({ code, message, advice }: CommandError): string => {
  const lines = [`skein: ${code === undefined ? '' : `[${code}] `}${message}`, ...(advice === undefined ? [] : [advice])];
  return lines.join('\n       ');
};
