import { filter, firstValueFrom, type Observable, ReplaySubject, Subscription, timeout } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TopicName } from '../../lib/core/target.js';
import type { Matchmaker, Registration } from '../../lib/ports/matchmaker.js';

/** A directory, empty at first. */
export interface MatchmakerFixture {
  /** Three nodes' ways to it. */
  readonly nodes: readonly [Matchmaker, Matchmaker, Matchmaker];
  /** Lists a server while subscribed: by that node, or by an operator where servers do not list themselves. */
  readonly list: (node: Matchmaker, registration: Registration) => Observable<'registered'>;
  /** What is told of a registration: all of it, but for what this directory cannot know. */
  readonly asTold: (registration: Registration) => Registration;
  readonly close: () => Promise<void>;
}

type Servers = readonly Registration[];

export const aRegistration = (more: Partial<Registration> = {}): Registration => ({
  exchange: 'default',
  topic: 'compute',
  server: 'host-1',
  node: 'host-1',
  version: '1.2.0',
  namespace: '',
  address: 'tcp://127.0.0.1:4001',
  incarnation: '0001-a',
  leaseMs: 10_000,
  labels: {},
  ...more,
});

export const namesOf = (servers: Servers): string[] => servers.map(({ server }) => server).sort();

/** All that a stream said, to be waited for. */
export class Heard<T> {
  readonly values: T[] = [];
  readonly #told$ = new ReplaySubject<T[]>(1);
  readonly #subscription: Subscription;

  constructor(source: Observable<T>, until: Subscription) {
    this.#subscription = source.subscribe({
      next: (value) => {
        this.values.push(value);
        this.#told$.next(this.values);
      },
      error: (error: unknown) => this.#told$.error(error),
      complete: () => this.#told$.complete(),
    });
    until.add(this.#subscription);
  }

  /** The latest value, once there is one that fits. */
  async until(fits: (latest: T) => boolean = () => true): Promise<T> {
    const values = await firstValueFrom(
      this.#told$.pipe(
        filter((told) => fits(told.at(-1) as T)),
        timeout(10_000),
      ),
    );
    return values.at(-1) as T;
  }

  /** Resolves when it completed. */
  async end(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#told$.pipe(timeout({ each: 10_000 })).subscribe({ complete: resolve, error: reject });
    });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}

const strangeNames = {
  'a slash': 'a/b/c',
  'dots that climb': '../..',
  'a percent sign': '100%25%2F',
  'all sorts of space': ' of all  sorts\t\n',
  emoji: '🦢🦢',
  '255 bytes': 'x'.repeat(255),
  '255 bytes that all need an escape': '%'.repeat(255),
  '255 bytes of wide letters': '雁'.repeat(85),
};

/**
 * What holds for every directory; `make` is called once for each fact. Where servers do not list themselves, `incarnations` are
 * unknown, and cannot meet.
 */
export const matchmakerContract = (
  name: string,
  make: () => Promise<MatchmakerFixture>,
  incarnations: 'known' | 'unknown' = 'known',
): void => {
  describe(`${name} as a matchmaker`, () => {
    const here: TopicName = aRegistration();
    let fixture: MatchmakerFixture;
    let all: Subscription;

    /** Lists the server with the first node, or another one, and resolves when that is done. */
    const list = async (registration: Registration, node = fixture.nodes[0]): Promise<Heard<'registered'>> => {
      const heard = new Heard(fixture.list(node, registration), all);
      await heard.until();
      return heard;
    };

    /** Watches with the second node. */
    const watch = (topic: TopicName) => {
      const heard = new Heard(fixture.nodes[1].watch(topic), all);
      const untilServers = (...servers: readonly string[]) => heard.until((set) => namesOf(set).join() === servers.join());
      return { sets: heard.values, untilServers, stop: () => heard.stop() };
    };

    /** What the third node is told first when it begins to watch now. */
    const look = (topic: TopicName): Promise<Servers> => firstValueFrom(fixture.nodes[2].watch(topic).pipe(timeout(10_000)));

    beforeEach(async () => {
      all = new Subscription();
      fixture = await make();
    });

    afterEach(async () => {
      all.unsubscribe();
      await fixture.close();
    });

    it('tells of the empty set at once where no server is listed', async () => {
      expect(await look(here)).toEqual([]);
    });

    it('tells of a listed server at once, as soon as it is registered', async () => {
      await list(aRegistration());
      expect(await look(here)).toEqual([fixture.asTold(aRegistration())]);
    });

    it('gives back version, namespace, address, incarnation and labels as they were', async () => {
      const labels = { zone: 'b', 'a "quoted" key': 'true', empty: '', wide: '雁' };
      const more = { version: '10.0.3', namespace: 'a/b c', address: 'ipc:///run/skein/x y', incarnation: '0190-ff', labels };
      await list(aRegistration(more));
      expect(await look(here)).toEqual([fixture.asTold(aRegistration(more))]);
    });

    it('pushes each change, and the whole set each time', async () => {
      const { untilServers } = watch(here);
      await untilServers();
      const one = await list(aRegistration({ server: 'host-1' }));
      await untilServers('host-1');
      const two = await list(aRegistration({ server: 'host-2' }), fixture.nodes[2]);
      await untilServers('host-1', 'host-2');
      one.stop();
      await untilServers('host-2');
      two.stop();
      await untilServers();
    });

    it('tells of a set only where it differs from the one before', async () => {
      const { sets, untilServers } = watch(here);
      const one = await list(aRegistration());
      await list(aRegistration({ topic: 'another' }));
      await untilServers('host-1');
      one.stop();
      await untilServers();
      const told = sets.map((set) => JSON.stringify(set));
      expect(told.filter((set, index) => set === told[index - 1])).toEqual([]);
    });

    it('takes a server off when its registration is unsubscribed, for later watchers too', async () => {
      const { untilServers } = watch(here);
      const one = await list(aRegistration());
      await untilServers('host-1');
      one.stop();
      await untilServers();
      expect(await look(here)).toEqual([]);
    });

    it('lists a server again that registers again', async () => {
      const { untilServers } = watch(here);
      const one = await list(aRegistration());
      await untilServers('host-1');
      one.stop();
      await untilServers();
      await list(aRegistration({ address: 'tcp://127.0.0.1:5000' }));
      const [server] = await untilServers('host-1');
      expect(server?.address).toBe('tcp://127.0.0.1:5000');
    });

    it('keeps equal topics of two exchanges apart', async () => {
      await list(aRegistration({ exchange: 'a' }));
      expect(await look({ exchange: 'b', topic: 'compute' })).toEqual([]);
      expect(await look({ exchange: 'a', topic: 'compute' })).toHaveLength(1);
    });

    it('does not take a topic for another one that begins with it', async () => {
      await list(aRegistration({ topic: 'ab', server: 's' }));
      await list(aRegistration({ topic: 'a/b', server: 's' }));
      await list(aRegistration({ topic: 'a0', server: 's' }));
      expect(await look({ exchange: 'default', topic: 'a' })).toEqual([]);
      await list(aRegistration({ topic: 'a', server: 'b' }));
      expect(namesOf(await look({ exchange: 'default', topic: 'a' }))).toEqual(['b']);
    });

    it('lists one name in two topics', async () => {
      await list(aRegistration({ topic: 'a' }));
      await list(aRegistration({ topic: 'b', address: 'tcp://127.0.0.1:4002' }));
      expect((await look({ exchange: 'default', topic: 'a' })).map(({ address }) => address)).toEqual(['tcp://127.0.0.1:4001']);
      expect((await look({ exchange: 'default', topic: 'b' })).map(({ address }) => address)).toEqual(['tcp://127.0.0.1:4002']);
    });

    it.each(Object.entries(strangeNames))('keeps names with %s', async (_what, strange) => {
      const registration = aRegistration({ exchange: strange, topic: strange, server: strange });
      const { untilServers } = watch(registration);
      const one = await list(registration);
      await untilServers(strange);
      expect(await look(registration)).toEqual([fixture.asTold(registration)]);
      one.stop();
      await untilServers();
    });

    it('lists 1,000 servers of one topic', async () => {
      const servers = Array.from({ length: 1_000 }, (_, index) => aRegistration({ server: `host-${String(index)}` }));
      const { untilServers } = watch(here);
      const listed = await Promise.all(servers.map((server) => list(server)));
      await untilServers(...namesOf(servers));
      expect(await look(here)).toHaveLength(1_000);
      for (const one of listed.slice(1)) one.stop();
      await untilServers('host-0');
    });

    it('tells whoever unsubscribed nothing more', async () => {
      const first = watch(here);
      const second = watch(here);
      await Promise.all([first.untilServers(), second.untilServers()]);
      first.stop();
      await list(aRegistration());
      await second.untilServers('host-1');
      expect(first.sets).toEqual([[]]);
    });

    it('can be unsubscribed before it has told anything', async () => {
      watch(here).stop();
      new Heard(fixture.list(fixture.nodes[0], aRegistration({ server: 'host-2' })), all).stop();
      const { untilServers } = watch(here);
      await list(aRegistration());
      await untilServers('host-1');
    });

    describe('as it is watched whole', () => {
      /** Watches with the second node. */
      const watchAll = () => {
        const heard = new Heard(fixture.nodes[1].watchAll(), all);
        const namesIn = (set: Servers) => set.map(({ exchange, topic, server }) => `${exchange}/${topic}/${server}`).sort();
        const untilServers = (...names: readonly string[]) => heard.until((set) => namesIn(set).join() === names.join());
        return { sets: heard.values, untilServers, stop: () => heard.stop() };
      };

      it('tells of the empty set at once where no server is listed', async () => {
        expect(await firstValueFrom(fixture.nodes[2].watchAll().pipe(timeout(10_000)))).toEqual([]);
      });

      it('tells at once of the servers of all topics and exchanges, each as it was listed', async () => {
        const registrations = [
          aRegistration({ exchange: 'a' }),
          aRegistration({ server: 'host-2', node: 'rack-7', labels: { zone: 'b' } }),
          aRegistration({ topic: 'another', version: '2.0.0', namespace: 'x' }),
          aRegistration({ topic: strangeNames.emoji, server: strangeNames['dots that climb'] }),
        ];
        await Promise.all(registrations.map((registration) => list(registration)));
        const told = await firstValueFrom(fixture.nodes[2].watchAll().pipe(timeout(10_000)));
        expect(told).toHaveLength(4);
        expect(told).toEqual(expect.arrayContaining(registrations.map(fixture.asTold)));
      });

      it('pushes each change, and the whole set each time', async () => {
        const { untilServers } = watchAll();
        await untilServers();
        const one = await list(aRegistration());
        await untilServers('default/compute/host-1');
        const two = await list(aRegistration({ topic: 'another' }), fixture.nodes[2]);
        await untilServers('default/another/host-1', 'default/compute/host-1');
        one.stop();
        await untilServers('default/another/host-1');
        two.stop();
        await untilServers();
      });

      it('tells of a set only where it differs from the one before', async () => {
        const { sets, untilServers } = watchAll();
        const one = await list(aRegistration());
        await untilServers('default/compute/host-1');
        one.stop();
        await untilServers();
        const told = sets.map((set) => JSON.stringify(set));
        expect(told.filter((set, index) => set === told[index - 1])).toEqual([]);
      });

      it('tells whoever unsubscribed nothing more', async () => {
        const [first, second] = [watchAll(), watchAll()];
        await Promise.all([first.untilServers(), second.untilServers()]);
        first.stop();
        await list(aRegistration());
        await second.untilServers('default/compute/host-1');
        expect(first.sets).toEqual([[]]);
      });
    });

    if (incarnations === 'unknown') {
      it('does not say which run of a node it tells of', async () => {
        await list(aRegistration({ incarnation: '0001' }));
        expect((await look(here)).map(({ incarnation }) => incarnation)).toEqual(['']);
      });
      return;
    }

    it('lists the newest incarnation of a name only, also where it is watched whole', async () => {
      await list(aRegistration({ incarnation: '0001' }));
      await list(aRegistration({ incarnation: '0002' }), fixture.nodes[2]);
      const told = await firstValueFrom(fixture.nodes[1].watchAll().pipe(timeout(10_000)));
      expect(told.map(({ incarnation }) => incarnation)).toEqual(['0002']);
    });

    it('gives a name to the newer incarnation, and completes the older one', async () => {
      const older = await list(aRegistration({ incarnation: '0001' }));
      const newer = await list(aRegistration({ incarnation: '0002' }), fixture.nodes[2]);
      expect((await look(here)).map(({ incarnation }) => incarnation)).toEqual(['0002']);
      await older.end();
      expect(older.values).toEqual(['registered']);
      older.stop();
      expect((await look(here)).map(({ incarnation }) => incarnation)).toEqual(['0002']);
      newer.stop();
      await watch(here).untilServers();
    });

    it('completes an incarnation at once that comes behind a newer one', async () => {
      const { sets, untilServers } = watch(here);
      const newer = await list(aRegistration({ incarnation: '0002' }));
      await untilServers('host-1');
      const older = new Heard(fixture.list(fixture.nodes[2], aRegistration({ incarnation: '0001' })), all);
      await older.end();
      expect(older.values).toEqual([]);
      newer.stop();
      await untilServers();
      expect(sets.flat().map(({ incarnation }) => incarnation)).toEqual(['0002']);
    });

    it('lets two topics have different incarnations of one name', async () => {
      const older = await list(aRegistration({ topic: 'a', incarnation: '0001' }));
      await list(aRegistration({ topic: 'b', incarnation: '0002' }), fixture.nodes[2]);
      expect(await look({ exchange: 'default', topic: 'a' })).toHaveLength(1);
      expect(older.values).toEqual(['registered']);
    });
  });
};
