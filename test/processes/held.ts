import { call, contract } from '../../lib/index.js';

/** A call that is answered when its server is told to. */
export const Held = contract('held', '1.0', { hold: call<undefined, string>() });
