import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { SeededRandom } from '../../lib/adapters/sim/seeded-random.js';
import { SystemClock } from '../../lib/adapters/system/system-clock.js';
import { readyCommand } from '../../lib/adapters/zmtp/commands.js';
import { Connection } from '../../lib/adapters/zmtp/connection.js';
import { greeting } from '../../lib/adapters/zmtp/greeting.js';
import { writeCommand, writeMessage } from '../../lib/adapters/zmtp/write-frames.js';

const messageBytesMax = 10_000;

/** A socket without a network: counts what is written, and closes as it is told to. */
export class Unwired extends EventEmitter {
  written = 0;
  destroyed = false;
  writableEnded = false;
  writableNeedDrain = false;

  write(bytes: Uint8Array): boolean {
    this.written += bytes.byteLength;
    return true;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  end(): void {
    this.writableEnded = true;
  }

  pause(): this {
    return this;
  }

  resume(): this {
    return this;
  }
}

export interface Fuzzed {
  readonly streams: number;
  /** Streams that were refused, and messages that were taken of all. */
  readonly refused: number;
  readonly messages: number;
}

/**
 * Has as many connections each read what a peer could have said, with some of its bytes changed, left out, doubled or cut off. Throws where one
 * throws, hands out more than may come, or answers more than it was asked.
 */
export const fuzz = (seed: number, streams: number): Fuzzed => {
  const random = new SeededRandom(seed);
  const clock = new SystemClock();
  let [refused, messages] = [0, 0];
  for (let i = 0; i < streams; i += 1) {
    const bytes = mutate(said(random), random);
    const socket = new Unwired();
    const connection = new Connection(socket as unknown as Socket, {
      type: 'ROUTER',
      peer: 'a stranger',
      clock,
      messageBytesMax,
      openMs: 60_000,
      lingerMs: 0,
      onOpen: ({ message$ }) => {
        message$.subscribe((frames) => {
          messages += 1;
          const size = frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
          if (size > messageBytesMax) throw new Error(`a message of ${String(size)} bytes came`);
        });
      },
      onRefused: () => undefined,
      onGone: () => undefined,
    });
    for (let at = 0; at < bytes.length && !socket.destroyed;) {
      const size = 1 + below(random, random.next() < 0.5 ? 8 : 4_096);
      connection.hear(bytes.subarray(at, at + size));
      at += size;
    }
    if (socket.destroyed) refused += 1;
    // The greeting, and an answer to each PING that there was room for.
    if (socket.written > 256 + bytes.length * 2) throw new Error(`${String(socket.written)} bytes were answered`);
    socket.destroy();
  }
  return { streams, refused, messages };
};

const below = (random: SeededRandom, bound: number): number => Math.floor(random.next() * bound);

const bytesOf = (random: SeededRandom, max: number): Uint8Array => new Uint8Array(below(random, max)).fill(below(random, 256));

/** What a peer may well say. */
const said = (random: SeededRandom): Buffer => {
  const parts: Uint8Array[] = [greeting, readyCommand(random.next() < 0.9 ? 'DEALER' : 'ROUTER')];
  for (let count = below(random, 6); count > 0; count -= 1) {
    const kind = below(random, 4);
    if (kind === 0) parts.push(writeCommand('PING', bytesOf(random, 20)));
    else if (kind === 1) parts.push(writeCommand(random.next() < 0.5 ? 'PONG' : 'ERROR', bytesOf(random, 20)));
    else parts.push(...writeMessage(Array.from({ length: 1 + below(random, 4) }, () => bytesOf(random, 600))));
  }
  return Buffer.concat(parts);
};

const mutate = (bytes: Buffer, random: SeededRandom): Buffer => {
  let mutated = bytes;
  for (let count = below(random, 5); count > 0; count -= 1) {
    const at = below(random, mutated.length);
    const size = 1 + below(random, 16);
    switch (below(random, 4)) {
      case 0:
        mutated[at] = below(random, 256);
        break;
      case 1:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + size)]);
        break;
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, at + size), mutated.subarray(at)]);
        break;
      default:
        mutated = mutated.subarray(0, at);
    }
    if (mutated.length === 0) break;
  }
  return mutated;
};
