import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { MsgpackrCodec } from '../../lib/adapters/msgpackr/codec.js';
import { type Envelope, Kind } from '../../lib/core/envelope.js';
import { Link } from '../../lib/mesh/link.js';
import { Listener } from '../../lib/mesh/listener.js';
import { Codec } from '../../lib/ports/codec.js';
import type { RecordingLogger } from '../recording-logger.js';
import { echo, endpointOf, MeshWorld, TestRequest } from './mesh-world.js';

/** Another major version of the protocol, which differs in nothing but its number: what is 1 to others is 2 to it, and so back. */
class NextCodec extends Codec {
  readonly #inner = new MsgpackrCodec();

  override encode(batch: readonly Envelope[]): readonly Uint8Array[] {
    return swapMajors(this.#inner.encode(batch));
  }

  override decode(frames: readonly Uint8Array[]): Envelope[] {
    return this.#inner.decode(swapMajors(frames));
  }

  override measure(payload: unknown): number {
    return this.#inner.measure(payload);
  }

  override keep(payload: unknown): unknown {
    return this.#inner.keep(payload);
  }
}

/** The major stands behind the head of the batch's array, which takes one byte of a short one, else three. */
const swapMajors = ([batch, ...others]: readonly Uint8Array[]): Uint8Array[] => {
  const swapped = Uint8Array.from(batch ?? []);
  const at = (swapped[0] ?? 0) === 0xdc ? 3 : 1;
  swapped[at] = 3 - (swapped[at] ?? 0);
  return [swapped, ...others];
};

/** A node of this version and one of the next, of which one dials the other with a request. */
const meet = async (who: 'the older dials' | 'the newer dials') => {
  const world = new MeshWorld();
  const { clock } = world.sim;
  const codecs = [new MsgpackrCodec(), new NextCodec()];
  if (who === 'the newer dials') codecs.reverse();
  const dialling = world.ports('a', {}, codecs[0]);
  const listening = world.ports('b', {}, codecs[1]);
  const listener = new Listener(listening.root, listening.ports);
  listener.add(endpointOf('b', echo));
  await firstValueFrom(listener.listen());
  const link = new Link(
    { address: 'sim://b/skein', incarnation: 'b-1', number: 1 },
    { turned: () => undefined, wants: (one) => one.open(), resting: () => undefined },
    dialling.ports,
  );
  link.run().subscribe();
  const one = new TestRequest(1, clock.now() + 60_000);
  link.send(one);
  await clock.advance(40);
  return { clock, link, one, dialling, listening };
};

const warnings = (logger: RecordingLogger): string[] =>
  logger.lines.filter(({ level }) => level === 'warn').map(({ message, fields }) => `${message}: ${String(fields?.error)}`);

describe('nodes of two major versions', () => {
  it.each(['the older dials', 'the newer dials'] as const)('do not talk, and both log why, where %s', async (who) => {
    const { link, one, dialling, listening } = await meet(who);
    expect(one.error).toMatchObject({ code: 'unsupported-version', ran: 'no' });
    expect(link.state).toBe('down');
    const reason = /the peer speaks protocol 2, and this node protocol 1/;
    expect(warnings(dialling.logger).at(0)).toMatch(/the link to sim:\/\/b\/skein is down/);
    expect(warnings(dialling.logger).at(0)).toMatch(reason);
    expect(warnings(listening.logger).at(0)).toMatch(/a link from sim:\/\/b\/skein#a-\d+ is refused/);
    expect(warnings(listening.logger).at(0)).toMatch(reason);
  });

  it('do not even talk where it is the dialler who refuses', async () => {
    const world = new MeshWorld();
    const { clock } = world.sim;
    const { ports, logger } = world.ports('a');
    const peers = world.listenRaw('b', new NextCodec());
    const link = new Link(
      { address: 'sim://b/skein', incarnation: '', number: 1 },
      { turned: () => undefined, wants: (one) => one.open(), resting: () => undefined },
      ports,
    );
    link.run().subscribe();
    const one = new TestRequest(1, clock.now() + 60_000);
    link.send(one);
    await clock.advance(20);
    expect(peers.length).toBeGreaterThan(0);
    expect(one.told).toEqual([]);
    peers[0]?.say({ kind: Kind.heartbeat });
    await clock.advance(20);
    expect(one.error).toMatchObject({ code: 'unsupported-version', ran: 'no' });
    expect(warnings(logger)[0]).toContain('the peer speaks protocol 2');
    expect(peers[0]?.of(Kind.goodbye)).toMatchObject([{ code: 'unsupported-version' }]);
  });
});
