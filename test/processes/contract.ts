import { bytes, call, cast, contract } from '../../lib/index.js';

/** What the processes of these tests serve. */
export const Worker = contract('worker', '1.0', {
  /** Who answers. */
  who: call<undefined, { server: string; incarnation: string; pid: number }>(),
  echo: call<unknown, unknown>(),
  blob: call({ input: bytes(), output: bytes() }),
  /** Never answers; its token is remembered by the process that got it. */
  hang: call<string, string>(),
  /** The tokens that this process got. */
  tokens: call<undefined, readonly string[]>(),
  note: cast<number>(),
});
