import { randomBytes } from 'node:crypto';
import { mergeMap, type Observable, type Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isSkeinError } from '../../lib/core/errors.js';
import type { Listening, Network, Wire } from '../../lib/ports/network.js';

/** What the suite needs of one kind of network. */
export interface NetworkFixture {
  /** For who listens, and for who dials; may be one. */
  readonly listener: Network;
  readonly dialer: Network;
  /** Where to listen, left open: each use finds a free place. */
  readonly anywhere: string;
  /** Where to listen by a name of one's choice; undefined where addresses have no names. */
  readonly named?: (name: string) => string;
  /** Where nobody listens. */
  readonly nowhere: string;
  /** Waits for a promise; a simulation moves its time on meanwhile. */
  settle<T>(promise: Promise<T>): Promise<T>;
  /** How many wires and listeners are open. */
  open(): number;
  close(): void;
}

type Frames = readonly Uint8Array[];

/** All that a stream said, to be waited for. */
class Heard<T> {
  readonly values: T[] = [];
  ended = false;
  error: unknown;
  readonly #subscription: Subscription;
  #wake: () => void = () => undefined;

  constructor(source: Observable<T>, each: (value: T) => void = () => undefined) {
    this.#subscription = source.subscribe({
      next: (value) => {
        this.values.push(value);
        each(value);
        this.#wake();
      },
      error: (error: unknown) => {
        this.ended = true;
        this.error = error;
        this.#wake();
      },
      complete: () => {
        this.ended = true;
        this.#wake();
      },
    });
  }

  async count(n: number): Promise<readonly T[]> {
    while (this.values.length < n && !this.ended) await this.#next();
    if (this.values.length < n) {
      throw (this.error as Error | undefined) ?? new Error(`ended after ${String(this.values.length)} of ${String(n)}`);
    }
    return this.values;
  }

  async end(): Promise<unknown> {
    while (!this.ended) await this.#next();
    return this.error;
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** One end of a wire, with what it heard. */
interface Talk {
  readonly wire: Wire;
  readonly heard: Heard<Frames>;
}

const frame = (text: string): Buffer => Buffer.from(text);
const say = (frames: Frames): string[] => frames.map((bytes) => Buffer.from(bytes).toString());

const sent = (wire: Wire, ...frames: readonly Uint8Array[]): Promise<unknown> => new Heard(wire.send(frames)).end();

const deliver = async (wire: Wire, ...frames: readonly Uint8Array[]): Promise<void> => {
  const error = await sent(wire, ...frames);
  if (error !== undefined) throw error as Error;
};

export const networkContract = (name: string, make: () => Promise<NetworkFixture>): void => {
  describe(`the network contract, over ${name}`, () => {
    let fixture: NetworkFixture;
    const settle = <T>(promise: Promise<T>): Promise<T> => fixture.settle(promise);

    beforeEach(async () => {
      fixture = await make();
    });
    afterEach(() => {
      fixture.close();
    });

    /** Listens, and answers with the address, the served ends in order of arrival, and the way to stop. */
    const listen = async (at = fixture.anywhere) => {
      const served: Talk[] = [];
      const heard = new Heard<Listening | Wire>(fixture.listener.listen(at), (value) => {
        if ('message$' in value) served.push({ wire: value, heard: new Heard(value.message$) });
      });
      const [first] = await settle(heard.count(1));
      const nth = async (n: number): Promise<Talk> => {
        await settle(heard.count(n + 1));
        return served[n - 1] as Talk;
      };
      return { address: (first as Listening).listening, nth, served, heard };
    };

    const dialRaw = async (address: string) => {
      const dial = new Heard(fixture.dialer.dial(address));
      const [wire] = await settle(dial.count(1));
      return { dial, wire: wire as Wire };
    };

    const dial = async (address: string) => {
      const { dial: dialled, wire } = await dialRaw(address);
      return { dial: dialled, wire, heard: new Heard(wire.message$) };
    };

    /** A dialled and a served end that have each heard from the other. */
    const pair = async () => {
      const listening = await listen();
      const near = await dial(listening.address);
      await settle(deliver(near.wire, frame('hello')));
      const far = await listening.nth(1);
      await settle(far.heard.count(1));
      await settle(deliver(far.wire, frame('welcome')));
      await settle(near.heard.count(1));
      return { listening, near, far };
    };

    it('carries messages in order, both ways', async () => {
      const { near, far } = await pair();
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        for (let i = 0; i < 500; i += 1) await settle(deliver(from.wire, frame(String(i))));
        const got = await settle(to.heard.count(501));
        expect(got.slice(1).map(say)).toEqual(Array.from({ length: 500 }, (_, i) => [String(i)]));
      }
    });

    it('carries messages whole: all their frames, the empty ones too', async () => {
      const { near, far } = await pair();
      const messages = [
        ['a', 'b', 'c'],
        ['', 'x'],
        ['x', ''],
        ['x', '', '', 'y'],
        ['', '', '', 'z'],
        Array.from({ length: 300 }, (_, i) => String(i)),
      ];
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        for (const message of messages) await settle(deliver(from.wire, ...message.map(frame)));
        const got = await settle(to.heard.count(1 + messages.length));
        expect(got.slice(1).map(say)).toEqual(messages);
      }
    });

    it('hands over memory of which the receiver is the only owner', async () => {
      const { near, far } = await pair();
      const sent = Buffer.alloc(100_000, 7);
      await settle(deliver(near.wire, frame('behind this'), sent));
      const [, got] = await settle(far.heard.count(2));
      const received = got?.[1] as Uint8Array;
      received.fill(9);
      expect(sent.equals(Buffer.alloc(100_000, 7))).toBe(true);
      sent.fill(8);
      expect(Buffer.alloc(100_000, 9).equals(received)).toBe(true);
    });

    it.each([1, 255, 256, 70_000, 1_048_577, 64 * 1024 * 1024])(
      'carries a frame of %i bytes unharmed, both ways',
      async (bytes) => {
        const { near, far } = await pair();
        const content = randomBytes(bytes);
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          await settle(deliver(from.wire, Buffer.from(content), frame('end')));
          const got = await settle(to.heard.count(2));
          expect(content.equals(got[1]?.[0] as Uint8Array)).toBe(true);
          expect(say([got[1]?.[1] as Uint8Array])).toEqual(['end']);
        }
      },
    );

    it('keeps many dialers on one listener apart', async () => {
      const listening = await listen();
      const dialers = [];
      for (let i = 0; i < 20; i += 1) {
        const near = await dial(listening.address);
        await settle(deliver(near.wire, frame(`i am ${String(i)}`)));
        dialers.push(near);
      }
      await listening.nth(20);
      for (const { heard, wire } of listening.served) {
        const [first] = await settle(heard.count(1));
        await settle(deliver(wire, frame('you are'), ...(first as Frames).map((bytes) => Buffer.from(bytes))));
      }
      for (const [i, near] of dialers.entries()) {
        const got = await settle(near.heard.count(1));
        expect(got.map(say)).toEqual([['you are', `i am ${String(i)}`]]);
      }
      expect(new Set(listening.served.map(({ wire }) => wire.address)).size).toBe(20);
    });

    it('errors with undeliverable where nobody listens', async () => {
      const error = await settle(new Heard(fixture.dialer.dial(fixture.nowhere)).end());
      expect(isSkeinError(error, 'undeliverable')).toBe(true);
    });

    it.each(['', 'nonsense', 'other://address'])('errors with invalid-argument for the address "%s"', async (address) => {
      for (const opened of [fixture.dialer.dial(address), fixture.listener.listen(address)]) {
        const error = await settle(new Heard<unknown>(opened).end());
        expect(isSkeinError(error, 'invalid-argument')).toBe(true);
      }
    });

    it('completes the served end when the dialled one closes, after what was sent before', async () => {
      const { near, far } = await pair();
      for (let i = 0; i < 20; i += 1) await settle(deliver(near.wire, frame(String(i))));
      near.dial.stop();
      expect(await settle(far.heard.end())).toBeUndefined();
      expect(far.heard.values).toHaveLength(21);
      expect(isSkeinError(await settle(sent(far.wire, frame('late'))), 'undeliverable')).toBe(true);
    });

    it('completes the dialled end when the served one closes, after what was sent before', async () => {
      const { near, far } = await pair();
      for (let i = 0; i < 20; i += 1) await settle(deliver(far.wire, frame(String(i))));
      far.heard.stop();
      expect(await settle(near.heard.end())).toBeUndefined();
      expect(await settle(near.dial.end())).toBeUndefined();
      expect(near.heard.values).toHaveLength(21);
      expect(isSkeinError(await settle(sent(near.wire, frame('late'))), 'undeliverable')).toBe(true);
    });

    it('completes every wire when the listener closes, after what was sent before', async () => {
      const { listening, near, far } = await pair();
      const other = await dial(listening.address);
      await settle(deliver(other.wire, frame('hello')));
      await listening.nth(2);
      for (let i = 0; i < 20; i += 1) await settle(deliver(far.wire, frame(String(i))));
      listening.heard.stop();
      for (const { dial: dialled, heard } of [near, other]) {
        expect(await settle(heard.end())).toBeUndefined();
        expect(await settle(dialled.end())).toBeUndefined();
      }
      expect(near.heard.values).toHaveLength(21);
      for (const { heard } of listening.served) expect(await settle(heard.end())).toBeUndefined();
    });

    it('leaves the other wires of a listener alone when one closes', async () => {
      const { listening, near, far } = await pair();
      const other = await dial(listening.address);
      await settle(deliver(other.wire, frame('hello')));
      await listening.nth(2);
      other.dial.stop();
      await settle((await listening.nth(2)).heard.end());
      await settle(deliver(near.wire, frame('still')));
      await settle(deliver(far.wire, frame('here')));
      expect((await settle(far.heard.count(2))).map(say)).toEqual([['hello'], ['still']]);
      expect((await settle(near.heard.count(2))).map(say)).toEqual([['welcome'], ['here']]);
    });

    it('brings nothing of an old wire to the next listener on its address', async () => {
      const { listening, near } = await pair();
      listening.heard.stop();
      const lateSends = Array.from({ length: 5 }, (_, i) => `old ${String(i)}`);
      for (const late of lateSends) await settle(sent(near.wire, frame(late)));
      const next = await listen(listening.address);
      expect(next.address).toBe(listening.address);
      await settle(near.heard.end());
      await settle(near.dial.end());
      expect(isSkeinError(await settle(sent(near.wire, frame('older'))), 'undeliverable')).toBe(true);
      const again = await dial(next.address);
      await settle(deliver(again.wire, frame('new')));
      const served = await next.nth(1);
      await settle(deliver(again.wire, frame('newer')));
      expect((await settle(served.heard.count(2))).map(say)).toEqual([['new'], ['newer']]);
      expect(next.served).toHaveLength(1);
    });

    it('holds a sender back whose peer does not read, and no one else', async () => {
      const listening = await listen();
      const deaf = await dialRaw(listening.address);
      await settle(deliver(deaf.wire, frame('deaf')));
      const toDeaf = await listening.nth(1);
      const lively = await dial(listening.address);
      await settle(deliver(lively.wire, frame('lively')));
      const toLively = await listening.nth(2);
      let taken = 0;
      const flood = (async () => {
        const total = 3_000;
        while (taken < total) {
          const content = Buffer.alloc(65_536);
          content.writeUInt32BE(taken);
          await deliver(toDeaf.wire, content);
          taken += 1;
        }
      })();
      // Held back: others talk for a long while, and nothing more is taken.
      let before = -1;
      let rounds = 0;
      while (before < taken) {
        before = taken;
        for (let i = 0; i < 300; i += 1) {
          rounds += 1;
          await settle(deliver(toLively.wire, frame('ping')));
          await settle(lively.heard.count(rounds));
        }
      }
      expect(taken).toBeLessThan(1_500);
      const heard = new Heard(deaf.wire.message$);
      await settle(flood);
      const got = await settle(heard.count(3_000));
      expect(got.every(([content], i) => Buffer.from(content as Uint8Array).readUInt32BE() === i)).toBe(true);
    });

    it('errors where someone listens already', async () => {
      const { address } = await listen();
      const error = await settle(new Heard(fixture.listener.listen(address)).end());
      expect(isSkeinError(error, 'undeliverable', 'invalid-argument')).toBe(true);
      const near = await dial(address);
      await settle(deliver(near.wire, frame('the first still listens')));
    });

    it('gives the messages of a wire to one subscriber only', async () => {
      const { near, far } = await pair();
      for (const { wire } of [near, far]) {
        expect(isSkeinError(await settle(new Heard(wire.message$).end()), 'invalid-argument')).toBe(true);
      }
      await settle(deliver(near.wire, frame('more')));
      await settle(far.heard.count(2));
    });

    it('sends nothing that is not subscribed', async () => {
      const { near, far } = await pair();
      void near.wire.send([frame('never')]);
      await settle(deliver(near.wire, frame('once')));
      expect((await settle(far.heard.count(2))).map(say)).toEqual([['hello'], ['once']]);
    });

    it('has nothing open once all is closed', async () => {
      const { listening, near, far } = await pair();
      expect(fixture.open()).toBeGreaterThan(0);
      near.dial.stop();
      await settle(far.heard.end());
      const unread = await dialRaw(listening.address);
      unread.dial.stop();
      listening.heard.stop();
      // Who knocks while the door closes may still be let in, and is shown out again.
      // Only who reads sees that.
      const knock$ = fixture.dialer.dial(listening.address).pipe(mergeMap(({ message$ }) => message$));
      await settle(new Heard(knock$).end());
      expect(fixture.open()).toBe(0);
    });

    it('closes what was closed while it opened', async () => {
      const { address } = await listen();
      new Heard(fixture.dialer.dial(address)).stop();
      new Heard(fixture.listener.listen(fixture.anywhere)).stop();
      const near = await dial(address);
      await settle(deliver(near.wire, frame('hello')));
      expect(fixture.open()).toBeLessThanOrEqual(3);
    });

    it('takes names of 200 characters', async ({ skip }) => {
      if (!fixture.named) return skip('its addresses have no names');
      const named = fixture.named('n'.repeat(200));
      const listening = await listen(named);
      const near = await dial(named);
      await settle(deliver(near.wire, frame('hello')));
      await settle((await listening.nth(1)).heard.count(1));
    });
  });
};
