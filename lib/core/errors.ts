/** One problem that a schema found; the shape that Standard Schema gives. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

interface Why {
  readonly reason: string;
}

/** Each code with the details of its errors. */
export interface ErrorDetails {
  'invalid-target': Why;
  'invalid-argument': { readonly issues: readonly Issue[] };
  'no-server': { readonly topic: string };
  'no-such-method': { readonly method: string };
  'unsupported-version': { readonly wanted: string; readonly served: readonly string[] };
  'version-cap': { readonly wanted: string; readonly cap: string };
  'deadline-exceeded': { readonly timeoutMs: number };
  'peer-silent': { readonly silenceMs: number };
  'link-lost': { readonly peer: string };
  undeliverable: Why;
  overloaded: { readonly retryAfterMs: number | undefined };
  cancelled: { readonly reason: unknown };
  unauthenticated: { readonly peer: string };
  forbidden: { readonly rule: string };
  'payload-too-large': { readonly bytes: number; readonly bytesMax: number };
  'protocol-error': Why;
  closed: { readonly what: string };
  'remote-error': { readonly name: string; readonly code: string | undefined; readonly details: unknown };
}

export type ErrorCode = keyof ErrorDetails;

/** Whether the work ran; after `no`, repeating it is safe. */
export type Ran = 'no' | 'yes' | 'unknown';

/** A reason is whatever an AbortSignal was given: some things cannot even be asked what they are. */
const sayReason = (reason: unknown): string => {
  try {
    if (reason instanceof Error && typeof reason.message === 'string') return reason.message;
  } catch {
    // Then its sender, who has it, knows best.
  }
  return 'cancelled by the caller';
};

/** What each code says where its error does not say otherwise: both messages and whether the work ran. */
const codes: {
  readonly [C in ErrorCode]: { readonly ran: Ran; readonly say: (details: ErrorDetails[C]) => string };
} = {
  'invalid-target': { ran: 'no', say: ({ reason }) => reason },
  'invalid-argument': { ran: 'no', say: ({ issues }) => issues.map(sayIssue).join('; ') },
  'no-server': { ran: 'no', say: ({ topic }) => `no server answers ${topic}` },
  'no-such-method': { ran: 'no', say: ({ method }) => `the server has no method ${method}` },
  'unsupported-version': {
    ran: 'no',
    say: ({ wanted, served }) => `${wanted} is wanted, and what is served is ${served.join(', ') || 'nothing'}`,
  },
  'version-cap': { ran: 'no', say: ({ wanted, cap }) => `${wanted} lies above the cap ${cap}` },
  'deadline-exceeded': { ran: 'unknown', say: ({ timeoutMs }) => `no answer within ${String(Math.round(timeoutMs))} ms` },
  'peer-silent': { ran: 'unknown', say: ({ silenceMs }) => `the peer said nothing for ${String(Math.round(silenceMs))} ms` },
  'link-lost': { ran: 'unknown', say: ({ peer }) => `the link to ${peer} was lost before an answer came` },
  undeliverable: { ran: 'no', say: ({ reason }) => reason },
  overloaded: { ran: 'no', say: () => 'more is waiting than may wait' },
  cancelled: { ran: 'unknown', say: ({ reason }) => sayReason(reason) },
  unauthenticated: { ran: 'no', say: ({ peer }) => `${peer} did not prove who it is` },
  forbidden: { ran: 'no', say: ({ rule }) => `forbidden by ${rule}` },
  'payload-too-large': {
    ran: 'no',
    say: ({ bytes, bytesMax }) => `${String(bytes)} bytes are more than the ${String(bytesMax)} allowed`,
  },
  'protocol-error': { ran: 'no', say: ({ reason }) => reason },
  closed: { ran: 'no', say: ({ what }) => `${what} is closed` },
  'remote-error': { ran: 'yes', say: ({ name }) => `the handler failed with ${name}` },
};

const sayIssue = ({ message, path }: Issue): string => {
  const where = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return where === '' ? message : `${where}: ${message}`;
};

export interface SkeinErrorOptions extends ErrorOptions {
  /** What stands behind the code in the message; by default each code's own sentence. */
  readonly message?: string;
  /** By default what the code says; an error of perhaps-started work that was never sent says `no`. */
  readonly ran?: Ran;
}

/** Every error of Skein's own; the message starts with the code. */
export class SkeinError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: ErrorDetails[C];
  /** Whether the work ran; after `no`, repeating is safe. */
  readonly ran: Ran;

  constructor(code: C, details: ErrorDetails[C], options?: SkeinErrorOptions) {
    super(`[${code}] ${options?.message ?? codes[code].say(details)}`, options);
    this.name = 'SkeinError';
    this.code = code;
    this.details = details;
    this.ran = options?.ran ?? codes[code].ran;
  }
}

/** The union over codes: `switch (failure.code)` narrows `details` too. */
export type Failure<C extends ErrorCode = ErrorCode> = { [K in C]: SkeinError<K> }[C];

/** Narrows what was caught to a SkeinError, or to one with a code that is named. */
export const isSkeinError = <C extends ErrorCode = ErrorCode>(error: unknown, ...wanted: readonly C[]): error is Failure<C> =>
  error instanceof SkeinError && (wanted.length === 0 || wanted.some((code) => code === error.code));

/** Whether a word is one of the closed set of codes. */
export const isErrorCode = (word: unknown): word is ErrorCode => typeof word === 'string' && Object.hasOwn(codes, word);

/** One `invalid-argument` that lists every problem. */
export const invalidArgument = (...messages: readonly string[]): SkeinError<'invalid-argument'> =>
  new SkeinError('invalid-argument', { issues: messages.map((message) => ({ message })) });
