import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { readyCommand } from '../../lib/adapters/zmtp/commands.js';
import { Connection } from '../../lib/adapters/zmtp/connection.js';
import { flags, FrameReader } from '../../lib/adapters/zmtp/frame-reader.js';
import { greeting } from '../../lib/adapters/zmtp/greeting.js';
import { acceptReading } from '../../lib/adapters/zmtp/read.js';
import { Violation } from '../../lib/adapters/zmtp/violation.js';
import { writeCommand, writeMessage } from '../../lib/adapters/zmtp/write-frames.js';
import { fuzz, Unwired } from './zmtp-fuzz.js';

interface Frame {
  readonly bits: number;
  readonly body: string;
}

const bytesMax = 4_000_000;

/** All frames that the chunks make. */
const read = (chunks: readonly Uint8Array[]): readonly Frame[] => {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    bytesMax: () => bytesMax,
    frame: (body, bits) => frames.push({ bits: bits & ~flags.long, body: body.toString('latin1') }),
  });
  for (const chunk of chunks) {
    let bytes = Buffer.from(chunk);
    // As a socket does: to where it is to be put, as long as there is such a place.
    for (let { room } = reader; room && bytes.length > 0; { room } = reader) {
      const count = bytes.copy(room);
      reader.push(room.subarray(0, count));
      bytes = bytes.subarray(count);
    }
    if (bytes.length > 0) reader.push(bytes);
  }
  return frames;
};

const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.nat({ max: 70_000 }).map((length) => new Uint8Array(length).fill(length % 251)),
);
const message = fc.array(body, { minLength: 1, maxLength: 4 });
const command = fc.record({ name: fc.constantFrom('PING', 'READY'), content: fc.uint8Array({ maxLength: 40 }) });

const said = fc.array(
  fc.oneof(
    message.map((frames) => ({
      written: Buffer.concat(writeMessage(frames)),
      frames: frames.map((bytes, i) => ({
        bits: i < frames.length - 1 ? flags.more : 0,
        body: Buffer.from(bytes).toString('latin1'),
      })),
    })),
    command.map(({ name, content }) => ({
      written: writeCommand(name, content),
      frames: [
        { bits: flags.command, body: `${String.fromCharCode(name.length)}${name}${Buffer.from(content).toString('latin1')}` },
      ],
    })),
  ),
  { maxLength: 6 },
);

/** The bytes in pieces, some of them of one byte. */
const cut = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i += 1) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 65_536 })), {
  minLength: 1,
  maxLength: 8,
});

describe('frames of ZMTP', () => {
  it('are the same, however their bytes are cut', () => {
    fc.assert(
      fc.property(said, sizes, (all, into) => {
        const bytes = Buffer.concat(all.map(({ written }) => written));
        expect(read(cut(bytes, into))).toEqual(all.flatMap(({ frames }) => frames));
      }),
      { numRuns: 300 },
    );
  });

  it('are the same where they are large, and read to where they stay', () => {
    const large = fc.integer({ min: 60_000, max: 3_000_000 });
    fc.assert(
      fc.property(fc.array(large, { minLength: 1, maxLength: 3 }), sizes, (lengths, into) => {
        const bodies = lengths.map((length) => Buffer.alloc(length, 'abcdefg'));
        const frames = read(cut(Buffer.concat(writeMessage(bodies)), [...into, 200_000]));
        expect(frames.map(({ body: text }) => text.length)).toEqual(lengths);
        for (const { body: text } of frames) expect(text === Buffer.alloc(text.length, 'abcdefg').toString('latin1')).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('are refused or read where their bytes were damaged, and nothing else', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(said, sizes, damage, (all, into, changes) => {
        const bytes = Buffer.concat(all.map(({ written }) => written));
        for (const { at, byte } of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        try {
          for (const frame of read(cut(bytes, into))) expect(frame.body.length).toBeLessThanOrEqual(bytesMax);
        } catch (error) {
          expect(error).toBeInstanceOf(Violation);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a connection that speaks ZMTP', () => {
  it('answers no PING of who does not read', () => {
    const socket = new Unwired();
    const connection = new Connection(socket as unknown as Socket, {
      type: 'ROUTER',
      peer: 'who does not read',
      clock: new SystemClock(),
      messageBytesMax: 1_000,
      openMs: 60_000,
      lingerMs: 0,
      onOpen: () => undefined,
      onRefused: () => undefined,
      onGone: () => undefined,
    });
    connection.hear(Buffer.concat([greeting, readyCommand('DEALER')]));
    const ping = writeCommand('PING', Buffer.from([0, 10, 7]));
    const before = socket.written;
    connection.hear(ping);
    const answer = socket.written - before;
    expect(answer).toBeGreaterThan(0);
    socket.writableNeedDrain = true;
    for (let i = 0; i < 1_000; i += 1) connection.hear(ping);
    expect(socket.written - before).toBe(answer);
    socket.destroy();
  });

  it('survives 50,000 strangers who say what is damaged', () => {
    const { refused, messages } = fuzz(1, 50_000);
    // Both happen often, or the damage would be none, or all.
    expect(refused).toBeGreaterThan(10_000);
    expect(messages).toBeGreaterThan(10_000);
  });
});

describe('a socket that was accepted', () => {
  it('is read by itself where there is no handle to take over', () => {
    const socket = new Socket();
    const heard: string[] = [];
    const reader = { hear: (bytes: Buffer) => heard.push(bytes.toString()), room: undefined };
    expect(acceptReading(socket, 1_024, () => reader)).toBe(socket);
    socket.emit('data', Buffer.from('as usual'));
    expect(heard).toEqual(['as usual']);
    socket.destroy();
  });
});
