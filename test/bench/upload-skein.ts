import { endWith, ignoreElements, lastValueFrom, merge, mergeMap, repeat, take, takeWhile, tap, timer } from 'rxjs';
import { bytes, call, contract, createNode, sink, typed } from 'skein';
import { callPayload, type Figures, type Job, nodeUrl, type Role, type System, uploadBytes } from './messages.js';
import { percentiles } from './pace.js';

const Uploads = contract('uploads', '1.0', {
  echo: call<typeof callPayload, typeof callPayload>(),
  /** Replies with how many bytes came whole. */
  upload: sink({ input: bytes(), output: typed<number>() }),
});

/** Between the starts of two calls. */
const callEveryMs = 5;

const serve = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role));
  await node.serve(Uploads, {
    echo: (input) => input,
    upload: async (pieces$) => {
      let whole = 0;
      for await (const piece of pieces$) if (piece[0] === 7 && piece.at(-1) === 7) whole += piece.byteLength;
      return whole;
    },
  });
  return { address: '', end: () => node.close() };
};

const connect = async (role: Role): Promise<Job> => {
  const node = await createNode(nodeUrl(role));
  const client = node.client(Uploads);
  await client.$ping();
  const piece = new Uint8Array(role.payloadBytes).fill(7);
  const pieces = Array.from({ length: uploadBytes / role.payloadBytes }, () => piece);
  /** Calls at a pace, each timed, with so many uploads beside them, each followed by the next. */
  const measure = async (uploads: number, seconds: number): Promise<Figures> => {
    const samplesUs: number[] = [];
    let done = 0;
    const upload$ = client.upload(pieces).pipe(
      tap((whole) => {
        if (whole !== uploadBytes) throw new Error(`${String(whole)} bytes of an upload came`);
        done += 1;
      }),
      repeat(),
    );
    const timed = async (): Promise<void> => {
      const startedAt = performance.now();
      const { a, b } = await client.echo(callPayload);
      samplesUs.push((performance.now() - startedAt) * 1_000);
      if (a !== callPayload.a || b !== callPayload.b) throw new Error('a wrong reply');
    };
    const calls$ = timer(0, callEveryMs).pipe(take((seconds * 1_000) / callEveryMs), mergeMap(timed));
    const uploading$ = merge(...Array.from({ length: uploads }, () => upload$)).pipe(ignoreElements());
    await lastValueFrom(merge(calls$.pipe(endWith('over')), uploading$).pipe(takeWhile((over) => over !== 'over')), {
      defaultValue: undefined,
    });
    return { opsPerSecond: done / seconds, ...percentiles(samplesUs) };
  };
  return { address: '', measure, end: () => node.close() };
};

export const uploadSkein: System = { serve, connect };
