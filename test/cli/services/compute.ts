import { bytes, call, cast, channel, contract, createNode, sink, stream } from 'skein';
import { z } from 'zod';

const Compute = contract('compute', '1.2', {
  boot: call({ input: z.object({ image: z.string(), size: z.int().min(2).optional() }), output: z.object({ id: z.string() }) }),
  odd: call<undefined, unknown>(),
  same: call<unknown, unknown>(),
  fail: call(),
  hang: call(),
  upload: call({ input: bytes(), output: z.number() }),
  count: stream({ input: z.object({ to: z.int() }), output: z.number() }),
  breaks: stream<undefined, number>(),
  store: sink({ open: z.object({ name: z.string() }), input: z.string(), output: z.object({ stored: z.number() }) }),
  shout: channel<string, string>(),
  note: cast({ input: z.object({ id: z.string() }) }),
});

const node = await createNode();
await node.serve(Compute, {
  boot: ({ image }) => ({ id: `${image}@${node.name}` }),
  odd: () => ({ count: 12n, at: new Date(0), bytes: new Uint8Array([1, 2]), nothing: undefined, beyond: Infinity }),
  same: (input) => input,
  fail: () => {
    throw new RangeError('no room');
  },
  hang: () => {
    console.log('hangs');
    return new Promise<never>(() => {});
  },
  upload: (content) => content.length,
  *count({ to }) {
    for (let i = 1; i <= to; i += 1) yield i;
  },
  *breaks() {
    yield 1;
    throw new RangeError('no more');
  },
  store: async (item$, { open }) => {
    let stored = 0;
    for await (const item of item$) {
      if (item === 'bad') throw new Error(`bad item of ${open.name}`);
      stored += 1;
    }
    return { stored };
  },
  async *shout(word$) {
    for await (const word of word$) yield word.toUpperCase();
  },
  note: ({ id }) => {
    if (id === 'bad') throw new Error('bad note');
    console.log(`noted ${id}`);
  },
});
console.log(`ready ${node.name}`);
process.once('SIGTERM', () => {
  console.log('draining');
  void node.close().then(() => process.exit(0));
});
