import { type Envelope, type ItemEnvelope, Kind } from '../../core/envelope.js';
import { limits } from '../../core/limits.js';

/** An item that is bytes. */
type BytesItem = ItemEnvelope & { readonly payload: Uint8Array };

/** Items of one stream in a row that leave as one record. */
export type Run = readonly [BytesItem, ...BytesItem[]];

/** The run that begins at that place of the batch, if one does. */
export const runAt = (batch: readonly Envelope[], at: number): Run | undefined => {
  const first = batch[at];
  if (!isShortBytes(first)) return undefined;
  const run: [BytesItem, ...BytesItem[]] = [first];
  for (let next = batch[at + 1]; isShortBytes(next) && next.id === first.id; next = batch[at + run.length]) run.push(next);
  return run.length < limits.runItemsMin ? undefined : run;
};

const isShortBytes = (envelope: Envelope | undefined): envelope is BytesItem =>
  envelope?.kind === Kind.item &&
  envelope.bytes < limits.framedBytesMin &&
  envelope.payload instanceof Uint8Array &&
  envelope.payload.byteLength <= limits.runItemBytesMax;

/** How long the items are, and their bytes one behind the other. */
export const joined = (run: Run): { readonly lengths: readonly number[]; readonly bytes: Uint8Array } => {
  const items = run.map(({ payload }) => payload);
  return { lengths: items.map(({ byteLength }) => byteLength), bytes: Buffer.concat(items) };
};
