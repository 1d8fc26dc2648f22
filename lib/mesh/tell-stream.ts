import { type Envelope, Kind } from '../core/envelope.js';
import type { StreamSide } from '../ports/stream-way.js';

/** What the other side of a stream says of it, and both may say. */
type Streamed = Extract<Envelope, { kind: typeof Kind.item | typeof Kind.demand | typeof Kind.end }>;

/** Tells one side of a stream what the other one said; what comes behind its end is nothing to anyone. */
export const tellStream = (side: StreamSide | undefined, envelope: Streamed): void => {
  if (envelope.kind === Kind.item) side?.item(envelope.payload, envelope.cost);
  else if (envelope.kind === Kind.demand) side?.demand(envelope.count, envelope.items);
  else side?.end();
};
