import type { CallSink } from '../operators/lazy-call.js';

/** Who gets the value or the error of a call, such as a subscriber. */
export type Sink = CallSink<unknown>;
