import { afterEach, beforeEach, describe } from 'vitest';
import { addressing } from './addressing.js';
import { admission } from './admission.js';
import { calls } from './calls.js';
import { casts } from './casts.js';
import type { Abilities, Cluster } from './cluster.js';
import { declaredErrors } from './declared-errors.js';
import { delivery } from './delivery.js';
import { dispatch } from './dispatch.js';
import { errors } from './errors.js';
import { faults } from './faults.js';
import { interceptors } from './interceptors.js';
import { leaving } from './leaving.js';
import { nested } from './nested.js';
import { recovery } from './recovery.js';
import { schemas } from './schemas.js';
import { streams } from './streams.js';
import { time } from './time.js';
import { values } from './values.js';
import { versions } from './versions.js';
import { wholeStream } from './whole-stream.js';

export interface SuiteOptions extends Abilities {
  /** Whether its nodes can be killed and cut off at will. */
  readonly faults: boolean;
}

/** What Skein promises of a message, as a user sees it through the public API, over one kind of cluster. */
export const semanticsSuite = (name: string, make: () => Promise<Cluster>, options: SuiteOptions): void => {
  describe(`the messaging contract, over ${name}`, () => {
    let cluster: Cluster;
    beforeEach(async () => {
      cluster = await make();
    });
    afterEach(() => cluster.close());

    const parts = [
      addressing,
      calls,
      nested,
      casts,
      time,
      dispatch,
      versions,
      admission,
      interceptors,
      schemas,
      values,
      errors,
      declaredErrors,
      wholeStream,
      streams,
      delivery,
      leaving,
    ];
    for (const part of options.faults ? [...parts, faults, recovery] : parts) part(() => cluster, options);
  });
};
