import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bytes, contract, createNode, sink, typed } from 'skein';

/** A file, opened by its name, sent in chunks, and confirmed by what has arrived. */
const Files = contract('files', '1.0', {
  upload: sink({
    input: bytes(),
    open: typed<{ readonly name: string }>(),
    output: typed<{ readonly size: number; readonly sha256: string }>(),
  }),
});

const chunkBytes = 64 * 1024;
const folder = await mkdtemp(join(tmpdir(), 'upload-'));
const source = join(folder, 'source.bin');
const size = 8 * 1024 * 1024;
await writeFile(source, Buffer.alloc(size, 'all that is to be sent '));

await using server = await createNode('zmq+memory://upload');
await server.serve(Files, {
  upload: async (chunk$, { open }) => {
    const hash = createHash('sha256');
    let received = 0;
    const hashed = async function* () {
      for await (const chunk of chunk$) {
        hash.update(chunk);
        received += chunk.byteLength;
        yield chunk;
      }
    };
    // The disk's own pace: what it has not taken is not asked for.
    await pipeline(hashed, createWriteStream(join(folder, open.name)));
    return { size: received, sha256: hash.digest('hex') };
  },
});

const bar = (share: number): string => `[${'#'.repeat(Math.round(20 * share)).padEnd(20)}] ${String(Math.round(100 * share))} %`;
let shown = '';
const progress = {
  next: (consumed: number) => {
    const line = bar(Math.min(1, (consumed * chunkBytes) / size));
    if (process.stdout.isTTY) process.stdout.write(`\r${line}`);
    shown = line;
  },
};

await using client = await createNode('zmq+memory://upload');
const file = createReadStream(source, { highWaterMark: chunkBytes });
const received = await client.client(Files).upload(file, { open: { name: 'received.bin' }, progress });
console.log(process.stdout.isTTY ? '' : shown);
console.log(`${String(received.size)} bytes arrived: ${received.sha256.slice(0, 16)}`);
await rm(folder, { recursive: true });
